"""Who waits sees a change when it comes, and goes when the time is up."""

import asyncio
import threading
import time

from headgate.store import events


async def directly(look: events.Look[str]) -> str | None:
    """Look without a thread: these looks touch no database."""
    return look()


def test_what_is_there_already_is_not_waited_for() -> None:
    found = asyncio.run(events.wait_for(lambda: "here", wait_seconds=20, run=directly))
    assert found == "here"


def test_who_waits_for_nothing_goes_when_the_time_is_up() -> None:
    started = time.monotonic()
    assert asyncio.run(events.wait_for(lambda: None, wait_seconds=0.2, run=directly)) is None
    assert 0.15 < time.monotonic() - started < 1.5


def test_a_change_wakes_a_loop_and_a_thread_at_once() -> None:
    news: list[str] = []

    def look() -> str | None:
        return news[0] if news else None

    def change() -> None:
        time.sleep(0.1)
        news.append("new")
        events._bell.ring()

    results: list[str | None] = []

    def wait_on_a_thread() -> None:
        results.append(events.wait_for_sync(look, wait_seconds=20, monotonic=time.monotonic))

    started = time.monotonic()
    waiter = threading.Thread(target=wait_on_a_thread)
    writer = threading.Thread(target=change)
    waiter.start()
    writer.start()
    results.append(asyncio.run(events.wait_for(look, wait_seconds=20, run=directly)))
    waiter.join()
    writer.join()
    assert results == ["new", "new"]
    assert time.monotonic() - started < events.SAFETY_SECONDS


def test_a_change_between_looking_and_waiting_is_not_missed() -> None:
    looks = 0

    def look() -> str | None:
        nonlocal looks
        looks += 1
        if looks == 1:
            events._bell.ring()  # commits just after the look has found nothing
            return None
        return "new"

    started = time.monotonic()
    assert asyncio.run(events.wait_for(look, wait_seconds=20, run=directly)) == "new"
    assert time.monotonic() - started < events.SAFETY_SECONDS


def test_those_who_went_are_forgotten() -> None:
    for _ in range(3):
        asyncio.run(events.wait_for(lambda: None, wait_seconds=0.01, run=directly))
    assert not events._bell._waiters
