"""Does a developer see how an application fares: calls, causes, quotas, and why a call failed?"""

import re
from collections.abc import Iterator

import pytest

from tests.support.person import Person, words
from tests.support.portal_world import PortalWorld, portal_world
from tests.support.tree import eventually

pytestmark = pytest.mark.integration
PLACE = "/applications/acme/demo"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalWorld]:
    with portal_world(tmp_path_factory.mktemp("report")) as running:
        yield running


@pytest.fixture(scope="module")
def owner(world: PortalWorld) -> Iterator[Person]:
    """Somebody whose application has called: 8 times well, and 5 times past its quota."""
    world.up.do("plan", "create", "shop/tiny", "--quota", "8/month")
    with world.owner("owner@example.com", "acme", "demo") as person:
        found = re.search(r"app_[0-9a-z]{12}", person.get(PLACE).text)
        assert found
        person.send("/products/shop/subscribe", application=found.group(0), plan="tiny")
        made = re.search(r'id="secret">([^<]+)<', person.send(f"{PLACE}/keys/new").text)
        assert made
        key = made.group(1)
        eventually(lambda: world.up.call("/orders/orders", key).status_code == 200, 60.0)
        for _ in range(12):
            world.up.call("/orders/orders", key)
        eventually(lambda: _calls(person) >= 13, 60.0, every_seconds=1.0)
        yield person


@pytest.fixture(scope="module")
def other(world: PortalWorld) -> Iterator[Person]:
    with world.owner("other@example.com", "globex", "robot") as person:
        yield person


def _calls(person: Person) -> int:
    return int(person.get(f"{PLACE}/report?format=json").json()["requests"])


def test_the_numbers_are_those_of_the_calls(owner: Person) -> None:
    report = owner.get(f"{PLACE}/report?range=hour&format=json").json()
    answered = sum(step["answered"] for step in report["steps"])
    refused = sum(step["refused"] for step in report["steps"])
    assert (answered, answered + refused) == (8, report["requests"])
    assert report["latency_ms"]["p99"] >= report["latency_ms"]["p50"] > 0
    (cause,) = [one for one in report["causes"] if one["cause"] == "quota exceeded"]
    assert cause["requests"] == refused
    assert cause["next_step"]


def test_the_page_shows_them_with_a_table_twin_and_what_to_do(owner: Person) -> None:
    answer = owner.get(f"{PLACE}/report")
    page = words(answer)
    assert "<svg" in answer.text
    assert "style=" not in answer.text
    assert "The same as a table" in page
    assert "quota exceeded" in page
    assert "What to do" in page


def test_a_quota_that_is_used_up_says_when_it_begins_anew(owner: Person) -> None:
    eventually(
        lambda: "Used up. It begins anew on" in words(owner.get(f"{PLACE}/report")),
        60.0,
        every_seconds=1.0,
    )
    (quota,) = owner.get(f"{PLACE}/report?format=json").json()["quotas"]
    assert (quota["used"], quota["quota"]) == (8, "8/month")


def test_a_call_that_failed_is_explained_without_what_is_the_providers(
    world: PortalWorld, owner: Person
) -> None:
    link = re.search(rf'href="({PLACE}/calls/[^"]+)"', owner.get(f"{PLACE}/report").text)
    assert link
    page = words(owner.get(link.group(1)))
    assert "429" in page
    assert "Step by step" in page
    assert str(world.echo.url).rpartition(":")[2] not in page
    german = words(owner.client.get(link.group(1), headers={"Accept-Language": "de"}))
    assert "Das Kontingent dieses Zeitraums ist verbraucht" in german
    assert "Grenzen abgelehnt Erreicht: Kontingent 8/month; wieder frei in" in german
    assert "quota of this window" not in german


def test_nobody_sees_the_calls_of_others(world: PortalWorld, owner: Person, other: Person) -> None:
    link = re.search(rf"{PLACE}/calls/([^\"]+)", owner.get(f"{PLACE}/report").text)
    assert link
    assert other.get(f"{PLACE}/report").status_code == 404
    assert other.get(f"/applications/globex/robot/calls/{link.group(1)}").status_code == 404
    assert _empty(other.get("/applications/globex/robot/report?format=json").json())
    assert "It has not called" in words(other.get("/applications/globex/robot/report"))


def test_another_application_of_the_same_owner_does_not_show_the_call(owner: Person) -> None:
    owner.send("/applications/new", name="second")
    link = re.search(rf"{PLACE}/calls/([^\"]+)", owner.get(f"{PLACE}/report").text)
    assert link
    assert owner.get(f"/applications/acme/second/calls/{link.group(1)}").status_code == 404


@pytest.mark.parametrize("query", ["range=year", "format=xml"])
def test_what_there_is_not_is_said(owner: Person, query: str) -> None:
    assert owner.get(f"{PLACE}/report?{query}").status_code == 422


def test_the_numbers_come_as_csv(owner: Person) -> None:
    lines = owner.get(f"{PLACE}/report?range=week&format=csv").text.split("\r\n")
    assert lines[0] == "at,answered,refused,failed"
    assert 41 <= len(lines) - 2 <= 43


@pytest.mark.parametrize(("chosen", "days"), [("month", 30), ("quarter", 90)])
def test_longer_reports_have_a_step_for_each_day_and_the_same_numbers(
    owner: Person, chosen: str, days: int
) -> None:
    report = owner.get(f"{PLACE}/report?range={chosen}&format=json").json()
    hour = owner.get(f"{PLACE}/report?range=hour&format=json").json()
    assert len(report["steps"]) == days
    assert {step["at"][11:] for step in report["steps"]} == {"00:00:00Z"}
    for kind in ("answered", "refused", "failed"):
        assert sum(step[kind] for step in report["steps"]) == sum(
            step[kind] for step in hour["steps"]
        )
    assert (report["requests"], report["causes"]) == (hour["requests"], hour["causes"])
    lines = owner.get(f"{PLACE}/report?range={chosen}&format=csv").text.split("\r\n")
    assert len(lines) - 2 == days
    assert "<svg" in owner.get(f"{PLACE}/report?range={chosen}").text


def _empty(report: dict[str, object]) -> bool:
    return (report["requests"], report["causes"], report["failures"]) == (0, [], [])
