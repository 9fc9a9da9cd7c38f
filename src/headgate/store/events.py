"""How does a waiting poll learn of a change at once?

Whoever writes calls `announce` in its transaction; after the commit those waiters of this process
that wait for its topic wake and look again. Other processes learn of it by NOTIFY on PostgreSQL,
and on SQLite by a watcher that reads `PRAGMA data_version` every `WATCH_SECONDS` while somebody
waits: that one cannot tell the topic and wakes everybody.

A waiter is only ever woken to look: what counts is what it then reads. A wake-up that gets lost
costs `SAFETY_SECONDS`, never a change.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from enum import StrEnum
from functools import partial
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.db import connection, transaction

from headgate.store.watcher import Watcher

SAFETY_SECONDS = 2.0  # a waiter looks again this often even when nothing wakes it
NOTIFY_CHANNEL = "headgate"

T = TypeVar("T")
Look = Callable[[], T | None]
"""Reads the store for news; None when there is none."""


class Topic(StrEnum):
    """What has changed."""

    ACCESS = "access"  # rows of the access feed
    SNAPSHOT = "snapshot"  # the revision of a gateway
    NODE = "node"  # what a node reports
    TRAFFIC = "traffic"  # stored records
    LEASE = "lease"  # who holds which part of a quota
    TOKEN = "token"  # noqa: S105  # a token ended: whoever waits with it is turned away


EVERYTHING = frozenset(Topic)


class _Bell:
    """Wakes those who wait in the event loops of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rung = dict.fromkeys(Topic, 0)
        self._waiters: dict[asyncio.Event, tuple[asyncio.AbstractEventLoop, frozenset[Topic]]] = {}

    def rung(self, topics: frozenset[Topic]) -> int:
        """How often it has rung for any of them; grows with each ring."""
        with self._lock:
            return self._sum(topics)

    def ring(self, topics: frozenset[Topic] = EVERYTHING) -> None:
        with self._lock:
            for topic in topics:
                self._rung[topic] += 1
            for event, (loop, wanted) in self._waiters.items():
                if wanted & topics and not loop.is_closed():
                    loop.call_soon_threadsafe(event.set)

    async def wait(self, topics: frozenset[Topic], rung: int, timeout_seconds: float) -> None:
        """Until it has rung more than `rung` times for `topics`, or the time is up."""
        event = asyncio.Event()
        with self._lock:
            if self._sum(topics) != rung:
                return
            self._waiters[event] = (asyncio.get_running_loop(), topics)
        try:
            await asyncio.wait_for(event.wait(), timeout_seconds)
        except TimeoutError:
            return
        finally:
            with self._lock:
                del self._waiters[event]

    def _sum(self, topics: frozenset[Topic]) -> int:
        return sum(self._rung[topic] for topic in topics)


_bell = _Bell()


def _hear(notice: str) -> None:
    """Another process has changed something: what its NOTIFY names, otherwise anything."""
    _bell.ring(frozenset({Topic(notice)}) if notice in _NAMES else EVERYTHING)


_NAMES = frozenset(topic.value for topic in Topic)
_watcher = Watcher(_hear, channel=NOTIFY_CHANNEL)


def announce(topic: Topic) -> None:
    """Wake the waiters once the present transaction has committed; nothing if it fails."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [NOTIFY_CHANNEL, topic.value])
    transaction.on_commit(partial(_bell.ring, frozenset({topic})))


async def wait_for(
    look: Look[T],
    *,
    topics: frozenset[Topic],
    wait_seconds: float,
    run: Callable[[Look[T]], Awaitable[T | None]] | None = None,
) -> T | None:
    """What `look` finds, as soon as it finds something; None after `wait_seconds`.

    `look` reads the store, outside any transaction, at first and after each change of `topics`;
    `run` runs it on a thread (by default the one that Django's synchronous code has).
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_seconds
    with _watcher.watching():
        while True:
            rung = _bell.rung(topics)
            found = await (sync_to_async(look)() if run is None else run(look))
            left = deadline - loop.time()
            if found is not None or left <= 0:
                return found
            await _bell.wait(topics, rung, min(left, SAFETY_SECONDS))
