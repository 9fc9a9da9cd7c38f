"""Do the console's pages of webhooks and events do what they say, on a real receiver?"""

import html
import re
from collections.abc import Iterator

import pytest

from tests.support.console_world import ConsoleWorld, console_world
from tests.support.person import words
from tests.support.receiver import Receiver, receiver
from tests.support.tree import eventually

pytestmark = pytest.mark.integration
SECRET = re.compile(r'<code id="secret">(whsec_[^<]+)</code>')


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    with console_world(tmp_path_factory.mktemp("webhooks")) as running:
        yield running


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


def made(world: ConsoleWorld, url: str, *kinds: str, **more: str) -> tuple[str, str]:
    """The id of a webhook that the administrator makes by its page, and its secret."""
    page = world.person("admin").send(
        "/console/new/webhook", url=url, types=list(kinds), allow_private="on", **more
    )
    secret = SECRET.search(page.text)
    assert secret, words(page)
    assert page.headers["cache-control"] == "no-store"
    found = re.search(r"/console/webhooks/(whk_\w+)", page.text)
    assert found
    return found.group(1), html.unescape(secret.group(1))


def test_a_webhook_is_made_tried_and_its_answer_seen(world: ConsoleWorld, hook: Receiver) -> None:
    person = world.person("admin")
    name, secret = made(world, hook.url, "key.created", description="Tells the team")
    place = f"/console/webhooks/{name}"
    assert secret not in person.get(place).text  # never again
    assert "It is on its way" in words(person.send(f"{place}/test"))
    eventually(lambda: len(hook.of_type("webhook.test")) == 1, 60.0)

    def seen() -> list[tuple[str, str, str]]:
        items = person.get(f"{place}/deliveries?format=json").json()["deliveries"]
        return [(one["kind"], one["state"], one["answer"]) for one in items]

    eventually(lambda: seen() == [("webhook.test", "delivered", "204")], 60.0)
    world.post("/keys", application="acme/demo", name="told")
    eventually(lambda: len(hook.of_type("key.created")) == 1, 60.0)
    assert hook.of_type("application.created") == []  # it was not chosen


def test_a_teams_webhook_is_made_and_sent_what_is_of_the_team_alone(
    world: ConsoleWorld, hook: Receiver
) -> None:
    person = world.person("admin")
    world.post("/applications", organization="acme", name="till", team="payments")
    page = person.get("/console/teams/acme/payments").text
    assert "/console/new/webhook?organization=acme&amp;team=payments" in page
    page = person.get("/console/new/webhook?organization=acme&team=payments").text
    assert 'name="team" value="payments"' in page
    name, _secret = made(world, hook.url, "key.created", organization="acme", team="payments")
    assert "acme/payments" in words(person.get(f"/console/webhooks/{name}"))
    assert "acme/payments" in words(person.get(f"/console/webhooks?q={name}"))
    for application in ("acme/demo", "acme/till"):
        world.post("/keys", application=application, name="told")
    eventually(lambda: len(hook.of_type("key.created")) == 1, 60.0)
    assert hook.of_type("key.created")[0].event["data"]["application"] == "acme/till"
    form = {"url": "https://hooks.example.com/x", "types": []}
    for owner in ({"team": "payments"}, {"organization": "other", "team": "payments"}):
        refused = person.send("/console/new/webhook", **form, **owner)
        assert (refused.status_code, SECRET.search(refused.text)) == (422, None)


def test_a_failed_delivery_shows_the_answer_and_is_sent_again(
    world: ConsoleWorld, hook: Receiver
) -> None:
    person = world.person("admin")
    hook.status, hook.answer = 500, b"out of order"
    name, _secret = made(world, hook.url, "webhook.test")
    place = f"/console/webhooks/{name}"
    person.send(f"{place}/test")
    eventually(lambda: "500" in words(person.get(f"{place}/deliveries")), 60.0)
    assert "fails" in words(person.get("/console/webhooks?state=fails"))
    found = re.search(rf"{place}/deliveries/dlv_\w+", person.get(f"{place}/deliveries").text)
    assert found
    assert "out of order" in words(person.get(found.group()))
    hook.status = 204
    assert "It is on its way" in words(person.send(f"{found.group()}/again"))
    eventually(lambda: "delivered" in words(person.get(found.group())), 60.0)


def test_paused_it_is_sent_nothing_and_deleted_it_is_gone(
    world: ConsoleWorld, hook: Receiver
) -> None:
    person = world.person("admin")
    name, _secret = made(world, hook.url)
    place = f"/console/webhooks/{name}"
    assert "It is paused" in words(person.send(f"{place}/switch"))
    assert person.send(f"{place}/test").status_code == 422
    assert "It is active again" in words(person.send(f"{place}/switch"))
    assert person.send(f"{place}/delete", typed="elsewhere").status_code == 422
    host = hook.url.removeprefix("http://").partition("/")[0]
    assert "was deleted" in words(person.send(f"{place}/delete", typed=host))
    assert person.get(place).status_code == 404


def test_a_new_secret_is_shown_once_and_a_wrong_address_is_told_at_its_field(
    world: ConsoleWorld, hook: Receiver
) -> None:
    person = world.person("admin")
    name, first = made(world, hook.url, "webhook.test")
    turned = person.send(f"/console/webhooks/{name}/new-secret", hours="1")
    second = SECRET.search(turned.text)
    assert second
    assert html.unescape(second.group(1)) != first
    refused = person.send("/console/new/webhook", url="http://hooks.example.com/")
    assert refused.status_code == 422
    assert "begins with https://" in words(refused)
    assert "http://hooks.example.com/" in refused.text  # what was typed is kept


def test_events_are_narrowed_by_kind_subject_and_time(world: ConsoleWorld) -> None:
    person = world.person("auditor")
    key = world.post("/keys", application="acme/demo", name="seen")["id"]
    items = person.get("/console/events?kind=key.created&since=1h&format=json").json()["events"]
    assert {one["kind"] for one in items} == {"key.created"}
    assert key in {one["subject"] for one in items}
    about = person.get(f"/console/events?subject={key}&format=json").json()["events"]
    assert [one["kind"] for one in about] == ["key.created"]
    page = person.get(f"/console/events/{about[0]['id']}")
    assert "A key or password was issued" in words(page)
    assert f'href="/console/keys/{key}"' in page.text
    assert "Sent to" not in words(page)  # an auditor sees no webhooks
    assert person.get("/console/events?kind=nothing&q=nowhere").status_code == 200
