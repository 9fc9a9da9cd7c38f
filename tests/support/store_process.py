"""What does a process of its own do to a store? One command, started by the tests."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from headgate.store import setup
from headgate.store.services.actor import Actor, Scope


def actor(*, node: bool = False) -> Actor:
    scopes = frozenset({Scope.NODE}) if node else frozenset(Scope)
    if node:
        return Actor("test", scopes, datetime.now(UTC), node="local", gateway="default")
    return Actor("test", scopes, datetime.now(UTC))


def start() -> None:
    """Start only."""


def fill() -> None:
    """APIs a and b, and an application."""
    from headgate.store.services.consumers import applications
    from tests.support.store import import_api

    import_api(actor(), "a")
    import_api(actor(), "b")
    applications.create(actor(), name="demo", organization="acme", create_organization=True)


def publish(api: str, times: str) -> None:
    """Publish and unpublish; prints the numbers of the revisions."""
    from headgate.store.services.gateway import publishing

    numbers = []
    for _ in range(int(times)):
        numbers.append(publishing.publish(actor(), api).number)
        numbers.append(publishing.unpublish(actor(), api).number)
    print(json.dumps(numbers))


def issue(times: str) -> None:
    """Issue keys; prints their ids."""
    from headgate.store.services.consumers import credentials

    print(
        json.dumps(
            [
                credentials.issue(actor(), application="demo").credential.id
                for _ in range(int(times))
            ]
        )
    )


def follow(count: str) -> None:
    """Read the access feed until `count` keys have come; prints their ids in order."""
    from headgate.store.services.gateway import access_feed

    seen, generation, after = [], "", 0
    deadline = time.monotonic() + 100
    while len(seen) < int(count) and time.monotonic() < deadline:
        delta = access_feed.delta(actor(node=True), generation=generation, after=after, limit=7)
        if delta is None:
            continue
        seen += [row.id for row in delta.credentials]
        generation, after = delta.generation, delta.upto
    print(json.dumps(seen))


def wait() -> None:
    """Wait for the next access row; prints whether it came."""
    from headgate.store import events
    from headgate.store.services import feed
    from headgate.store.services.gateway import access_feed

    events.SAFETY_SECONDS = 60.0  # only a change that is heard of wakes it in time
    start_at = feed.last_sequence()
    own = access_feed.generation()

    def look() -> object:
        return access_feed.delta(actor(node=True), generation=own, after=start_at)

    print("waiting", flush=True)
    found = asyncio.run(events.wait_for(look, topics=events.EVERYTHING, wait_seconds=50))
    print(json.dumps(found is not None))


def block() -> None:
    """Write one access row."""
    from headgate.model.access import BlockKind
    from headgate.store.services.gateway import blocks

    blocks.create(actor(), kind=BlockKind.ADDRESS, subject="192.0.2.1", seconds=60, reason="test")


def take(times: str) -> None:
    """Try so often, all at one instant; prints how many tries were left."""
    from headgate.store.tries import SharedLimit

    limit, at = SharedLimit("test", 20), datetime(2026, 11, 27, tzinfo=UTC)
    print(json.dumps(sum(limit.take("somebody", at) for _ in range(int(times)))))


COMMANDS: dict[str, Callable[..., None]] = {
    command.__name__: command
    for command in (start, fill, publish, issue, follow, wait, block, take)
}

if __name__ == "__main__":
    setup.start(datetime.now(UTC))
    COMMANDS[sys.argv[1]](*sys.argv[2:])
