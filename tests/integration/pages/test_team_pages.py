"""Can an owner share an organization's applications out among teams, and do their people see it?"""

import re
from collections.abc import Iterator

import pytest

from tests.support.person import Person, words
from tests.support.portal_world import PortalWorld, portal_world

pytestmark = pytest.mark.integration
OWNER, KEEPER, OTHER = "owner@example.com", "keeper@example.com", "other@example.com"
TEAM = "/teams/acme/payments"
STAFF = "/console/teams/acme/staff"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalWorld]:
    with portal_world(tmp_path_factory.mktemp("teams")) as running:
        yield running


@pytest.fixture(scope="module")
def owner(world: PortalWorld) -> Iterator[Person]:
    with world.owner(OWNER, "acme", "demo") as person:
        yield person


def join(world: PortalWorld, owner: Person, email: str, **more: str) -> Person:
    """A person who has accepted an invitation of the owner."""
    owner.send("/organization/invite", email=email, role="developer", **more)
    person = world.sign_up(email)
    found = re.search(r'action="(/invitations/[^"]+)"', person.get("/organization/new").text)
    assert found
    person.send("/organization/new", to=found.group(1))
    return person


def test_an_owner_makes_a_team_and_its_maintainer_fills_it(
    world: PortalWorld, owner: Person
) -> None:
    assert "everybody in the organization sees all" in words(owner.get("/organization"))
    page = owner.send("/teams/new", title="Payments")
    assert "Next: who is in it" in words(page)
    assert "is taken" not in words(page)
    again = owner.send("/teams/new", title="Payments")
    assert "already a team" in words(again)
    with join(world, owner, KEEPER, team="payments") as keeper, join(world, owner, OTHER) as other:
        assert KEEPER in words(owner.get(TEAM))
        place = re.search(rf"{TEAM}/members/pla_\w+", owner.get(TEAM).text)
        assert place
        owner.send(place.group(0), role="maintainer")
        owner.send("/applications/new", name="till", team="payments")
        assert "till" in words(keeper.get("/applications"))
        assert "till" not in words(other.get("/applications"))
        hooks = "/organization/webhooks"
        assert "for all of the organization" not in words(keeper.get(f"{hooks}/new"))
        url = "https://hooks.acme.example/x"
        made = keeper.send(f"{hooks}/new", url=url, team="payments")
        hook = re.search(rf"{hooks}/whk_\w+", made.text)
        assert hook
        for person in (owner, keeper):
            assert "Team Payments" in words(person.get(hook.group(0)))
        assert other.get(hook.group(0)).status_code == 404
        assert "hooks.acme.example" not in words(other.get(hooks))
        assert other.send(f"{hooks}/new", url=url).status_code == 403
        page = keeper.send(f"{TEAM}/add", email=OTHER, role="member")
        assert f"{OTHER} is in the team" in words(page)
        assert "till" in words(other.get("/applications"))
        assert other.get(f"{TEAM}/add").status_code == 403  # a member says not who is in it
        assert keeper.get(f"{TEAM}/delete").status_code == 403
        mine = re.search(rf"{TEAM}/members/pla_\w+", _row(other.get(TEAM).text, OTHER))
        assert mine
        assert "You have left" in words(other.send(f"{mine.group(0)}/remove"))
        assert "till" not in words(other.get("/applications"))
        assert other.get(TEAM).status_code == 404


def test_a_team_goes_when_it_has_nothing_left(owner: Person) -> None:
    assert "still has the application" in words(owner.send(f"{TEAM}/delete", typed="payments"))
    owner.send("/applications/acme/till/change", team="")
    assert "is not the name" in words(owner.send(f"{TEAM}/delete", typed="x"))
    assert "Payments is deleted" in words(owner.send(f"{TEAM}/delete", typed="payments"))
    assert owner.get(TEAM).status_code == 404


def test_the_console_says_which_teams_there_are(world: PortalWorld, owner: Person) -> None:
    owner.send("/teams/new", title="Web")
    owner.send("/applications/acme/demo/change", team="web")
    with world.operator("op@example.com", "operator") as operator:
        page = words(operator.get("/console/organizations/acme"))
        assert "web Web 0 1" in page
        assert "acme/web" in words(operator.get("/console/applications/acme/demo"))
    assert world.up.do("team", "list", "acme", "--json").json["items"][0]["name"] == "web"


def test_an_administrator_makes_fills_renames_and_ends_a_team_in_the_console(
    world: PortalWorld, owner: Person
) -> None:
    demo = "/console/applications/acme/demo"
    with world.operator("adm@example.com", "admin") as admin:
        page = admin.send("/console/new/team", organization="acme", title="Staff")
        assert "Next: who is in it" in words(page)
        again = admin.send("/console/new/team", organization="acme", title="Staff")
        assert "already a team" in words(again)
        nowhere = admin.send("/console/new/team", organization="moon", title="Staff")
        assert "There is no organization" in words(nowhere)
        assert f"{OWNER} is in the team" in words(
            admin.send(f"{STAFF}/add", email=OWNER, role="member")
        )
        stranger = admin.send(f"{STAFF}/add", email="nobody@example.com", role="member")
        assert (stranger.status_code, "nobody@" in words(admin.get(STAFF))) == (404, False)
        place = re.search(rf"{STAFF}/members/pla_\w+", admin.get(STAFF).text)
        assert place
        admin.send(f"{place[0]}/role", role="maintainer")
        assert "Maintainer" in words(admin.get(place[0]))
        assert "Saved." in words(admin.send(f"{STAFF}/edit", title="Our staff"))
        admin.send(f"{demo}/edit", description="x", team="staff")
        assert "staff Our staff acme 1 1" in words(admin.get("/console/teams?q=staff"))
        assert "still has the application" in words(
            admin.send(f"{STAFF}/delete", typed="acme/staff")
        )
        admin.send(f"{demo}/edit", description="x", team="")
        told = words(admin.get(f"{STAFF}/delete"))
        assert (OWNER in told, "demo" in told) == (True, False)  # whom it hits
        assert "is not the name" in words(admin.send(f"{STAFF}/delete", typed="staff"))
        assert "out of the team" in words(admin.send(f"{place[0]}/remove"))
        assert admin.get(place[0]).status_code == 404
        assert "was deleted" in words(admin.send(f"{STAFF}/delete", typed="acme/staff"))
        assert admin.get(STAFF).status_code == 404
    entries = world.up.do("audit", "--json").json["items"]
    acts = {one["action"] for one in entries if one["actor"] == "adm@example.com"}
    assert acts >= {
        "team.created",
        "team.changed",
        "team.member_set",
        "team.member_removed",
        "team.deleted",
    }


def test_who_may_not_say_who_belongs_to_an_organization_changes_no_team_in_the_console(
    world: PortalWorld, owner: Person
) -> None:
    owner.send("/teams/new", title="Kept")
    kept = "/console/teams/acme/kept"
    with world.operator("kee@example.com", "operator") as operator:
        assert "Rename" not in words(operator.get(kept))
        for act in ("edit", "delete", "add"):
            assert operator.get(f"{kept}/{act}").status_code == 403
        sent = operator.send(
            "/console/applications/acme/demo/edit", to=f"{kept}/delete", typed="acme/kept"
        )
        assert sent.status_code == 403
        assert operator.get(kept).status_code == 200
        assert operator.get("/console/teams/other/kept").status_code == 404
    assert owner.get(kept).status_code == 404  # an organization's owner is no operator


def _row(text: str, email: str) -> str:
    """The row of a table that is about somebody."""
    return next(row for row in text.split("<tr>") if email in row and "pla_" in row)
