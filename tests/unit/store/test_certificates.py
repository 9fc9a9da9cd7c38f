"""Does a name on certificates speak for one application at a time, until its trust is ended?"""

import pytest

from headgate.access.certificates import CertificateName, NameKind
from headgate.core.problems import Problem, ProblemType
from headgate.model.access import CredentialKind, RowState
from headgate.store.models import Credential
from headgate.store.services.actor import Actor
from headgate.store.services.consumers import applications
from headgate.store.services.oauth import certificates, foreign_clients

ROBOT = CertificateName("CN=Acme", NameKind.SUBJECT, "CN=robot")


@pytest.fixture
def two(admin: Actor) -> tuple[str, str]:
    for name in ("one", "two"):
        applications.create(admin, name=name, organization="acme", create_organization=True)
    return "acme/one", "acme/two"


def test_a_name_is_a_credential_by_its_digest(admin: Actor, two: tuple[str, str]) -> None:
    found = certificates.add(admin, application=two[0], name=ROBOT)
    row = Credential.objects.get(id=found.credential.id)
    assert (row.sha256, row.kind) == (ROBOT.sha256, CredentialKind.CERTIFICATE)
    assert row.id.startswith("crt_")
    assert [one.name for one in certificates.page(admin, application=two[0]).items] == ["CN=robot"]
    assert certificates.page(admin, application=two[1]).items == ()


def test_a_name_speaks_for_one_application_and_later_for_another(
    admin: Actor, two: tuple[str, str]
) -> None:
    first = certificates.add(admin, application=two[0], name=ROBOT)
    with pytest.raises(Problem) as caught:
        certificates.add(admin, application=two[1], name=ROBOT)
    assert caught.value.type is ProblemType.ALREADY_EXISTS
    ended = certificates.end(admin, first.credential.id)
    assert ended.credential.state is RowState.REVOKED
    before = Credential.objects.get(id=first.credential.id).changed
    certificates.end(admin, first.credential.id)
    assert Credential.objects.get(id=first.credential.id).changed == before
    again = certificates.add(admin, application=two[1], name=ROBOT)
    assert again.credential.application.path == two[1]
    assert again.credential.row == first.credential.row


def test_names_that_are_none_are_refused_with_their_place(
    admin: Actor, two: tuple[str, str]
) -> None:
    for name, pointer in (
        (CertificateName("", NameKind.DNS, "x"), "/issuer"),
        (CertificateName("CN=a", NameKind.DNS, "x\ny"), "/name"),
    ):
        with pytest.raises(Problem) as caught:
            certificates.add(admin, application=two[0], name=name)
        assert caught.value.errors[0].pointer == pointer


def test_certificates_and_clients_are_listed_apart(admin: Actor, two: tuple[str, str]) -> None:
    certificates.add(admin, application=two[0], name=ROBOT)
    foreign_clients.trust(admin, application=two[0], issuer="https://login.test", client="robot")
    assert len(certificates.page(admin).items) == len(foreign_clients.page(admin).items) == 1
