"""Is the name that a certificate is known by read from it as a gateway reads it?"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from headgate.access.certificates import (
    CertificateName,
    NameKind,
    distinguished_name,
    read_name,
    shown,
)
from tests.support.certificates import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_each_kind_of_name_is_read_with_its_authority(authority: Authority) -> None:
    pem = authority.signed("robot.test", uris=("spiffe://acme/one", "spiffe://acme/two"))[0]
    expected = {
        NameKind.SUBJECT: "CN=robot.test",
        NameKind.DNS: "robot.test",
        NameKind.URI: "spiffe://acme/one",
    }
    for kind, name in expected.items():
        assert read_name(pem.decode(), kind) == CertificateName("CN=test authority", kind, name)


def test_equal_names_of_different_kinds_and_authorities_are_different() -> None:
    names = [CertificateName("CN=a", kind, "x") for kind in NameKind]
    names.append(CertificateName("CN=b", NameKind.DNS, "x"))
    assert len({name.sha256 for name in names}) == len(names)


def test_a_name_is_written_from_its_end_and_escaped() -> None:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CH"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "a, b+é"),
            x509.NameAttribute(NameOID.COMMON_NAME, "#robot "),
        ]
    )
    assert distinguished_name(name) == "CN=\\#robot\\ ,O=a\\, b\\+\\C3\\A9,C=CH"


def test_what_has_no_such_name_is_said_so(authority: Authority) -> None:
    with pytest.raises(ValueError, match="PEM"):
        read_name("-----BEGIN NOTHING-----", NameKind.DNS)
    with pytest.raises(ValueError, match="no uri name"):
        read_name(authority.signed("robot.test")[0].decode(), NameKind.URI)
    rare = x509.Name([x509.NameAttribute(NameOID.PSEUDONYM, "x")])
    with pytest.raises(ValueError, match=NameOID.PSEUDONYM.dotted_string):
        distinguished_name(rare)


def test_what_an_authority_has_signed_is_shown_with_its_names(authority: Authority) -> None:
    pem = authority.signed("robot.test", uris=("spiffe://acme/one",))[0].decode()
    found = shown(pem, authority.pem, datetime.now(UTC))
    assert (found.issuer, found.subject) == ("CN=test authority", "CN=robot.test")
    assert (found.uri, found.dns) == ("spiffe://acme/one", "robot.test")


def test_a_chain_leads_to_the_authority_and_without_its_middle_it_does_not() -> None:
    pems, keys = [], [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    names = [
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, n)]) for n in ("root", "mid", "end")
    ]
    now = datetime.now(UTC)
    for place, name in enumerate(names):
        signer = max(0, place - 1)
        made = x509.CertificateBuilder(names[signer], name, keys[place].public_key())
        made = made.serial_number(place + 1).not_valid_before(now - timedelta(days=1))
        made = made.not_valid_after(now + timedelta(days=1))
        signed = made.sign(keys[signer], hashes.SHA256())
        pems.append(signed.public_bytes(serialization.Encoding.PEM).decode())
    root, middle, end = pems
    assert shown(end + middle, root, now).subject == "CN=end"
    with pytest.raises(ValueError, match="none of the gateway's authorities"):
        shown(end, root, now)


@pytest.mark.parametrize(("begins", "ends"), [(-3, -1), (1, 2)])
def test_one_out_of_its_time_ends_the_handshake(
    authority: Authority, begins: float, ends: float
) -> None:
    pem = authority.signed("robot.test", begins_days=begins, ends_days=ends)[0].decode()
    with pytest.raises(ValueError, match="out of its time"):
        shown(pem, authority.pem, datetime.now(UTC))


def test_one_of_the_same_name_by_another_authority_ends_it(
    authority: Authority, tmp_path: Path
) -> None:
    pem = Authority(tmp_path).signed("robot.test")[0].decode()
    with pytest.raises(ValueError, match="none of the gateway's authorities"):
        shown(pem, authority.pem, datetime.now(UTC))
    with pytest.raises(ValueError, match="PEM"):
        shown("no certificate", authority.pem, datetime.now(UTC))
