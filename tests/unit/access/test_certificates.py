"""Is the name that a certificate is known by read from it as a gateway reads it?"""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from headgate.access.certificates import CertificateName, NameKind, distinguished_name, read_name
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
