"""What may an operator make of the portal, and what not?"""

from dataclasses import replace

import pytest

from headgate.core.problems import Problem, ProblemType
from headgate.store.models import AuditEntry
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import branding
from headgate.store.services.configuration import desired_state
from headgate.store.services.consumers.roles import SCOPES, Role

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


def test_a_look_is_kept_and_taken_back(admin: Actor) -> None:
    branding.set_look(admin, name="Acme APIs", accent="#AA3311", logo=PNG)
    assert branding.look() == branding.Look("Acme APIs", "", "#aa3311", PNG, "image/png")
    branding.set_look(admin, accent="", logo=b"")
    assert branding.look() == branding.Look("Acme APIs")
    assert AuditEntry.objects.filter(action="portal.look_changed").count() == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"accent": "red"},
        {"accent": "#fff}body{"},
        {"logo": b"GIF89a"},
        {"logo": b"<html>"},
        {"logo": PNG + b"0" * branding.LOGO_BYTES_MAX},
        {"name": "x" * 201},
    ],
)
def test_what_is_no_look_changes_nothing(admin: Actor, wrong: dict[str, object]) -> None:
    with pytest.raises(Problem) as caught:
        branding.set_look(admin, **wrong)  # type: ignore[arg-type]  # that is the point
    assert caught.value.type is ProblemType.INVALID_INPUT
    assert branding.look() == branding.Look()


def test_only_those_who_publish_say_how_it_looks(admin: Actor) -> None:
    for role in (Role.ADMIN, Role.PUBLISHER):
        branding.set_look(replace(admin, scopes=SCOPES[role]), name=role)
    for role in set(Role) - {Role.ADMIN, Role.PUBLISHER}:
        with pytest.raises(Problem):
            branding.put_page(replace(admin, scopes=SCOPES[role]), "terms", title="Terms")
    with pytest.raises(Problem):
        branding.set_look(replace(admin, organization="acme"), name="ours")


def test_pages_stand_in_their_order_and_a_deleted_name_is_free(admin: Actor) -> None:
    branding.put_page(admin, "terms", title="Terms", position=2)
    branding.put_page(admin, "start", title="Getting started", text="Hello", position=1)
    assert [page.name for page in branding.pages()] == ["start", "terms"]
    branding.delete_page(admin, "terms")
    branding.put_page(admin, "terms", title="Other terms")
    with pytest.raises(Problem, match="page 'gone'"):
        branding.page("gone")


def test_look_and_pages_are_exported_and_applied_without_a_change(admin: Actor) -> None:
    branding.set_look(admin, name="Acme APIs", accent="#aa3311", logo=PNG, welcome="*Hi*")
    branding.put_page(admin, "start", title="Getting started", text="Hello\n\n# World", position=0)
    documents = desired_state.export(admin)
    assert desired_state.apply(admin, documents) == []
    own = [one for one in documents if one["kind"] in {"portal", "page"}]
    branding.set_look(admin, name="", accent="", logo=b"", welcome="")
    branding.delete_page(admin, "start")
    assert {change.kind for change in desired_state.apply(admin, own)} == {"portal", "page"}
    assert desired_state.export(admin) == documents


def test_a_second_portal_is_refused(admin: Actor) -> None:
    with pytest.raises(Problem):
        desired_state.apply(admin, [{"kind": "portal", "name": "other", "title": "x"}])
