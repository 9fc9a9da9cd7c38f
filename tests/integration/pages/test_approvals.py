"""Does a plan by approval go its way: asked in the portal, decided in the console, told by mail?"""

import re
from collections.abc import Iterator

import pytest

from tests.support.person import Person, words
from tests.support.portal_world import PortalWorld, portal_world

pytestmark = pytest.mark.integration
PLACE = "/applications/acme/demo"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalWorld]:
    with portal_world(tmp_path_factory.mktemp("approvals")) as running:
        yield running


@pytest.fixture(scope="module")
def operator(world: PortalWorld) -> Iterator[Person]:
    with world.operator("op@example.com", "operator") as person:
        yield person


@pytest.fixture(scope="module")
def owner(world: PortalWorld, operator: Person) -> Iterator[Person]:
    with world.owner("owner@example.com", "acme", "demo") as person:
        yield person


def ask(person: Person, reason: str) -> None:
    found = re.search(r"app_[0-9a-z]{12}", person.get(PLACE).text)
    assert found
    page = person.send(
        "/products/shop/subscribe", application=found.group(0), plan="partner", reason=reason
    )
    assert "has asked for it" in words(page)


def test_the_product_says_which_plan_needs_approval(world: PortalWorld) -> None:
    with Person(world.up.web) as stranger:
        page = words(stranger.get("/products/shop"))
    assert "Begins at once at once once it is approved" in page
    assert page.count("Ask for it") == 1


def test_a_request_is_granted_with_a_word_and_both_sides_are_told(
    world: PortalWorld, operator: Person, owner: Person
) -> None:
    ask(owner, "For the fair in May")
    mail = world.sink.wait_for("op@example.com").get_content()
    assert "For the fair in May" in mail
    link = re.search(r"(/console/approvals/srq_\w+)", mail)
    assert link
    assert "acme/demo" in words(operator.get("/console/approvals"))
    page = words(operator.get(link.group(1)))
    assert "For the fair in May" in page
    assert "No subscription." in page
    assert "500 per second" in page
    assert "waits for an answer" in words(owner.get(PLACE))
    operator.send(link.group(1), decision="grant", word="See you there")
    page = words(owner.get(PLACE))
    assert "granted" in page
    assert "500 per second" in page
    assert "See you there" in world.sink.wait_for("owner@example.com", after=2).get_content()
    assert "granted" in world.sink.wait_for("op@example.com", after=1)["Subject"]
    again = operator.send("/", to=link.group(1), decision="decline")
    assert "and stays so" in words(again)


def test_a_request_is_withdrawn_by_those_who_asked(
    world: PortalWorld, operator: Person, owner: Person
) -> None:
    end = re.search(r'href="([^"]+/end)"', owner.get(PLACE).text)
    assert end
    owner.send(end.group(1))
    ask(owner, "Once more")
    action = re.search(r'action="([^"]+/requests/[^"]+/withdraw)"', owner.get(PLACE).text)
    assert action
    assert "is withdrawn" in words(owner.send(PLACE, to=action.group(1)))
    assert "subscribed to nothing" in words(owner.get(PLACE))


@pytest.mark.parametrize("role", ["publisher", "auditor"])
def test_who_may_not_decide_sees_the_request_and_no_button(
    world: PortalWorld, operator: Person, owner: Person, role: str
) -> None:
    with world.operator(f"{role}@example.com", role) as person:
        link = re.search(r"/console/approvals/srq_\w+", person.get("/console/approvals").text)
        assert link
        assert "Grant" not in words(person.get(link.group(0)))
        assert person.send("/", to=link.group(0), decision="grant").status_code == 403


def test_the_inbox_is_not_for_those_without_a_role(world: PortalWorld, owner: Person) -> None:
    assert owner.get("/console/approvals").status_code == 404
    with Person(world.up.web) as stranger:
        assert stranger.get("/console/approvals").status_code == 401


def test_the_inbox_answers_as_json(operator: Person, owner: Person) -> None:
    listed = operator.get("/console/approvals?state=granted&format=json").json()["approvals"]
    assert [one["plan"] for one in listed] == ["shop/partner"]
