"""Events reach their receivers: signed, again after a failure, and nobody waits for the slow."""

import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from headgate.alerts.webhooks import ANSWER_BYTES_MAX, DISABLED_AFTER, TRIES_MAX, headers
from headgate.core.clock import Clock, SystemClock
from headgate.jobs import webhooks as sending
from headgate.jobs.webhook_post import Poster
from headgate.jobs.webhooks import Sender
from headgate.store import setup
from headgate.store.models import Delivery, Event, Webhook
from headgate.store.services import leases
from headgate.store.services.actor import Actor, Scope, implied
from headgate.store.services.alerts import webhooks
from headgate.store.services.alerts.webhooks import IssuedWebhook
from tests.support.receiver import Receiver, receiver
from tests.support.store import AT

pytestmark = pytest.mark.django_db(transaction=True)


class StoreClock(Clock):
    """The store's time stands where it was set; deadlines run as ever."""

    def __init__(self) -> None:
        self.at = AT

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return SystemClock().monotonic()


@pytest.fixture
def clock() -> StoreClock:
    return StoreClock()


@pytest.fixture
def admin(tmp_path: object) -> Actor:
    setup.bootstrap(setup.prepare(tmp_path / "data") or tmp_path / "data", AT)
    return Actor("administrator", implied([Scope.ADMIN]), AT)


Make = Callable[..., Sender]


@pytest.fixture
def sender_of(clock: StoreClock) -> Iterator[Make]:
    made: list[Sender] = []

    def build(holder: str = "one", **given: object) -> Sender:
        poster = Poster(clock, ssl.create_default_context(), **given)
        made.append(Sender(poster, clock=clock, holder=holder))
        return made[-1]

    yield build
    for one in made:
        one.release()


@pytest.fixture
def target() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def _hook(admin: Actor, target: Receiver) -> IssuedWebhook:
    return webhooks.create(admin, url=target.url, allow_private=True)


def _drain(sender: Sender) -> None:
    """Until nothing is under way and nothing more is due."""
    pause = threading.Event()
    for _ in range(3000):
        if not sender.tick():
            return
        pause.wait(0.01)
    raise AssertionError("it never ends")


def test_a_message_comes_signed_and_once(
    admin: Actor, target: Receiver, sender_of: Make, clock: StoreClock
) -> None:
    made = _hook(admin, target)
    event = webhooks.test(admin, made.webhook.id)
    sender = sender_of()
    _drain(sender)
    _drain(sender)
    (came,) = target.received
    assert came.event["id"] == came.headers["webhook-id"] == event
    assert came.headers["content-type"] == "application/json"
    right = headers(event, came.body, keys=[made.secret], at=clock.at)
    assert {name: came.headers[name] for name in right} == dict(right)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.tries) == ("delivered", 1)
    assert Webhook.objects.get().delivered_at == AT


def test_a_receiver_that_fails_and_recovers_gets_the_same_message_in_the_end(
    admin: Actor, target: Receiver, sender_of: Make, clock: StoreClock
) -> None:
    target.statuses, target.answer = [500, 302], b"out of order" * 100
    target.headers = {"location": target.url + "/elsewhere"}
    webhooks.test(admin, _hook(admin, target).webhook.id)
    sender = sender_of()
    _drain(sender)
    assert Webhook.objects.get().failing_since == AT
    clock.at += timedelta(seconds=4)
    _drain(sender)
    assert len(target.received) == 1, "not before its time"
    clock.at += timedelta(seconds=1)
    _drain(sender)
    assert len(target.received) == 2
    clock.at += timedelta(minutes=5)
    _drain(sender)
    assert len({one.body for one in target.received}) == 1
    assert len(set(target.ids)) == 1
    assert {one.path for one in target.received} == {"/hook"}, "a redirection is not followed"
    delivery = Delivery.objects.get()
    assert [one["status"] for one in delivery.attempts] == [500, 302, 204]
    assert len(delivery.attempts[0]["answer"]) == ANSWER_BYTES_MAX
    assert (delivery.state, Webhook.objects.get().failing_since) == ("delivered", None)


def test_after_the_last_attempt_nothing_more_is_sent(
    admin: Actor, target: Receiver, sender_of: Make, clock: StoreClock
) -> None:
    target.status = 500
    hook = _hook(admin, target).webhook
    webhooks.test(admin, hook.id)
    sender = sender_of()
    for _ in range(TRIES_MAX + 3):
        Webhook.objects.update(failing_since=None)  # others are taken in between
        _drain(sender)
        clock.at += timedelta(hours=24)
    assert len(target.received) == TRIES_MAX
    assert Delivery.objects.get().state == "given_up"
    assert Webhook.objects.get().disabled_at is None


