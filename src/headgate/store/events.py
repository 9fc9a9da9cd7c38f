"""How does a waiting poll learn of a change at once?

Whoever writes calls `announce` in its transaction; after the commit every waiter of this process
wakes and looks again. Other processes learn of it by NOTIFY on PostgreSQL, and on SQLite by a
watcher that reads `PRAGMA data_version` every `WATCH_SECONDS` while somebody waits.

A waiter is only ever woken to look: what counts is what it then reads. A wake-up that gets lost
costs `SAFETY_SECONDS`, never a change.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from enum import StrEnum
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


class _Bell:
    """Wakes everyone who waits in this process, on threads and in event loops."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rung = 0
        self._waiters: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    @property
    def rung(self) -> int:
        return self._rung

    def ring(self) -> None:
        with self._condition:
            self._rung += 1
            self._condition.notify_all()
            for event, loop in self._waiters.items():
                if not loop.is_closed():
                    loop.call_soon_threadsafe(event.set)

    def wait(self, rung: int, timeout_seconds: float) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self._rung != rung, timeout_seconds)

    async def wait_async(self, rung: int, timeout_seconds: float) -> None:
        event = asyncio.Event()
        with self._condition:
            if self._rung != rung:
                return
            self._waiters[event] = asyncio.get_running_loop()
        try:
            await asyncio.wait_for(event.wait(), timeout_seconds)
        except TimeoutError:
            return
        finally:
            with self._condition:
                del self._waiters[event]


_bell = _Bell()
_watcher = Watcher(_bell.ring, channel=NOTIFY_CHANNEL)


def announce(topic: Topic) -> None:
    """Wake the waiters once the present transaction has committed; nothing if it fails."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [NOTIFY_CHANNEL, topic.value])
    transaction.on_commit(_bell.ring)


async def wait_for(
    look: Look[T],
    *,
    wait_seconds: float,
    run: Callable[[Look[T]], Awaitable[T | None]] | None = None,
) -> T | None:
    """What `look` finds, as soon as it finds something; None after `wait_seconds`.

    `look` reads the store, outside any transaction; `run` runs it on a thread (by default the
    one that Django's synchronous code has).
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_seconds
    with _watcher.watching():
        while True:
            rung = _bell.rung
            found = await (sync_to_async(look)() if run is None else run(look))
            left = deadline - loop.time()
            if found is not None or left <= 0:
                return found
            await _bell.wait_async(rung, min(left, SAFETY_SECONDS))


def wait_for_sync(
    look: Look[T], *, wait_seconds: float, monotonic: Callable[[], float]
) -> T | None:
    """As `wait_for`, for callers on a thread."""
    deadline = monotonic() + wait_seconds
    with _watcher.watching():
        while True:
            rung = _bell.rung
            found = look()
            left = deadline - monotonic()
            if found is not None or left <= 0:
                return found
            _bell.wait(rung, min(left, SAFETY_SECONDS))
