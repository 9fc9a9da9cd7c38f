"""Does a client certificate open an API exactly when it is verified and its name is known?"""

import http.client
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from headgate.access.certificates import NameKind, read_name
from headgate.model.access import CredentialRow, RowState
from headgate.model.logline import words
from headgate.model.sensitive import SensitiveMark
from headgate.model.snapshot import PolicyUse
from tests.support.callers import ACTIVE, Callers, callers
from tests.support.certificates import Authority
from tests.support.peer import Peer
from tests.support.proxy import Answer, until

pytestmark = pytest.mark.integration

ODD = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "CH"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, 'Müller, Söhne + "Co"; #1'),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, " #edge "),
        x509.NameAttribute(NameOID.EMAIL_ADDRESS, "robot@example.com"),
        x509.NameAttribute(NameOID.SERIAL_NUMBER, "007"),
        x509.NameAttribute(NameOID.COMMON_NAME, "robot"),
    ]
)
Pair = tuple[bytes, bytes]


@dataclass
class World:
    callers: Callers
    authority: Authority
    folder: Path

    def call(self, pair: Pair | None, path: str = "/shop/echo", **headers: str) -> Answer:
        """One call over a connection of its own, which shows the certificate.

        Raises:
            ssl.SSLError, OSError: the gateway ended the handshake.
        """
        with closing(self.connection(pair)) as connection:
            return ask(connection, path, **headers)

    def connection(self, pair: Pair | None) -> http.client.HTTPSConnection:
        context = self.authority.context()
        if pair is not None:
            path = self.folder / "shown.pem"
            path.write_bytes(pair[0] + pair[1])
            context.load_cert_chain(path)
        port = self.callers.gateway.port
        return http.client.HTTPSConnection("localhost", port, timeout=20, context=context)


