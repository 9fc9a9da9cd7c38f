"""What is tried at a gateway, and what did it find? A request without consequences.

It may carry a caller's credential: values of these types are passed on in memory, never stored and
never logged, and their `repr` shows nothing of what was sent.
"""

from dataclasses import dataclass, field
from typing import Any

TARGET_CHARACTERS_MAX = 16 * 1024
HEADERS_MAX = 85  # Envoy takes 100 with those that HTTP and the agent add
HEADER_CHARACTERS_MAX = 16 * 1024
BODY_BYTES_MAX = 1024 * 1024
ANSWER_BYTES_MAX = 64 * 1024  # of an answer's body; the rest is cut
CERTIFICATE_CHARACTERS_MAX = 100_000
CLIENT_ADDRESS_DEFAULT = "127.0.0.1"

NOT_TRIED = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-forwarded-for",
    }
)
"""Header fields that belong to one connection, or say what the trial says otherwise: the length of
the body, the caller's address."""

CERTIFICATE_PREFIX = "x-headgate-trial-"
CERTIFICATE_FIELDS = tuple(
    f"{CERTIFICATE_PREFIX}{fact}" for fact in ("ends", "issuer", "subject", "uri", "dns")
)
"""In which the agent tells the gateway's Envoy of the certificate; nobody else can."""

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TrialRequest:
    """A request to try. `target` is path and query; `body` is base64.

    `client_address` is what the gateway takes for the caller's address. `certificate` is what the
    caller shows in the handshake, and those between it and its authority, as PEM; or nothing.
    """

    id: str
    method: str
    target: str = field(repr=False)
    headers: Headers = field(default=(), repr=False)
    body: str = field(default="", repr=False)
    client_address: str = CLIENT_ADDRESS_DEFAULT
    certificate: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What the gateway found. `line` is the request's, as `model/logline.py` has it.

    `passed`: every filter let it through. Then `body` (base64, as always) is what the gateway's
    last filter writes: what the upstream would get. Otherwise the answer is the caller's.
    `error` says why the node could not try it; then nothing else counts.
    """

    id: str
    node: str
    line: dict[str, Any] = field(default_factory=dict, repr=False)
    passed: bool = False
    status: int = 0
    headers: Headers = field(default=(), repr=False)
    body: str = field(default="", repr=False)
    error: str = ""
