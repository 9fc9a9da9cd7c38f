"""Do the certificates and foreign clients of an application come back from what was exported?"""

from typing import Any

import pytest

from headgate.access.certificates import CertificateName, NameKind
from headgate.core.problems import Problem
from headgate.store.models import Credential
from headgate.store.services.actor import Actor
from headgate.store.services.configuration import desired_state
from headgate.store.services.configuration.desired_state import ChangeAction
from headgate.store.services.consumers import applications
from headgate.store.services.oauth import certificates, foreign_clients

ROBOT = {"issuer": "CN=Acme", "kind": "dns", "name": "robot.acme.example"}
NIGHTLY = {"issuer": "https://login.example.com", "client_id": "nightly"}


@pytest.fixture
def exported(admin: Actor) -> list[dict[str, Any]]:
    applications.create(admin, name="demo", organization="acme", create_organization=True)
    applications.create(admin, name="plain", organization="acme")
    name = CertificateName(ROBOT["issuer"], NameKind.DNS, ROBOT["name"])
    certificates.add(admin, application="acme/demo", name=name)
    foreign_clients.trust(
        admin, application="acme/demo", issuer=NIGHTLY["issuer"], client=NIGHTLY["client_id"]
    )
    return desired_state.export(admin)


def _application(documents: list[dict[str, Any]], name: str = "acme/demo") -> dict[str, Any]:
    [found] = [one for one in documents if (one["kind"], one["name"]) == ("application", name)]
    return found


def _live() -> set[str]:
    return {row.kind for row in Credential.objects.filter(revoked_at=None)}


def test_they_are_exported_by_their_names_and_with_no_digest(
    exported: list[dict[str, Any]],
) -> None:
    assert _application(exported)["certificates"] == [ROBOT]
    assert _application(exported)["foreign_clients"] == [NIGHTLY]
    plain = _application(exported, "acme/plain")
    assert (plain["certificates"], plain["foreign_clients"]) == ([], [])
    digests = Credential.objects.values_list("sha256", flat=True)
    assert not [digest for digest in digests if digest in str(exported)]


def test_what_was_exported_is_applied_without_a_change(
    admin: Actor, exported: list[dict[str, Any]]
) -> None:
    assert desired_state.apply(admin, exported, prune=True) == []
    other = ROBOT | {"name": "b.example"}
    changed = _application(exported) | {"certificates": [other, ROBOT]}
    assert len(desired_state.apply(admin, [changed])) == 1
    shuffled = changed | {"certificates": [ROBOT, other, ROBOT]}
    assert desired_state.apply(admin, [shuffled]) == []


def test_they_come_back_with_an_application_that_is_made_anew(
    admin: Actor, exported: list[dict[str, Any]]
) -> None:
    applications.delete(admin, "acme/demo")
    assert _live() == set()
    desired_state.apply(admin, exported)
    assert _application(desired_state.export(admin)) == _application(exported)
    assert _live() == {"certificate", "foreign_client"}
    assert desired_state.apply(admin, exported, prune=True) == []


def test_what_a_list_does_not_name_speaks_for_it_no_longer(
    admin: Actor, exported: list[dict[str, Any]]
) -> None:
    [change] = desired_state.apply(admin, [_application(exported) | {"certificates": []}])
    assert (change.action, change.fields) == (ChangeAction.UPDATE, ("certificates",))
    assert _live() == {"foreign_client"}


def test_lists_that_are_left_out_stay_as_they_are(
    admin: Actor, exported: list[dict[str, Any]]
) -> None:
    bare = {"kind": "application", "name": "acme/demo", "description": "changed"}
    [change] = desired_state.apply(admin, [bare])
    assert change.fields == ("description",)
    assert _live() == {"certificate", "foreign_client"}


def test_a_name_that_speaks_for_another_application_is_refused_and_nothing_changes(
    admin: Actor, exported: list[dict[str, Any]]
) -> None:
    stolen = _application(exported, "acme/plain") | {"foreign_clients": [NIGHTLY]}
    with pytest.raises(Problem) as caught:
        desired_state.apply(admin, [stolen])
    assert caught.value.errors[0].pointer == "/0"
    assert desired_state.apply(admin, exported) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"certificates": [ROBOT | {"kind": "email"}]},
        {"certificates": [{"issuer": "CN=Acme"}]},
        {"foreign_clients": [NIGHTLY | {"secret": "s"}]},
    ],
)
def test_what_is_no_name_is_refused(
    admin: Actor, exported: list[dict[str, Any]], wrong: dict[str, Any]
) -> None:
    with pytest.raises(Problem, match="mistake"):
        desired_state.apply(admin, [_application(exported) | wrong])
