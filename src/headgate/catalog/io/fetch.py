"""How is a document got from the network, without opening the control plane's own network?

Each host is resolved once and the connection goes to exactly the address that was checked, so a
name that changes its address in between gains nothing. Redirects are followed by hand, each hop
under the same rules. Fails closed: a host with one address that is refused is refused. Proxies of
the environment are not used, because they would resolve names by themselves.

Source: OWASP API7:2023; RFC 9110 §15.4 (redirects).
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from posixpath import basename

import httpcore2
import httpx2

from headgate.catalog.addresses import refusal
from headgate.catalog.document import SOURCE_BYTES_MAX, DocumentSource, Fetched
from headgate.core.clock import Clock, SystemClock
from headgate.core.problems import Problem, ProblemType

FETCH_SECONDS_MAX = 20.0  # one document with all its redirects
REDIRECTS_MAX = 3
URL_CHARACTERS_MAX = 2_000
ADDRESSES_TRIED_MAX = 4

Resolver = Callable[[str, int], list[str]]
"""Addresses of a host, as texts; raises OSError."""

Judge = Callable[[str], str | None]
"""Why nothing is fetched from an address; None if it may be."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ACCEPT = "application/json, application/yaml, text/yaml, */*;q=0.5"


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host by the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


class HTTPFetcher:
    """Fetches documents by http(s); a `Fetcher`.

    `seconds_max` is for one document with all its redirects. `allow_private` lets addresses
    through that only this machine's network can see; otherwise `judge` decides on each.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        bytes_max: int = SOURCE_BYTES_MAX,
        seconds_max: float = FETCH_SECONDS_MAX,
        resolver: Resolver = resolve,
        judge: Judge = refusal,
        clock: Clock | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._judge = (lambda _: None) if allow_private else judge
        self._bytes_max = bytes_max
        self._seconds_max = seconds_max
        self._resolver = resolver
        self._clock = clock or SystemClock()
        self._ssl_context = ssl_context

    def __call__(self, url: str, /) -> Fetched:
        """The text at `url`.

        Raises:
            Problem: refused (scheme, address, too many redirects), unreachable, slow, too large,
                or not text in UTF-8.
        """
        deadline = _Deadline(self._clock, self._seconds_max)
        here = _parsed(url)
        for _ in range(REDIRECTS_MAX + 1):
            answer = self._get(here, deadline)
            if isinstance(answer, bytes):
                return Fetched(_without_fragment(here), _decoded(answer, here))
            if here.scheme == "https" and answer.scheme == "http":
                raise _refused(f"{here} redirects from https to {answer}.")
            here = answer
        raise _unreachable(f"{url} redirects more than {REDIRECTS_MAX} times.")

    def _get(self, url: httpx2.URL, deadline: "_Deadline") -> bytes | httpx2.URL:
        """The body at `url`, or where it redirects to."""
        backend = _CheckedBackend(deadline, self._resolver, self._judge)
        context = self._ssl_context or ssl.create_default_context()
        headers = [
            ("Host", url.netloc.decode()),
            ("Accept", _ACCEPT),
            ("Accept-Encoding", "identity"),
            ("User-Agent", "headgate"),
            ("Connection", "close"),
        ]
        target = httpcore2.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )
        try:
            with (
                httpcore2.ConnectionPool(ssl_context=context, network_backend=backend) as pool,
                pool.stream("GET", target, headers=headers) as response,
            ):
                return self._answer(url, response, deadline)
        except httpcore2.TimeoutException as error:
            raise _unreachable(
                f"{url} did not answer completely within {self._seconds_max:g} seconds."
            ) from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
            what = str(error) or type(error).__name__
            raise _unreachable(f"{url} cannot be reached: {what}.") from error

    def _answer(
        self, url: httpx2.URL, response: httpcore2.Response, deadline: "_Deadline"
    ) -> bytes | httpx2.URL:
        headers = {name.lower(): value for name, value in response.headers}
        if response.status in _REDIRECTS:
            location = headers.get(b"location")
            if location is None:
                raise _unreachable(f"{url} redirects to nowhere.")
            return _parsed(location.decode("latin-1"), base=url)
        if response.status != 200:
            raise _unreachable(f"{url} answered with status {response.status}.")
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise _unreachable(f"{url} answered compressed, though not asked to.")
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared[:20]) > self._bytes_max:
            raise self._too_large(url)
        body = bytearray()
        for chunk in response.iter_stream():
            body += chunk
            if len(body) > self._bytes_max:
                raise self._too_large(url)
            deadline.left()
        return bytes(body)

    def _too_large(self, url: httpx2.URL) -> Problem:
        return Problem(
            ProblemType.TOO_LARGE,
            f"The document at {url} has more than {self._bytes_max:,} bytes.",
            "Import a smaller document.",
        )


def source_from_url(url: str, fetch: Callable[[str], Fetched]) -> DocumentSource:
    """The document at `url` as something to import; named by the last part of its address.

    Raises:
        Problem: as `HTTPFetcher`.
    """
    fetched = fetch(url)
    name = basename(httpx2.URL(fetched.url).path.rstrip("/")) or "openapi"
    return DocumentSource({name: fetched.text}, name, fetched.url)


class _Deadline:
    """How long one document may still take."""

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


class _CheckedBackend(httpcore2.SyncBackend):
    """Connects to addresses that were checked, and reads no longer than the deadline."""

    def __init__(self, deadline: _Deadline, resolver: Resolver, judge: Judge) -> None:
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
                raise _refused(f"{host} is at {address}, {reason}.")
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


class _TimedStream(httpcore2.NetworkStream):
    """A connection whose every step ends by the deadline, however slowly bytes drip in."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: _Deadline) -> None:
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


def _parsed(text: str, base: httpx2.URL | None = None) -> httpx2.URL:
    if len(text) > URL_CHARACTERS_MAX:
        raise _refused(f"The address is longer than {URL_CHARACTERS_MAX:,} characters.")
    try:
        url = base.join(text) if base else httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError) as error:
        raise _refused(f"{text[:200]!r} is not an address.") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise _refused(f"{text[:200]!r} is not an http or https address.")
    if url.port is not None and not 0 < url.port < 65_536:
        raise _refused(f"{text[:200]!r} has no port that a server can have.")
    if url.userinfo:
        raise _refused("The address has a user name or password in it.")
    return url


def _without_fragment(url: httpx2.URL) -> str:
    return str(url.copy_with(fragment=None))


def _decoded(body: bytes, url: httpx2.URL) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(
            ProblemType.INVALID_DOCUMENT,
            f"The document at {url} is not text in UTF-8.",
            "Name the address of the OpenAPI document itself.",
        ) from error


def _refused(detail: str) -> Problem:
    return Problem(
        ProblemType.REFUSED_ADDRESS,
        detail,
        "Name a public http(s) address, allow private ones (`--allow-private`, an administrator's"
        " right), or send the document as a file.",
    )


def _unreachable(detail: str) -> Problem:
    return Problem(
        ProblemType.UNREACHABLE, detail, "Check the address, or send the document as a file."
    )