def ask(connection: http.client.HTTPSConnection, path: str, **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", path, headers=sent)
    answer = connection.getresponse()
    found = {name.lower(): value for name, value in answer.getheaders()}
    return Answer(answer.status, found, answer.read())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("mtls")
    certificate, key = authority.issue(folder / "tls", "localhost")
    clients = folder / "clients.pem"
    clients.write_text(authority.pem)
    with callers(
        folder, tls_certificate=certificate, tls_key=key, client_authorities=clients
    ) as made:
        yield World(made, authority, folder)


def trust(world: World, pair: Pair, kind: NameKind, row: int, state: RowState = ACTIVE) -> None:
    digest = read_name(pair[0].decode(), kind).sha256
    world.callers.fill(CredentialRow(row, 1, f"crt_{row:012}", 1, digest, state))


@pytest.mark.parametrize("kind", NameKind)
def test_a_certificate_opens_the_api_by_each_of_its_names(
    world: World, upstream: Peer, kind: NameKind
) -> None:
    row = 20 + list(NameKind).index(kind)
    pair = world.authority.signed(
        f"{kind}.robot.test", subject=ODD, uris=(f"spiffe://acme/{kind}",)
    )
    trust(world, pair, kind, row)
    world.callers.publish(upstream, PolicyUse("mtls", {"required": True}))
    answer = world.call(pair)
    assert answer.status == 200, answer.body
    line = world.callers.gateway.line(answer.headers["x-request-id"])
    assert words(line["access"])[1].startswith(f"crt_{row:012}app_")
    sent = upstream.last["headers"]
    assert not [name for name in sent if "client-cert" in name]


def test_no_certificate_is_refused_where_one_is_required_whatever_else_is_presented(
    world: World, upstream: Peer
) -> None:
    world.callers.publish(upstream, PolicyUse("mtls", {"required": True}))
    pair = world.authority.signed("forged.test")
    trust(world, pair, NameKind.DNS, 30)
    forged = f'Cert="{pair[0].decode().encode().hex()}";Subject="CN=forged.test";DNS=forged.test'
    for headers in ({}, {"X_API_Key": world.callers.key.text}, {"X_Forwarded_Client_Cert": forged}):
        answer = world.call(None, **headers)
        assert (answer.status, answer.json["title"]) == (401, "No certificate"), headers
    assert world.call(None, "/open/echo").status == 401


def test_without_a_certificate_other_credentials_do_where_it_is_not_required(
    world: World, upstream: Peer
) -> None:
    world.callers.publish(upstream, PolicyUse("mtls", {}))
    assert world.call(None, X_API_Key=world.callers.key.text).status == 200
    assert world.call(None).status == 401


def test_a_certificate_that_nobody_has_is_refused_even_with_a_good_key(
    world: World, upstream: Peer
) -> None:
    world.callers.publish(upstream, PolicyUse("mtls", {}))
    stranger = world.authority.signed("stranger.test")
    for headers in ({}, {"X_API_Key": world.callers.key.text}):
        answer = world.call(stranger, **headers)
        assert (answer.status, answer.json["type"].rpartition(":")[2]) == (
            401,
            "unknown-credential",
        )
    former = world.authority.signed("former.test")
    trust(world, former, NameKind.SUBJECT, 31, RowState.REVOKED)
    answer = world.call(former, X_API_Key=world.callers.key.text)
    assert answer.json["type"].endswith("revoked")


def test_where_no_certificate_is_taken_one_that_is_shown_counts_nothing(
    world: World, upstream: Peer
) -> None:
    world.callers.publish(upstream)
    known = world.authority.signed("known.test")
    trust(world, known, NameKind.DNS, 32)
    assert world.call(known).status == 401
    assert world.call(known, X_API_Key=world.callers.key.text).status == 200


def test_a_certificate_needs_the_grant_for_what_is_sensitive_and_has_it(
    world: World, upstream: Peer
) -> None:
    pair = world.authority.signed("visitor.test")
    trust(world, pair, NameKind.DNS, 36)
    marks = (SensitiveMark(1, "api1"), SensitiveMark(1, "api2"))
    for required in (True, False):
        uses = PolicyUse("mtls", {"required": required})
        world.callers.publish(upstream, uses, marks=marks)
        for path in ("/shop/echo", "/open/echo"):
            answer = world.call(pair, path)
            assert (answer.status, answer.json["type"].rpartition(":")[2]) == (
                403,
                "access-not-granted",
            )
            line = world.callers.gateway.line(answer.headers["x-request-id"])
            verdict, caller, _ = words(line["access"])
            assert (verdict, caller[:16]) == ("access_not_granted", f"crt_{36:012}")
    world.callers.grant(mark=1)
    assert [world.call(pair, path).status for path in ("/shop/echo", "/open/echo")] == [200, 200]
    assert world.call(None, "/open/echo").status == 401
    assert world.call(world.authority.signed("nobody.test"), "/open/echo").status == 401
    world.callers.grant(mark=1, state=RowState.REVOKED)
    assert world.call(pair).status == 403


def test_a_certificate_that_is_not_valid_ends_the_handshake(
    world: World, upstream: Peer, tmp_path: Path
) -> None:
    world.callers.publish(upstream, PolicyUse("mtls", {}))
    impostor = Authority(tmp_path)  # of the same name
    bad = {
        "of another authority": impostor.signed("robot.test"),
        "expired": world.authority.signed("robot.test", begins_days=-2, ends_days=-1),
        "not yet valid": world.authority.signed("robot.test", begins_days=1, ends_days=2),
    }
    for pair in bad.values():
        trust(world, pair, NameKind.DNS, 33)
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
            world.call(pair, X_API_Key=world.callers.key.text)
    assert world.call(world.authority.signed("robot.test")).status == 200


def test_a_certificate_that_ends_while_its_connection_lasts_opens_nothing_more(
    world: World, upstream: Peer
) -> None:
    world.callers.publish(upstream, PolicyUse("mtls", {}))
    brief = world.authority.signed("brief.test", ends_days=4 / 86_400)
    trust(world, brief, NameKind.DNS, 34)
    with closing(world.connection(brief)) as connection:
        answers = [ask(connection, "/shop/echo")]
        ends = time.monotonic() + 60
        while answers[-1].status == 200 and time.monotonic() < ends:
            time.sleep(0.2)
            answers.append(ask(connection, "/shop/echo"))
    assert answers[0].status in {200, 401}  # a very slow machine
    assert answers[-1].json["title"] == "Certificate expired"


def test_another_file_of_authorities_is_taken_into_service_without_a_restart(
    world: World, upstream: Peer, tmp_path: Path
) -> None:
    world.callers.publish(upstream, PolicyUse("mtls", {}))
    newcomer = Authority(tmp_path)
    pair = newcomer.signed("newcomer.test")
    trust(world, pair, NameKind.DNS, 35)
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
        world.call(pair)
    fresh = world.folder / "fresh.pem"
    fresh.write_text(newcomer.pem)  # not both: they have one name and no key identifier
    fresh.rename(world.folder / "clients.pem")
    until(lambda: _opens(world, pair), lambda: "the new authority is not taken")


def _opens(world: World, pair: Pair) -> bool:
    try:
        return world.call(pair).status == 200
    except (ssl.SSLError, ConnectionError, http.client.HTTPException):
        return False
