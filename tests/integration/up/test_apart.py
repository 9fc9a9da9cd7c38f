"""Do the same processes work apart, with a node that only knows an address and a token?"""

import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.tree import Tree, environment, eventually, tree
from tests.support.upstream import upstream

pytestmark = pytest.mark.integration
SPEC = (
    "openapi: 3.0.3\ninfo: {title: Echo, version: '1'}\npaths:\n  /a:\n    get:\n"
    "      operationId: a\n      responses: {'200': {description: ok}}\n"
)


@contextmanager
def _process(data: Path, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    with (data.parent / f"{arguments[0]}.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "headgate.cli", *arguments], env=environment(data), stderr=log
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_a_remote_node_serves_and_its_records_arrive(tmp_path: Path) -> None:
    centre, edge = Tree(tmp_path / "centre"), Tree(tmp_path / "edge")
    spec = tmp_path / "openapi.yaml"
    spec.write_text(SPEC)
    with (
        upstream() as echo,
        _process(centre.data, "jobs") as jobs,
        _process(centre.data, "web", "--web-port", str(centre.web_port)),
    ):
        eventually((centre.data / "run" / "web.json").exists)
        token_file = tmp_path / "node.token"
        added = centre.do("node", "add", "edge1", "--token-file", str(token_file))
        assert "hgt_" not in added.out + added.err
        url = f"http://127.0.0.1:{centre.web_port}"
        port = ("--gateway-port", str(edge.gateway_port))
        where = ("--control-plane", url, "--token-file", str(token_file), "--name", "edge1")
        with _process(edge.data, "node", *where, *port):
            centre.do("import", str(spec), "--name", "echo", "--upstream", echo.url, "--open")
            eventually(lambda: centre.cli("publish", "echo").code == 0, every_seconds=0.5)
            answers = [edge.call("/echo/a").status_code for _ in range(20)]
            assert answers == [200] * 20

            def stored() -> int:
                items = centre.do("stats", "--json").json["items"]
                return sum(item["requests"] for item in items if item["key"] == "echo")

            eventually(lambda: stored() == 20, every_seconds=0.5)
            records = centre.do("logs", "--json", "-n", "20").out.splitlines()
            assert {json.loads(line)["node"] for line in records} == {"edge1"}
            centre.do("node", "revoke", "edge1")
            centre.do("import", str(spec), "--name", "later", "--upstream", echo.url, "--open")
            assert centre.cli("publish", "later", "--wait", "2").code == 1
            assert edge.call("/later/a").status_code == 404
            assert edge.call("/echo/a").status_code == 200
            centre.do("node", "rotate", "edge1", "--token-file", str(token_file))
            eventually(lambda: edge.call("/later/a").status_code == 200, every_seconds=0.2)
        assert jobs.poll() is None
    edge.end_everything()


def test_a_token_of_another_node_is_named_by_the_node(tmp_path: Path) -> None:
    with tree(tmp_path / "centre") as centre:
        token_file = tmp_path / "node.token"
        centre.do("node", "add", "edge1", "--token-file", str(token_file))
        edge = Tree(tmp_path / "edge")
        port = ("--gateway-port", str(edge.gateway_port))
        url = f"http://127.0.0.1:{centre.web_port}"
        where = ("--control-plane", url, "--token-file", str(token_file), "--name", "edge2")
        with _process(edge.data, "node", *where, *port):
            log = tmp_path / "node.log"
            eventually(lambda: "belongs to the node" in log.read_text())
        assert token_file.read_text().strip() not in log.read_text()
        edge.end_everything()


def test_a_wrong_token_is_said_by_the_node(tmp_path: Path) -> None:
    with tree(tmp_path / "centre") as centre:
        admin = (centre.data / "admin.token").read_text()
        token_file = tmp_path / "node.token"
        token_file.write_text(admin)  # a token, but not a node's
        edge = Tree(tmp_path / "edge")
        port = ("--gateway-port", str(edge.gateway_port))
        url = f"http://127.0.0.1:{centre.web_port}"
        where = ("--control-plane", url, "--token-file", str(token_file), "--name", "edge1")
        with _process(edge.data, "node", *where, *port) as node:
            log = tmp_path / "node.log"
            eventually(lambda: "token" in log.read_text())
            assert node.poll() is None
        assert admin.strip() not in log.read_text()
        edge.end_everything()


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of its own for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(exist_ok=True)
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"


def test_the_gateway_speaks_tls_with_a_certificate_from_a_file(tmp_path: Path) -> None:
    certificate, key = _certificate(tmp_path / "tls")
    options = ("--gateway-tls-cert", str(certificate), "--gateway-tls-key", str(key))
    with tree(tmp_path / "data", *options) as up:
        context = ssl.create_default_context(cafile=certificate)
        url = f"https://127.0.0.1:{up.gateway_port}/nowhere"
        eventually(lambda: _status(url, context) == 404)
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(url, trust_env=False)
        assert any(f"https://127.0.0.1:{up.gateway_port}" in line for line in up.lines)


def _status(url: str, context: ssl.SSLContext) -> int:
    try:
        return httpx2.get(url, verify=context, trust_env=False).status_code
    except httpx2.HTTPError:
        return 0


def test_logs_are_json_and_hold_no_secret(tmp_path: Path) -> None:
    with tree(tmp_path / "data", "--log-format", "json") as up:
        up.do("app", "create", "demo", "--organization", "acme")
        key = up.do("key", "create", "demo").out.strip()
        token = (up.data / "admin.token").read_text().strip()
        up.call("/nowhere", key)
        killed = up.children()["jobs"]
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: up.children().get("jobs", killed) != killed)
        assert up.stop() == 0
    text = (tmp_path / "data.log").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert any(line["event"] == "ended, starting it again" for line in lines)
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)
    assert key not in text
    assert token not in text
