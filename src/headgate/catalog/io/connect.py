"""How is a server called that somebody else has named, without opening our own network to them?

Each host is resolved once and the connection goes to exactly the address that was checked, so a
name that changes its address in between gains nothing. Fails closed: a host with one address that
is refused is refused.

Source: OWASP API7:2023.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable

import httpcore2

from headgate.core.clock import Clock
from headgate.core.phrases import phrase
from headgate.core.problems import Problem, ProblemType

ADDRESSES_TRIED_MAX = 4

Resolver = Callable[[str, int], list[str]]
"""Addresses of a host, as texts; raises OSError."""

Judge = Callable[[str], str | None]
"""Why nothing is fetched from an address; None if it may be."""


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host by the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


class Deadline:
    """How long one exchange may still take, all its connections together."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._ends = clock.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left.

        Raises:
            httpcore2.ReadTimeout: none.
        """
        left = self._ends - self._clock.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the time is up")
        return left


class CheckedBackend(httpcore2.SyncBackend):
    """Connects to addresses that were checked, and reads no longer than the deadline."""

    def __init__(self, deadline: Deadline, resolver: Resolver, judge: Judge) -> None:
        self._deadline = deadline
        self._resolver = resolver
        self._judge = judge

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002  # the deadline is shorter
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        addresses = self._resolve(host, port)
        for address in addresses:
            reason = self._judge(address)
            if reason is not None:
                raise refused(
                    phrase(
                        "{host} is at {address}, {reason}.",
                        host=host,
                        address=address,
                        reason=reason,
                    )
                )
        failure: httpcore2.ConnectError | None = None
        for address in addresses[:ADDRESSES_TRIED_MAX]:
            try:
                stream = super().connect_tcp(
                    address, port, self._deadline.left(), local_address, socket_options
                )
            except httpcore2.ConnectError as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failure or httpcore2.ConnectError(f"{host} has no address")

    def _resolve(self, host: str, port: int) -> list[str]:
        """The addresses, within the deadline: the system's resolver knows no time limit."""
        found: list[list[str]] = []
        failures: list[OSError | UnicodeError] = []

        def look_up() -> None:
            try:
                found.append(self._resolver(host.strip("[]"), port))
            except (OSError, UnicodeError) as error:
                failures.append(error)

        thread = threading.Thread(target=look_up, name="catalog-resolve", daemon=True)
        thread.start()
        thread.join(self._deadline.left())
        if failures:
            raise httpcore2.ConnectError(f"the name {host} does not resolve") from failures[0]
        if not found:
            raise httpcore2.ConnectTimeout(f"the name {host} did not resolve in time")
        return found[0]


def refused(detail: str) -> Problem:
    return Problem(
        ProblemType.REFUSED_ADDRESS,
        detail,
        "Name a public http(s) address, allow private ones (`--allow-private`, an administrator's"
        " right), or send the document as a file.",
    )


class _TimedStream(httpcore2.NetworkStream):
    """A connection whose every step ends by the deadline, however slowly bytes drip in."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002  # as above
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002  # as above
        self._stream.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002  # as above
    ) -> httpcore2.NetworkStream:
        inner = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left())
        return _TimedStream(inner, self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
