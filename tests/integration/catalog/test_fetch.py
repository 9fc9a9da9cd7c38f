"""What is fetched from the network, and what is refused? Against real servers on loopback."""

import contextlib
import datetime as dt
import ipaddress
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from headgate.catalog.document import DocumentSource
from headgate.catalog.importer import import_document
from headgate.catalog.io.fetch import HTTPFetcher, source_from_url
from headgate.core.problems import Problem, ProblemType

pytestmark = pytest.mark.integration

DOCUMENT = '{"openapi": "3.0.0", "info": {"title": "ä", "version": "1"}, "paths": {}}'


class Handler(BaseHTTPRequestHandler):
    """Answers by path; notes what it was asked."""

    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, str]] = []  # noqa: RUF012  # one list per test, set by `serving`
    target = ""  # where /away redirects to

    def do_GET(self) -> None:
        self.asked.append((self.headers["Host"], self.path))
        step = self.path.strip("/").partition("/")
        if step[0] == "hop":
            self.redirect(f"/hop/{int(step[2]) - 1}" if step[2] != "0" else "/openapi.json")
        elif step[0] == "away":
            self.redirect(self.target)
        elif step[0] == "drip":
            self.drip()
        elif step[0] == "endless":
            self.endless()
        elif step[0] == "huge":
            self.answer(b"", length=10**12)
        elif step[0] == "zipped":
            self.answer(b"x", encoding="gzip")
        elif step[0] == "binary":
            self.answer(b"\xff\xfe\x00")
        elif step[0] == "missing":
            self.answer(b"", status=404)
        else:
            self.answer(DOCUMENT.encode())

    def answer(
        self, body: bytes, *, status: int = 200, length: int | None = None, encoding: str = ""
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.end_headers()
        self.wfile.write(body)

    def redirect(self, location: str) -> None:
        self.send_response(302)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def drip(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(10_000):  # longer than any test takes
            self.wfile.write(b"x-a: %d\r\n" % number)
            time.sleep(0.1)

    def endless(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(1_000):
            self.wfile.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # its name there
        """Tests are silent."""

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):  # the fetcher may hang up
            super().handle()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # nobody waits for one that drips

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what these tests are about."""


@contextmanager
def serving(address: str = "127.0.0.1", context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server on a port of its own."""
    Handler.asked, Handler.target = [], ""
    server = Server((address, 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def port() -> Iterator[int]:
    with serving() as number:
        yield number


def refused(fetch: HTTPFetcher, url: str) -> Problem:
    with pytest.raises(Problem) as caught:
        fetch(url)
    return caught.value


def test_a_document_is_fetched_and_imported(port: int) -> None:
    source = source_from_url(
        f"http://127.0.0.1:{port}/v1/openapi.json#part", HTTPFetcher(allow_private=True)
    )
    assert source == DocumentSource(
        {"openapi.json": DOCUMENT}, "openapi.json", f"http://127.0.0.1:{port}/v1/openapi.json"
    )
    assert import_document(source).description.title == "ä"
    assert Handler.asked == [(f"127.0.0.1:{port}", "/v1/openapi.json")]


def test_an_address_of_the_own_network_is_refused_and_not_asked(port: int) -> None:
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433"):
        problem = refused(HTTPFetcher(), f"http://{host}:{port}/openapi.json")
        assert problem.type is ProblemType.REFUSED_ADDRESS, host
    assert Handler.asked == []


def test_a_name_with_one_private_address_is_refused(port: int) -> None:
    fetch = HTTPFetcher(resolver=lambda host, port: ["8.8.8.8", "127.0.0.1"])
    problem = refused(fetch, f"http://docs.example:{port}/")
    assert problem.detail == "docs.example is at 127.0.0.1, a loopback address."


def test_the_connection_goes_to_the_address_that_was_checked(port: int) -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    judged: list[str] = []
    fetch = HTTPFetcher(resolver=lambda host, port: next(answers), judge=judged.append)
    assert fetch(f"http://rebinding.example:{port}/openapi.json").text == DOCUMENT
    assert judged == ["127.0.0.1"]
    assert next(answers) == ["127.0.0.2"]  # the name was asked for once
    assert Handler.asked == [(f"rebinding.example:{port}", "/openapi.json")]


def test_each_hop_of_a_redirect_is_judged_anew(port: int) -> None:
    Handler.target = f"http://inner.example:{port}/secret"
    places = {"outer.example": ["127.0.0.1"], "inner.example": ["127.0.0.2"]}
    fetch = HTTPFetcher(
        resolver=lambda host, port: places[host],
        judge=lambda address: "a private address" if address == "127.0.0.2" else None,
    )
    problem = refused(fetch, f"http://outer.example:{port}/away")
    assert problem.type is ProblemType.REFUSED_ADDRESS
    assert [path for _, path in Handler.asked] == ["/away"]


def test_three_redirects_are_followed_and_four_are_not(port: int) -> None:
    fetch = HTTPFetcher(allow_private=True)
    fetched = fetch(f"http://127.0.0.1:{port}/hop/2")
    assert (fetched.text, fetched.url) == (DOCUMENT, f"http://127.0.0.1:{port}/openapi.json")
    problem = refused(fetch, f"http://127.0.0.1:{port}/hop/3")
    assert "redirects more than 3 times" in problem.detail


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://host/x", "gopher://x"])
def test_a_redirect_to_another_scheme_is_refused(port: int, target: str) -> None:
    Handler.target = target
    problem = refused(HTTPFetcher(allow_private=True), f"http://127.0.0.1:{port}/away")
    assert problem.type is ProblemType.REFUSED_ADDRESS


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://docs.example/x",
        "docs.example/x",
        "//docs.example/x",
        "http://",
        "http://[::1",
        "http://user:secret@docs.example/",
        "http://docs.example:99999/",
        "http://docs.example:0/",
        "http://docs.example:x/",
        "http://docs.example/" + "x" * 2_000,
        "",
    ],
)
def test_what_is_no_address_of_the_web_is_refused_without_a_look_up(url: str) -> None:
    def resolver(host: str, port: int) -> list[str]:
        raise AssertionError("nothing is looked up")

    problem = refused(HTTPFetcher(resolver=resolver), url)
    assert problem.type is ProblemType.REFUSED_ADDRESS
    assert "secret" not in problem.detail


def test_a_document_that_is_too_large_is_not_read_to_its_end(port: int) -> None:
    fetch = HTTPFetcher(allow_private=True, bytes_max=100_000)
    for path in ("huge", "endless"):
        problem = refused(fetch, f"http://127.0.0.1:{port}/{path}")
        assert problem.type is ProblemType.TOO_LARGE


def test_an_answer_that_drips_in_ends_at_the_time_limit(port: int) -> None:
    problem = refused(
        HTTPFetcher(allow_private=True, seconds_max=0.5), f"http://127.0.0.1:{port}/drip"
    )
    assert "did not answer completely within 0.5 seconds" in problem.detail


def test_a_resolver_that_hangs_ends_at_the_time_limit() -> None:
    done = threading.Event()

    def resolver(host: str, port: int) -> list[str]:
        done.wait(120)
        return ["127.0.0.1"]

    problem = refused(HTTPFetcher(seconds_max=0.3, resolver=resolver), "http://docs.example/")
    done.set()
    assert problem.type is ProblemType.UNREACHABLE


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("missing", "answered with status 404"),
        ("zipped", "answered compressed"),
        ("binary", "is not text in UTF-8"),
        ("away", "redirects to nowhere"),
    ],
)
def test_an_answer_that_is_no_document_is_a_problem(port: int, path: str, detail: str) -> None:
    problem = refused(HTTPFetcher(allow_private=True), f"http://127.0.0.1:{port}/{path}")
    assert detail in problem.detail


