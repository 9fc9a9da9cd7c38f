"""Does a running gateway take a new certificate, however it is written, and never a broken one?"""

import os
import shutil
import socket
from pathlib import Path

import pytest

from tests.integration.node.conftest import Node
from tests.support.certificates import Authority
from tests.support.control_plane import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def secure(node: Node, authority: Authority) -> Node:
    """A node that speaks TLS and runs."""
    certificate, key = authority.issue(node.data / "tls", "gateway.test")
    node.options = {"tls_certificate": certificate, "tls_key": key}
    node.publish(1)
    node.start()
    node.wait_live(1)
    return node


def serial(node: Node, authority: Authority) -> str:
    """Of the certificate that a caller is shown; the caller verifies it."""
    raw = socket.create_connection(("127.0.0.1", node.port), timeout=5)
    with authority.context().wrap_socket(raw, server_hostname="gateway.test") as wire:
        found = wire.getpeercert()
        assert found is not None
        return str(found["serialNumber"])


def overwrite(node: Node, pair: tuple[bytes, bytes]) -> None:
    """In place: the same files, written anew, chain and key one after the other."""
    for name, text in zip(("tls.crt", "tls.key"), pair, strict=True):
        (node.data / "tls" / name).write_bytes(text)


def says(node: Node, words: str) -> bool:
    return any(words in sentence for sentence in node.state.reports[-1].problems)


def test_a_certificate_overwritten_in_place_is_taken_and_one_renamed_into_place_too(
    secure: Node, authority: Authority
) -> None:
    shown = {serial(secure, authority)}
    overwrite(secure, authority.signed("gateway.test"))
    wait_until(lambda: serial(secure, authority) not in shown)
    shown.add(serial(secure, authority))
    authority.issue(secure.data / "tls", "gateway.test")
    wait_until(lambda: serial(secure, authority) not in shown)


def test_a_certificate_behind_a_link_that_is_turned_is_taken(
    node: Node, authority: Authority
) -> None:
    tls = node.data / "tls"  # as cert-manager and certbot do: a link to a folder of the day
    authority.issue(node.data / "day1", "gateway.test")
    tls.symlink_to("day1")
    node.options = {"tls_certificate": tls / "tls.crt", "tls_key": tls / "tls.key"}
    node.start()
    node.publish(1)
    node.wait_live(1)
    first = serial(node, authority)
    authority.issue(node.data / "day2", "gateway.test")
    (node.data / "next").symlink_to("day2")
    os.replace(node.data / "next", tls)  # noqa: PTH105  # says that it replaces
    wait_until(lambda: serial(node, authority) != first)


def test_a_broken_certificate_is_told_and_the_old_one_stays_in_service(
    secure: Node, authority: Authority
) -> None:
    first = serial(secure, authority)
    overwrite(secure, (authority.signed("gateway.test")[0], b"not a key"))
    wait_until(lambda: says(secure, "no private key"))
    assert serial(secure, authority) == first
    secure.stop()
    secure.start()
    wait_until(lambda: says(secure, "no private key"))
    assert serial(secure, authority) == first
    overwrite(secure, authority.signed("gateway.test", ends_days=60))
    wait_until(lambda: serial(secure, authority) != first)
    wait_until(lambda: not secure.state.reports[-1].problems)


def test_without_any_usable_certificate_the_node_does_not_start(
    node: Node, authority: Authority
) -> None:
    certificate, key = authority.issue(node.data / "tls", "gateway.test")
    shutil.copy(key, certificate)
    node.options = {"tls_certificate": certificate, "tls_key": key}
    node.start(is_served=False)
    assert node.agent is not None
    assert node.agent.wait(60) == 2
    node.agent = None
    assert "no whole certificate" in node.agent_log.read_text()


def knocks(node: Node, authority: Authority, pair: tuple[bytes, bytes]) -> bool:
    """Whether a caller with this certificate gets an answer."""
    context = authority.context()
    for name, text in zip(("caller.crt", "caller.key"), pair, strict=True):
        (node.data / name).write_bytes(text)
    context.load_cert_chain(node.data / "caller.crt", node.data / "caller.key")
    raw = socket.create_connection(("127.0.0.1", node.port), timeout=60)
    try:
        with context.wrap_socket(raw, server_hostname="gateway.test") as wire:
            wire.sendall(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            return wire.recv(1) != b""
    except OSError:  # ssl.SSLError is one
        return False


def test_a_caller_whose_certificate_is_refused_is_counted_and_reported(
    node: Node, authority: Authority, tmp_path: Path
) -> None:
    certificate, key = authority.issue(node.data / "tls", "gateway.test")
    clients = node.data / "clients.pem"
    clients.write_text(authority.pem)
    node.options = {
        "tls_certificate": certificate,
        "tls_key": key,
        "client_authorities": clients,
    }
    node.publish(1)
    node.start()
    node.wait_live(1)
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    assert knocks(node, authority, authority.signed("robot.test"))
    assert not knocks(node, authority, Authority(stranger).signed("robot.test"))
    expired = authority.signed("robot.test", begins_days=-2, ends_days=-1)
    assert not knocks(node, authority, expired)
    wait_until(lambda: node.state.reports[-1].certificates_refused == 2, 60)
