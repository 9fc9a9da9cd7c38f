"""Webhooks belong to somebody, keep their secrets to themselves, and go nowhere private."""

from datetime import timedelta

import pytest

from headgate.core.problems import Problem, ProblemType
from headgate.model.events import EventKind
from headgate.store.models import AuditEntry, Delivery, Event, Webhook
from headgate.store.services import status
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.alerts import deliveries, event_log, webhooks
from headgate.store.services.consumers import organizations
from tests.support.store import AT, everything_stored

URL = "https://hooks.example.com/s3cr3t-path"


@pytest.fixture
def acme(admin: Actor) -> Actor:
    organizations.create(admin, name="acme")
    organizations.create(admin, name="globex")
    return Actor("acme", frozenset({Scope.KEYS, Scope.READ}), AT, organization="acme")


def _refusal(caught: pytest.ExceptionInfo[Problem]) -> ProblemType:
    return caught.value.type


def test_the_secret_is_shown_once_and_stands_nowhere(admin: Actor) -> None:
    made = webhooks.create(admin, url=URL)
    turned = webhooks.rotate(admin, made.webhook.id)
    stored = everything_stored()
    for secret in (made.secret, turned.secret):
        assert secret.startswith("whsec_")
        assert secret.removeprefix("whsec_") not in stored
    entries = AuditEntry.objects.filter(subject_kind="webhook")
    assert "s3cr3t-path" not in str(list(entries.values()))
    assert entries.first().after["host"] == "hooks.example.com"


def test_for_the_overlap_both_secrets_sign_and_then_the_new_one_alone(admin: Actor) -> None:
    made = webhooks.create(admin, url=URL)
    turned = webhooks.rotate(admin, made.webhook.id, overlap_seconds=60)
    webhooks.test(admin, made.webhook.id)
    row = made.webhook.pk
    (order,) = deliveries.orders(row, most=9, under_way=(), now=AT)
    assert order.keys == (turned.secret, made.secret)
    (later,) = deliveries.orders(row, most=9, under_way=(), now=AT + timedelta(seconds=60))
    assert later.keys == (turned.secret,)
    webhooks.rotate(admin, made.webhook.id, overlap_seconds=0)
    (last,) = deliveries.orders(row, most=9, under_way=(), now=AT)
    assert len(last.keys) == 1


def test_an_event_goes_to_those_who_may_know_and_asked_for_it(admin: Actor, acme: Actor) -> None:
    everything = webhooks.create(admin, url=URL).webhook
    some = webhooks.create(admin, url=URL, kinds=[EventKind.KEY_CREATED]).webhook
    own = webhooks.create(acme, url=URL).webhook
    others = webhooks.create(admin, url=URL, organization="globex").webhook
    assert own.organization.name == "acme"
    event = event_log.publish(
        AT,
        EventKind.APPLICATION_CREATED,
        subject="acme/app",
        data={"application": "acme/app", "is_suspended": False},
        organization=own.organization,
    )
    told = set(Delivery.objects.filter(event=event).values_list("webhook_id", flat=True))
    assert told == {everything.pk, own.pk}
    webhooks.test(admin, some.id)
    test = Event.objects.get(kind="webhook.test")
    assert [one.webhook for one in test.deliveries.all()] == [some]
    assert not others.deliveries.exists()


def test_an_organization_knows_of_its_own_alone(admin: Actor, acme: Actor) -> None:
    theirs = webhooks.create(admin, url=URL, organization="globex").webhook
    operators = webhooks.create(admin, url=URL).webhook
    own = webhooks.create(acme, url=URL).webhook
    assert webhooks.page(acme).items == (own,)
    for one in (theirs, operators):
        for act in (
            lambda i: webhooks.get(acme, i),
            lambda i: webhooks.update(acme, i, is_enabled=False),
            lambda i: webhooks.rotate(acme, i),
            lambda i: webhooks.test(acme, i),
            lambda i: webhooks.delete(acme, i),
            lambda i: deliveries.page(acme, i),
            lambda i: deliveries.redeliver(acme, i, "dlv_1"),
        ):
            with pytest.raises(Problem) as caught:
                act(one.id)
            assert _refusal(caught) is ProblemType.NOT_FOUND
    with pytest.raises(Problem) as caught:
        webhooks.create(acme, url=URL, organization="globex")
    assert _refusal(caught) is ProblemType.NOT_FOUND


