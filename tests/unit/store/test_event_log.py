"""Events are there with what they tell or not at all, and everybody sees their own."""

from datetime import timedelta

import pytest
from django.db import transaction

from headgate.core.problems import Bug, Problem, ProblemType
from headgate.model.events import EventKind
from headgate.store.models import Delivery, Event, Organization
from headgate.store.services import housekeeping
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.alerts import event_log, webhooks
from headgate.store.services.catalog import imports
from headgate.store.services.consumers import credentials, expiring_keys, subscriptions
from headgate.store.services.gateway import publishing, releases, rollbacks
from tests.support.store import AT, import_api, source, subscribed_key


def _told() -> list[str]:
    return list(Event.objects.order_by("pk").values_list("kind", flat=True))


def _test(organization: Organization | None = None, days: int = 0) -> Event:
    return event_log.publish(
        AT - timedelta(days=days),
        EventKind.WEBHOOK_TEST,
        subject="whk_1",
        data={"webhook": "whk_1"},
        organization=organization,
    )


def test_what_somebody_does_is_an_event_at_once(admin: Actor) -> None:
    issued = subscribed_key(admin)
    rotated = credentials.rotate(admin, issued.credential.id, overlap_seconds=60)
    credentials.revoke(admin, rotated.credential.id)
    subscriptions.cancel(admin, Event.objects.get(kind="subscription.created").subject)
    assert _told() == [
        "application.created",
        "subscription.created",
        "key.created",
        "key.rotated",
        "key.revoked",
        "subscription.ended",
    ]
    event = Event.objects.get(kind="key.rotated")
    assert event.data["replaced_by"] == rotated.credential.id
    assert event.data["application"] == "acme/demo"
    assert event.organization.name == "acme"
    for secret in (issued.secret, rotated.secret):
        assert secret.text not in str(list(Event.objects.values()))
        assert secret.sha256 not in str(list(Event.objects.values()))


def test_publishing_tells_the_operators_what_changed(admin: Actor) -> None:
    import_api(admin)
    publishing.publish(admin, "pets")
    event = Event.objects.get(kind="gateway.published")
    assert event.data["versions"] == ["pets"]
    assert (event.data["revision_before"], event.organization) == (0, None)
    publishing.unpublish(admin, "pets")
    rollbacks.rollback(admin, "default", revision=event.data["revision"])
    assert _told()[-1] == "gateway.rolled_back"
    assert Event.objects.last().data["versions"] == ["pets"]


def test_a_change_that_fails_leaves_no_event_and_no_delivery(admin: Actor) -> None:
    webhooks.create(admin, url="https://hooks.example.com/")
    with transaction.atomic():
        _test()
        assert Delivery.objects.count() == 1
        transaction.set_rollback(True)
    assert (Event.objects.count(), Delivery.objects.count()) == (0, 0)


def test_data_other_than_the_kind_says_is_a_bug(admin: Actor) -> None:
    for data in ({}, {"webhook": "whk_1", "more": 1}, {"webhook": "x" * 9000}):
        with pytest.raises(Bug):
            event_log.publish(AT, EventKind.WEBHOOK_TEST, subject="x", data=data)


def test_an_organization_sees_its_own_events_alone(admin: Actor) -> None:
    subscribed_key(admin)
    import_api(admin, "other")
    publishing.publish(admin, "other")
    other = Organization.objects.create(id="org_other0000000", created_at=AT, name="globex")
    theirs = _test(other)
    own = Actor("acme", frozenset({Scope.READ}), AT, organization="acme")
    assert {e.organization.name for e in event_log.page(own).items} == {"acme"}
    with pytest.raises(Problem) as caught:
        event_log.get(own, theirs.id)
    assert caught.value.type is ProblemType.NOT_FOUND
    assert event_log.get(admin, theirs.id) == theirs
    with pytest.raises(Problem):
        event_log.page(Actor("blind", frozenset({Scope.TRAFFIC}), AT))


def test_events_are_found_by_kind_subject_and_time(admin: Actor) -> None:
    old, new = _test(days=2), _test()
    assert [e.id for e in event_log.page(admin).items] == [new.id, old.id]
    assert event_log.page(admin, since=AT).items == (new,)
    assert event_log.page(admin, until=AT).items == (old,)
    assert event_log.page(admin, kind=EventKind.KEY_CREATED).items == ()
    assert len(event_log.page(admin, subject="whk_1").items) == 2
    assert event_log.page(admin, subject="whk_2").items == ()


def test_events_are_forgotten_in_time_but_not_while_they_are_sent(admin: Actor) -> None:
    waiting_for = webhooks.create(admin, url="https://hooks.example.com/").webhook
    sent = _test(days=41)
    webhooks.update(admin, waiting_for.id, is_enabled=False)
    webhooks.update(admin, waiting_for.id, is_enabled=True)
    Delivery.objects.filter(event=sent).update(state="delivered", settled_at=AT)
    waiting, young = _test(days=41), _test(days=39)
    housekeeping.tidy(AT)
    assert set(Event.objects.filter(kind="webhook.test")) == {waiting, young}


def test_of_too_many_events_the_oldest_go_first(
    admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "EVENTS_MAX", 3)
    made = [_test() for _ in range(3)]
    assert event_log.is_crowded()
    housekeeping.tidy(AT)
    assert Event.objects.count() == 3
    made.append(_test())
    housekeeping.tidy(AT)
    assert list(Event.objects.order_by("pk")) == made[1:]


def test_a_key_that_ends_soon_is_told_once(admin: Actor) -> None:
    issued = subscribed_key(admin)
    later = credentials.issue(
        admin, application="acme/demo", expires_at=AT + timedelta(days=8)
    ).credential
    soon = credentials.issue(
        admin, application="acme/demo", expires_at=AT + timedelta(days=6)
    ).credential
    credentials.rotate(admin, issued.credential.id, overlap_seconds=3600)  # replaced: not told
    assert (expiring_keys.tell(AT), expiring_keys.tell(AT)) == (1, 0)
    assert Event.objects.get(kind="key.expiring").subject == soon.id
    assert expiring_keys.tell(AT + timedelta(days=2)) == 1
    assert Event.objects.filter(kind="key.expiring").last().subject == later.id
    credentials.update(
        admin, soon.id, expires_at=AT + timedelta(days=5)
    )  # another end is another event
    assert expiring_keys.tell(AT) == 1


def test_a_release_that_is_taken_back_says_why(admin: Actor) -> None:
    import_api(admin)
    imports.import_document(admin, name="pets", version="v2", source=source())
    publishing.publish(admin, "pets")
    releases.start(admin, "pets@v2", percent=5.0)
    releases.abort(admin, "pets@v2", reason="too many errors")
    event = Event.objects.get(kind="release.taken_back")
    assert event.data == {"version": "pets@v2", "percent": 5.0, "reason": "too many errors"}