def test_a_host_that_is_not_there_is_a_problem() -> None:
    with serving() as port:
        pass
    problem = refused(HTTPFetcher(allow_private=True), f"http://127.0.0.1:{port}/")
    assert problem.type is ProblemType.UNREACHABLE


def test_a_name_that_does_not_resolve_is_a_problem() -> None:
    def resolver(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    problem = refused(HTTPFetcher(resolver=resolver), "http://docs.example/")
    assert "the name docs.example does not resolve" in problem.detail


def certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate for `name` and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.9"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        built.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def test_https_is_verified_by_the_name_and_not_by_the_address(tmp_path: Path) -> None:
    path = certificate(tmp_path, "docs.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with serving(context=context) as port:
        fetch = HTTPFetcher(
            allow_private=True,
            resolver=lambda host, port: ["127.0.0.1"],
            ssl_context=ssl.create_default_context(cafile=str(path)),
        )
        assert fetch(f"https://docs.example:{port}/openapi.json").text == DOCUMENT
        assert "cannot be reached" in refused(fetch, f"https://other.example:{port}/").detail
        unknown = HTTPFetcher(allow_private=True, resolver=lambda host, port: ["127.0.0.1"])
        assert "cannot be reached" in refused(unknown, f"https://docs.example:{port}/").detail
        Handler.target = f"http://docs.example:{port}/openapi.json"
        problem = refused(fetch, f"https://docs.example:{port}/away")
        assert "redirects from https to" in problem.detail