def test_only_administrators_and_holders_of_keys_may(admin: Actor) -> None:
    for actor in (
        Actor("keys", frozenset({Scope.KEYS, Scope.READ}), AT),  # of the operators
        Actor("reader", frozenset({Scope.READ}), AT, organization="acme"),
    ):
        with pytest.raises(Problem) as caught:
            webhooks.page(actor)
        assert _refusal(caught) is ProblemType.FORBIDDEN


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("http://hooks.example.com/", ProblemType.INVALID_INPUT),
        ("ftp://hooks.example.com/", ProblemType.INVALID_INPUT),
        ("hooks.example.com", ProblemType.INVALID_INPUT),
        ("https://", ProblemType.INVALID_INPUT),
        ("https://user:pw@hooks.example.com/", ProblemType.INVALID_INPUT),
        ("https://hooks.example.com/#part", ProblemType.INVALID_INPUT),
        ("https://hooks.example.com/a b", ProblemType.INVALID_INPUT),
        ("https://hooks.example.com:0/", ProblemType.INVALID_INPUT),
        ("https://127.0.0.1/", ProblemType.REFUSED_ADDRESS),
        ("https://[::1]/", ProblemType.REFUSED_ADDRESS),
        ("https://169.254.169.254/latest", ProblemType.REFUSED_ADDRESS),
        ("https://10.0.0.7/", ProblemType.REFUSED_ADDRESS),
    ],
)
def test_a_url_that_leads_nowhere_public_is_refused(
    admin: Actor, url: str, kind: ProblemType
) -> None:
    with pytest.raises(Problem) as caught:
        webhooks.create(admin, url=url)
    assert _refusal(caught) is kind
    made = webhooks.create(admin, url=URL).webhook
    with pytest.raises(Problem):
        webhooks.update(admin, made.id, url=url)
    assert Webhook.objects.get().url == URL


def test_an_administrator_may_allow_private_addresses_and_an_organization_not(
    admin: Actor, acme: Actor
) -> None:
    made = webhooks.create(admin, url="http://10.0.0.7/hook", allow_private=True)
    assert made.webhook.allow_private
    with pytest.raises(Problem) as caught:
        webhooks.create(acme, url="http://10.0.0.7/hook", allow_private=True)
    assert _refusal(caught) is ProblemType.INVALID_INPUT


def test_there_are_only_so_many(admin: Actor, acme: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "WEBHOOKS_MAX", 2)
    for _ in range(2):
        webhooks.create(admin, url=URL)
    with pytest.raises(Problem) as caught:
        webhooks.create(admin, url=URL)
    assert _refusal(caught) is ProblemType.CONFLICT
    webhooks.create(acme, url=URL)  # its own number


def test_what_waits_is_bounded_and_what_is_dropped_is_counted_and_said(
    admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "WAITING_MAX", 2)
    made = webhooks.create(admin, url=URL).webhook
    for _ in range(5):
        webhooks.test(admin, made.id)
    assert (made.deliveries.count(), Webhook.objects.get().dropped) == (2, 3)
    said = [one.what for one in status.overview(admin).findings]
    assert any("was not sent 3 events" in one for one in said)


def test_a_webhook_that_is_disabled_or_deleted_is_sent_nothing(admin: Actor) -> None:
    made = webhooks.create(admin, url=URL).webhook
    webhooks.test(admin, made.id)
    webhooks.update(admin, made.id, is_enabled=False)
    assert deliveries.due(AT) == []
    with pytest.raises(Problem) as caught:
        webhooks.test(admin, made.id)
    assert _refusal(caught) is ProblemType.CONFLICT
    delivery = made.deliveries.get()
    with pytest.raises(Problem):
        deliveries.redeliver(admin, made.id, delivery.id)
    webhooks.update(admin, made.id, is_enabled=True)
    assert deliveries.redeliver(admin, made.id, delivery.id).state == "waiting"
    webhooks.delete(admin, made.id)
    assert deliveries.due(AT) == []
    assert bytes(Webhook.objects.get().sealed) == b""


def test_an_organization_that_ends_is_sent_nothing_more(admin: Actor, acme: Actor) -> None:
    own = webhooks.create(acme, url=URL).webhook
    kept = webhooks.create(admin, url=URL, organization="globex").webhook
    webhooks.test(acme, own.id)
    organizations.delete(admin, "acme")
    assert deliveries.due(AT) == []
    assert bytes(Webhook.objects.get(pk=own.pk).sealed) == b""
    assert webhooks.page(admin).items == (kept,)


def test_a_webhook_that_fails_is_said_and_one_that_does_not_is_not(admin: Actor) -> None:
    made = webhooks.create(admin, url=URL).webhook
    assert not [one for one in status.overview(admin).findings if made.id in one.what]
    Webhook.objects.update(failing_since=AT - timedelta(hours=1))
    (found,) = [one for one in status.overview(admin).findings if made.id in one.what]
    assert "s3cr3t-path" not in found.what
    assert "hooks.example.com" in found.what
