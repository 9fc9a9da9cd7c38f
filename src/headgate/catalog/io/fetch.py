"""How is a document got from the network, without opening the control plane's own network?

Each connection goes to an address that was checked (`connect`). Redirects are followed by hand,
each hop under the same rules. Proxies of the environment are not used, because they would resolve
names by themselves.

Source: OWASP API7:2023; RFC 9110 §15.4 (redirects).
"""

import ssl
from collections.abc import Callable
from posixpath import basename

import httpcore2
import httpx2

from headgate.catalog.addresses import refusal
from headgate.catalog.document import SOURCE_BYTES_MAX, DocumentSource, Fetched
from headgate.catalog.io.connect import (
    CheckedBackend,
    Deadline,
    Judge,
    Resolver,
    refused,
    resolve,
)
from headgate.core.clock import Clock, SystemClock
from headgate.core.phrases import phrase
from headgate.core.problems import Problem, ProblemType

FETCH_SECONDS_MAX = 20.0  # one document with all its redirects
REDIRECTS_MAX = 3
URL_CHARACTERS_MAX = 2_000

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ACCEPT = "application/json, application/yaml, text/yaml, */*;q=0.5"


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
        deadline = Deadline(self._clock, self._seconds_max)
        here = _parsed(url)
        for _ in range(REDIRECTS_MAX + 1):
            answer = self._get(here, deadline)
            if isinstance(answer, bytes):
                return Fetched(_without_fragment(here), _decoded(answer, here))
            if here.scheme == "https" and answer.scheme == "http":
                raise refused(
                    phrase("{url} redirects from https to {answer}.", url=here, answer=answer)
                )
            here = answer
        raise _unreachable(
            phrase("{url} redirects more than {most} times.", url=url, most=REDIRECTS_MAX)
        )

    def _get(self, url: httpx2.URL, deadline: Deadline) -> bytes | httpx2.URL:
        """The body at `url`, or where it redirects to."""
        backend = CheckedBackend(deadline, self._resolver, self._judge)
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
                phrase(
                    "{url} did not answer completely within {most:g} seconds.",
                    url=url,
                    most=self._seconds_max,
                )
            ) from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
            what = str(error) or type(error).__name__
            raise _unreachable(
                phrase("{url} cannot be reached: {what}.", url=url, what=what)
            ) from error

    def _answer(
        self, url: httpx2.URL, response: httpcore2.Response, deadline: Deadline
    ) -> bytes | httpx2.URL:
        headers = {name.lower(): value for name, value in response.headers}
        if response.status in _REDIRECTS:
            location = headers.get(b"location")
            if location is None:
                raise _unreachable(phrase("{url} redirects to nowhere.", url=url))
            return _parsed(location.decode("latin-1"), base=url)
        if response.status != 200:
            raise _unreachable(
                phrase("{url} answered with status {status}.", url=url, status=response.status)
            )
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise _unreachable(phrase("{url} answered compressed, though not asked to.", url=url))
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
            phrase(
                "The document at {url} has more than {most:,} bytes.",
                url=url,
                most=self._bytes_max,
            ),
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


def _parsed(text: str, base: httpx2.URL | None = None) -> httpx2.URL:
    if len(text) > URL_CHARACTERS_MAX:
        raise refused(
            phrase("The address is longer than {most:,} characters.", most=URL_CHARACTERS_MAX)
        )
    try:
        url = base.join(text) if base else httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError) as error:
        raise refused(phrase("{given!r} is not an address.", given=text[:200])) from error
    if url.scheme not in ("http", "https") or not url.host:
        raise refused(phrase("{given!r} is not an http or https address.", given=text[:200]))
    if url.port is not None and not 0 < url.port < 65_536:
        raise refused(phrase("{given!r} has no port that a server can have.", given=text[:200]))
    if url.userinfo:
        raise refused(phrase("The address has a user name or password in it."))
    return url


def _without_fragment(url: httpx2.URL) -> str:
    return str(url.copy_with(fragment=None))


def _decoded(body: bytes, url: httpx2.URL) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(
            ProblemType.INVALID_DOCUMENT,
            phrase("The document at {url} is not text in UTF-8.", url=url),
            "Name the address of the OpenAPI document itself.",
        ) from error


def _unreachable(detail: str) -> Problem:
    return Problem(
        ProblemType.UNREACHABLE,
        detail,
        "Check the address, or send the document as a file.",
    )
