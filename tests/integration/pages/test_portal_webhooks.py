"""Can an organization look after its webhooks without a terminal, and only after its own?"""

import re
from collections.abc import Iterator

import pytest

from tests.support.person import Person, words
from tests.support.portal_world import PASSWORD, PortalWorld, portal_world
from tests.support.receiver import Receiver, receiver
from tests.support.tree import eventually

pytestmark = pytest.mark.integration
HOME = "/organization/webhooks"
URL = "https://hooks.acme.example/s3cr3t-path"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalWorld]:
    with portal_world(tmp_path_factory.mktemp("webhooks")) as running:
        yield running


@pytest.fixture(scope="module")
def owner(world: PortalWorld) -> Iterator[Person]:
    with world.owner("owner@example.com", "acme", "demo") as person:
        yield person


@pytest.fixture(scope="module")
def target() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, pattern
    return found.group(1)


@pytest.fixture(scope="module")
def near(world: PortalWorld, owner: Person, target: Receiver) -> str:
    """A webhook of acme that calls this machine, as an administrator may allow it."""
    told = world.up.do(
        "webhook", "create", target.url, "--organization", "acme", "--allow-private", "--json"
    )
    return str(told.json["id"])


def test_a_webhook_is_made_its_secret_shown_once_and_its_settings_changed(owner: Person) -> None:
    made = owner.send(f"{HOME}/new", url=URL, description="Billing", types=["key.created"])
    secret = first(r"(whsec_[^<]+)<", made.text)
    place = first(r'href="(/organization/webhooks/whk_\w+)"', made.text)
    assert made.headers["cache-control"] == "no-store"
    listed = words(owner.get(HOME))
    assert "Billing hooks.acme.example key.created active" in listed
    assert secret not in owner.get(place).text
    changed = owner.send(place, url=URL, description="Ledger", types=[])
    assert "Ledger" in words(changed)
    assert "Ledger hooks.acme.example all" in words(owner.get(HOME))


def test_what_is_refused_is_said_at_its_field_and_what_was_typed_stays(owner: Person) -> None:
    page = owner.send(f"{HOME}/new", url="https://127.0.0.1/x", description="kept")
    assert page.status_code == 422
    assert "127.0.0.1 is" in words(page)
    assert 'value="kept"' in page.text
    page = owner.send(f"{HOME}/new", url="http://hooks.acme.example/", description="")
    assert "begins with https://" in words(page)


def test_a_test_arrives_and_its_answer_is_shown_and_it_is_sent_once_more(
    owner: Person, near: str, target: Receiver
) -> None:
    target.answer = b"taken by the ledger"
    target.status = 200
    place = f"{HOME}/{near}"
    assert "A test is on its way" in words(owner.send(place, to=f"{place}/test"))
    told = f"{place}?state=delivered&format=csv"
    eventually(lambda: "delivered" in owner.get(told).text, 60.0)
    link = first(rf'href="({place}/deliveries/dlv_\w+)"', owner.get(place).text)
    shown = words(owner.get(link))
    assert "taken by the ledger" in shown
    assert "webhook.test" in shown
    before = len(target.received)
    assert "It is sent once more" in words(owner.send(link, to=f"{link}/redeliver"))
    eventually(lambda: len(target.received) > before, 60.0)
    assert target.ids[-1] == target.ids[before - 1]
    eventually(lambda: "delivered" in owner.get(told).text, 60.0)


def test_a_secret_is_replaced_and_both_sign(owner: Person, near: str, target: Receiver) -> None:
    place = f"{HOME}/{near}"
    page = owner.send(f"{place}/rotate", overlap="3600")
    assert "whsec_" in page.text
    before = len(target.received)
    owner.send(place, to=f"{place}/test")
    eventually(lambda: len(target.received) > before, 60.0)
    assert target.received[-1].headers["webhook-signature"].count("v1,") == 2


def test_a_paused_one_is_sent_nothing_and_goes_on_when_told_to(owner: Person, near: str) -> None:
    place = f"{HOME}/{near}"
    assert "It is paused" in words(owner.send(place, to=f"{place}/pause", is_enabled="no"))
    assert owner.send(place, to=f"{place}/test").status_code == 409
    assert "sent to it again" in words(owner.send(place, to=f"{place}/pause", is_enabled="yes"))


def test_one_is_deleted_once_its_host_is_typed(owner: Person) -> None:
    made = owner.send(f"{HOME}/new", url="https://gone.acme.example/x")
    place = first(r'href="(/organization/webhooks/whk_\w+)"', made.text)
    assert owner.send(f"{place}/delete", typed="another").status_code == 422
    owner.send(f"{place}/delete", typed="gone.acme.example")
    assert owner.get(place).status_code == 404


def test_a_refusal_with_a_value_is_said_in_the_readers_language(
    world: PortalWorld, owner: Person, near: str
) -> None:
    with Person(world.up.web, language="de") as person:
        person.sign_in("owner@example.com", PASSWORD)
        place = f"{HOME}/{near}"
        person.send(place, to=f"{place}/pause", is_enabled="no")
        page = person.send(place, to=f"{place}/test")
        assert f"Der Webhook {near} ist angehalten" in words(page)
        person.send(place, to=f"{place}/pause", is_enabled="yes")
        assert "„nothing“" in words(person.get("/apis/nothing"))
