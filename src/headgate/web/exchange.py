"""What is known about one request while it is being answered?"""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from headgate.store.services.actor import Actor

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

SCOPE_KEY = "headgate.exchange"


@dataclass(slots=True)
class Exchange:
    """One request and its answer. `actor` is set once the token has been read.

    `address` is the client's IP address, or empty when the server does not say.
    `body_bytes_max` is the longest body that is read.
    """

    request_id: str
    address: str
    body_bytes_max: int
    actor: Actor | None = None


def exchange_of(scope: Scope) -> Exchange:
    """The exchange that the envelope has put into `scope`."""
    found: Exchange = scope[SCOPE_KEY]
    return found