def test_days_of_failures_disable_it_with_an_event_for_the_others(
    admin: Actor, target: Receiver, sender_of: Make, clock: StoreClock
) -> None:
    with receiver() as other:
        hook = _hook(admin, target).webhook
        target.status = 503
        webhooks.test(admin, hook.id)
        sender = sender_of()
        _drain(sender)
        clock.at += DISABLED_AFTER
        webhooks.create(admin, url=other.url, allow_private=True)
        for _ in range(3):
            webhooks.test(admin, hook.id)
        _drain(sender)
        _drain(sender)  # what that made due
        told = Event.objects.get(kind="webhook.disabled")
        assert told.data["webhook"] == hook.id
        assert told.data["given_up"] >= 2
        assert other.ids == [told.id]
    assert Webhook.objects.get(pk=hook.pk).disabled_at == clock.at
    assert not Delivery.objects.filter(state="waiting").exists()


def test_a_private_address_is_called_only_where_it_is_allowed(
    admin: Actor, target: Receiver, sender_of: Make
) -> None:
    hook = webhooks.create(admin, url="https://hooks.example.com/").webhook
    Webhook.objects.update(url=target.url)  # as if the name had turned to this address
    webhooks.test(admin, hook.id)
    _drain(sender_of())
    assert target.received == []
    (attempt,) = Delivery.objects.get().attempts
    assert attempt["status"] is None
    assert "not public" in attempt["error"]
    assert "127.0.0.1" not in attempt["error"], "nobody learns our network's addresses"


def test_the_address_that_was_checked_is_the_one_that_is_called(
    admin: Actor, target: Receiver, sender_of: Make
) -> None:
    answers = [["127.0.0.1"], ["203.0.113.9"]]  # what a rebinding name server would say
    asked: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    hook = webhooks.create(admin, url="https://hooks.example.com/").webhook
    Webhook.objects.update(url=target.url.replace("127.0.0.1", "hooks.example.com"))
    webhooks.test(admin, hook.id)
    _drain(sender_of(resolver=resolver, judge=lambda _: None))
    assert asked == ["hooks.example.com"]
    (came,) = target.received
    assert came.headers["host"].startswith("hooks.example.com:")


def test_nothing_listens_or_answers_in_http_and_it_is_a_failure(
    admin: Actor, target: Receiver, sender_of: Make
) -> None:
    hook = _hook(admin, target).webhook
    Webhook.objects.update(url="http://127.0.0.1:1/")
    webhooks.test(admin, hook.id)
    _drain(sender_of())
    (attempt,) = Delivery.objects.get().attempts
    assert (attempt["status"], bool(attempt["error"])) == (None, True)


def test_a_receiver_that_does_not_answer_holds_nobody_up(
    admin: Actor, target: Receiver, sender_of: Make
) -> None:
    with receiver() as slow:
        slow.held.clear()
        stuck = _hook(admin, slow).webhook
        well = _hook(admin, target).webhook
        for _ in range(20):
            webhooks.test(admin, stuck.id)
            webhooks.test(admin, well.id)
        sender = sender_of()
        pause = threading.Event()
        for _ in range(2000):
            sender.tick()
            if len(target.received) == 20:
                break
            pause.wait(0.01)
        assert len(target.received) == 20
        assert len(slow.received) <= sending.PER_WEBHOOK_MAX
        slow.held.set()
        _drain(sender)
        assert len(set(slow.ids)) == 20


def test_one_process_sends_and_another_only_when_that_is_gone(
    admin: Actor, target: Receiver, sender_of: Make, clock: StoreClock
) -> None:
    hook = _hook(admin, target).webhook
    first, second = sender_of("one"), sender_of("two")
    webhooks.test(admin, hook.id)
    _drain(first)
    webhooks.test(admin, hook.id)
    assert not second.tick()
    assert len(target.received) == 1
    clock.at += sending.LEASE_LENGTH
    _drain(second)
    assert len(target.received) == 2
    assert first.tick() is False, "its lease is another's now"


def test_what_an_overtaken_process_has_sent_is_sent_again_and_not_written_twice(
    admin: Actor, target: Receiver, sender_of: Make, clock: StoreClock
) -> None:
    target.held.clear()
    webhooks.test(admin, _hook(admin, target).webhook.id)
    first, second = sender_of("one"), sender_of("two")
    assert first.tick()
    clock.at += sending.LEASE_LENGTH
    taken = leases.take(sending.LEASE, holder="two", now=clock.at, length=sending.LEASE_LENGTH)
    assert taken is not None
    leases.release(taken, now=clock.at)
    target.held.set()
    _drain(second)
    (future,) = (future for _, future in first._under_way.values())
    future.result(30)
    assert first.tick() is False
    assert len(set(target.ids)) == 1
    assert (Delivery.objects.get().state, Delivery.objects.get().tries) == ("delivered", 1)


def test_a_secret_that_cannot_be_read_is_said_and_nothing_is_sent_unsigned(
    admin: Actor, target: Receiver, sender_of: Make, settings: object
) -> None:
    webhooks.test(admin, _hook(admin, target).webhook.id)
    settings.SECRET_KEY = "another"
    _drain(sender_of())
    assert target.received == []
    assert "secret.key" in Delivery.objects.get().attempts[0]["error"]
