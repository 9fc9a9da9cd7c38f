"""Who waits sees a change when it comes, and goes when the time is up."""

import asyncio
import time

from headgate.store import events


async def directly(look: events.Look[str]) -> str | None:
    """Look without a thread: these looks touch no database."""
    return look()


def wait(look: events.Look[str], *, wait_seconds: float = 20) -> str | None:
    """What is found by somebody who waits for access rows."""
    topics = frozenset({events.Topic.ACCESS})
    return asyncio.run(
        events.wait_for(look, topics=topics, wait_seconds=wait_seconds, run=directly)
    )


def ring(*topics: events.Topic) -> None:
    """What a commit does."""
    events._bell.ring(frozenset(topics))


def test_what_is_there_already_is_not_waited_for() -> None:
    assert wait(lambda: "here") == "here"


def test_who_waits_for_nothing_goes_when_the_time_is_up() -> None:
    started = time.monotonic()
    assert wait(lambda: None, wait_seconds=0.2) is None
    assert time.monotonic() - started > 0.15


async def seconds_asleep(topic: events.Topic) -> float:
    """How long somebody who waits three seconds for access rows sleeps when `topic` changes."""
    bell, topics = events._Bell(), frozenset({events.Topic.ACCESS})
    asyncio.get_running_loop().call_later(0.1, bell.ring, frozenset({topic}))
    started = time.monotonic()
    await bell.wait(topics, bell.rung(topics), 3)
    return time.monotonic() - started


def test_a_change_wakes_who_waits_for_it_and_nobody_else() -> None:
    assert asyncio.run(seconds_asleep(events.Topic.ACCESS)) < 2.9
    assert asyncio.run(seconds_asleep(events.Topic.SNAPSHOT)) >= 2.9


def test_a_change_between_looking_and_waiting_is_not_missed() -> None:
    looks = 0

    def look() -> str | None:
        nonlocal looks
        looks += 1
        if looks == 1:
            ring(events.Topic.ACCESS)  # commits just after the look has found nothing
            return None
        return "new"

    started = time.monotonic()
    assert wait(look) == "new"
    assert time.monotonic() - started < events.SAFETY_SECONDS


def test_what_another_process_says_wakes_whom_it_concerns() -> None:
    topics = {topic: frozenset({topic}) for topic in (events.Topic.ACCESS, events.Topic.NODE)}
    before = {topic: events._bell.rung(own) for topic, own in topics.items()}
    events._hear("access")
    events._hear("")  # SQLite does not tell
    events._hear("a word of a later version")
    rung = {topic: events._bell.rung(own) - before[topic] for topic, own in topics.items()}
    assert rung == {events.Topic.ACCESS: 3, events.Topic.NODE: 2}


def test_those_who_went_are_forgotten() -> None:
    for _ in range(3):
        wait(lambda: None, wait_seconds=0.01)
    assert not events._bell._waiters
