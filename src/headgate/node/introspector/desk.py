"""Is this request's token good? What is remembered, what is under way, and what has to be asked.

Fails closed: of a token that nobody can be asked about the answer says so, and the access filter
refuses it. Tokens that are good and those that are not are remembered apart, so that a flood of
wrong ones drives out no good one.
"""

import asyncio
import hashlib
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from headgate.access.keys import is_key
from headgate.core.clock import Clock
from headgate.core.problems import DependencyError
from headgate.gateway.introspection import Headers, judged
from headgate.model.introspection import (
    ASK_HEADER,
    FOUND_HEADER,
    JWT_HEADER,
    NO,
    UNAVAILABLE,
    YES,
    IntrospectionReading,
    IntrospectionServer,
)
from headgate.node.introspector.remembered import Remembered

TOKEN_BYTES_MAX = 4096
BAD_SECONDS_MAX = 5.0  # that a refusal is remembered: a token may be young on another of its nodes
ASKED_AT_ONCE_MAX = 32  # of one server
WAITING_MAX = 1000  # for one server; of further tokens nobody is asked
ERROR_CHARACTERS_MAX = 300
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # RFC 6750 §2.1
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")

Ask = Callable[[IntrospectionServer, str], Awaitable[Mapping[str, Any]]]
"""Asks a server about a token; raises DependencyError when it does not answer."""

_log = logging.getLogger(__name__)


def answer_bytes(headers: Headers) -> bytes:
    """A whole HTTP answer with these headers."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 200 OK\r\n{lines}content-length: 0\r\n\r\n".encode()


NOT_GOOD = answer_bytes(((FOUND_HEADER, NO),))
NOBODY_KNOWS = answer_bytes(((FOUND_HEADER, UNAVAILABLE),))


class Desk:
    """Answers Envoy's questions. `keep` says which servers there are."""

    def __init__(self, ask: Ask, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._counters: dict[str, _Counter] = {}

    def keep(self, servers: Iterable[IntrospectionServer]) -> None:
        """Know exactly these servers; what is remembered of those that stay is kept."""
        known = self._counters
        self._counters = {
            one.id: known.get(one.id) or _Counter(one, self._ask, self._clock) for one in servers
        }

    def question(self, headers: Mapping[str, str]) -> "bytes | asyncio.Future[bytes]":
        """The whole HTTP answer to what Envoy asks, now or as soon as it is known."""
        token = _bearer(headers.get("authorization", ""))
        if not _TOKEN.fullmatch(token) or len(token) > TOKEN_BYTES_MAX or is_key(token):
            return NOT_GOOD  # ours, or none: nobody else is told
        if headers.get(JWT_HEADER) == YES and _JWT.fullmatch(token):
            return NOT_GOOD
        counter = self._counters.get(headers.get(ASK_HEADER, ""))
        return NOBODY_KNOWS if counter is None else counter.question(token)

    def readings(self) -> list[IntrospectionReading]:
        """What was done for each server."""
        return [counter.reading() for counter in self._counters.values()]


class _Counter:
    """Everything about one server's tokens."""

    def __init__(self, server: IntrospectionServer, ask: Ask, clock: Clock) -> None:
        self._server = server
        self._ask = ask
        self._clock = clock
        self._good = Remembered(server.cache_entries_max)
        self._bad = Remembered(server.cache_entries_max)
        self._under_way: dict[bytes, asyncio.Future[bytes]] = {}
        self._at_once = asyncio.Semaphore(ASKED_AT_ONCE_MAX)
        self._asked = self._failed = self._known = self._refused = 0
        self._error = ""

    def question(self, token: str) -> "bytes | asyncio.Future[bytes]":
        digest = hashlib.sha256(token.encode()).digest()
        now = self._clock.monotonic()
        found = self._good.get(digest, now) or self._bad.get(digest, now)
        if found is not None:
            self._known += 1
            return found
        under_way = self._under_way.get(digest)
        if under_way is not None:
            return under_way
        if len(self._under_way) >= WAITING_MAX:
            self._refused += 1
            return NOBODY_KNOWS
        task = asyncio.ensure_future(self._asked_for(token, digest))
        self._under_way[digest] = task
        task.add_done_callback(lambda _: self._under_way.pop(digest, None))
        return task

    def reading(self) -> IntrospectionReading:
        return IntrospectionReading(
            self._server.issuer,
            self._asked,
            self._failed,
            self._known,
            self._refused,
            self._good.forgotten + self._bad.forgotten,
            self._error,
        )

    async def _asked_for(self, token: str, digest: bytes) -> bytes:
        server = self._server
        try:
            async with asyncio.timeout(server.timeout_seconds), self._at_once:
                self._asked += 1
                said = await self._ask(server, token)
            found = judged(server, said, now_s=self._clock.now().timestamp())
        except TimeoutError:
            return self._note(f"it did not answer within {server.timeout_seconds:g} seconds")
        except DependencyError as error:
            return self._note(str(error))
        except Exception as error:  # noqa: BLE001  # one odd answer must not end the others
            _log.exception("an answer of %s cannot be judged", server.issuer)
            return self._note(f"its answer cannot be judged: {type(error).__name__}")
        self._error = ""
        now = self._clock.monotonic()
        if found is None:
            self._bad.put(digest, NOT_GOOD, until=now + min(BAD_SECONDS_MAX, server.cache_seconds))
            return NOT_GOOD
        headers, seconds = found
        answer = answer_bytes(headers)
        self._good.put(digest, answer, until=now + seconds)
        return answer

    def _note(self, error: str) -> bytes:
        self._failed += 1
        self._error = error[:ERROR_CHARACTERS_MAX]
        return NOBODY_KNOWS


def _bearer(value: str) -> str:
    """The token of `Authorization`, as `filter/keys.zig` reads it; empty without one."""
    scheme, rest = value[:7], value[7:]
    return rest.strip(" ") if scheme.lower() == "bearer " else ""
