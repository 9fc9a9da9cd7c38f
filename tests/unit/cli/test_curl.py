"""Is a curl command line read as the request that curl would send?"""

import http.server
import subprocess
import threading
from pathlib import Path

import pytest

from headgate.cli.curl import CurlRequest, request_of
from headgate.core.problems import Problem
from tests.support.certificates import Authority

URL = "http://127.0.0.1:8080/shop/pets?limit=5"


def headers(found: CurlRequest) -> dict[str, str]:
    return {name.lower(): value for name, value in found.headers}


class _Recorder(http.server.BaseHTTPRequestHandler):
    """Keeps what it is sent."""

    seen: list[tuple[str, str, dict[str, str], bytes]]

    def __getattr__(self, name: str) -> object:
        if name.startswith("do_"):
            return self._keep
        raise AttributeError(name)

    def _keep(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        fields = {name.lower(): value for name, value in self.headers.items()}
        self.seen.append((self.command, self.path, fields, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its signature
        pass


@pytest.mark.parametrize(
    "words",
    [
        ["-s", "{url}"],
        ["-sSi", "-XDELETE", "{url}"],
        ["-X", "PUT", "-H", "X-API-Key: hg_1", "-d", "a=1", "-d", "b=2", "{url}"],
        ["--json", '{"a": 1}', "{url}"],
        ["-G", "-d", "a=1", "--data", "b=2", "{url}?c=3"],
        ["-I", "{url}"],
        ["-u", "ada:secret", "--url", "{url}"],
        ["-H", "Accept:", "-H", "X-Empty;", "-A", "me", "-b", "a=b", "-e", "there", "{url}"],
        ["--data-raw", "@not-a-file", "{url}"],
        ["-H", "Host: shop.example.com", "{url}"],
    ],
)
def test_it_is_what_curl_itself_sends(words: list[str]) -> None:
    seen: list[tuple[str, str, dict[str, str], bytes]] = []
    kind = type("Recorder", (_Recorder,), {"seen": seen})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/pets"
        line = [word.replace("{url}", url) for word in words]
        subprocess.run(["curl", "--noproxy", "*", *line], check=True, capture_output=True)
        server.shutdown()
    method, target, sent, body = seen[0]
    found = request_of(line)
    made = headers(found)
    if made.get("user-agent") == "curl":
        made["user-agent"] = sent["user-agent"]  # its version
    sent.pop("content-length", None)
    assert (found.method, found.target, found.body) == (method, target, body)
    assert made == sent


def test_data_of_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "body"
    file.write_bytes(b"a\r\nb\n")
    assert request_of(["--data-binary", f"@{file}", URL]).body == b"a\r\nb\n"
    assert request_of(["-d", f"@{file}", URL]).body == b"ab"


def test_of_a_certificate_with_its_key_the_key_stays_here(tmp_path: Path) -> None:
    certificate, key = Authority(tmp_path).signed("robot.test")
    file = tmp_path / "robot.pem"
    file.write_bytes(key + certificate)
    for words in (["--cert", str(file)], ["-E", f"{file}:secret", "--key", "/nowhere"]):
        found = request_of([*words, URL])
        assert found.certificate == certificate.decode().strip()
        assert found.certificate not in repr(found)
    assert request_of([URL]).certificate == ""


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--cert", "/no/such/file", URL], "/no/such/file"),
        (["--cert", __file__, URL], "holds no certificate"),
        (["--http3", URL], "--http3"),
        (["-sF", "a=b", URL], "-F"),
        (["-X"], "-X"),
        ([], "0 URLs"),
        ([URL, URL], "2 URLs"),
        (["-d", "@/no/such/file", URL], "/no/such/file"),
    ],
)
def test_what_cannot_be_read_is_named(words: list[str], named: str) -> None:
    with pytest.raises(Problem, match=named):
        request_of(words)


def test_what_is_sent_is_shown_by_no_repr() -> None:
    assert "hg_1" not in repr(request_of(["-H", "X-API-Key: hg_1", URL]))
