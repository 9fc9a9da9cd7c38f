"""How does a piece of work go on for ever? Again and again, slower while it fails."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from headgate.core.clock import Clock

BACKOFF_SECONDS_FIRST = 0.5
BACKOFF_SECONDS_MAX = 30.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Loop:
    """`act` every `every_seconds`; it returns true when there is more to do at once.

    `failed` is told of every exception, to keep it where people look; what it raises itself is
    only logged. `ended` runs once, when the loop stops.
    """

    name: str
    every_seconds: float
    act: Callable[[], bool]
    failed: Callable[[str, Exception], None]
    ended: Callable[[], None]


def backoff_seconds(failures: int) -> float:
    """How long to wait after so many failures in a row."""
    return min(BACKOFF_SECONDS_FIRST * 2.0 ** (failures - 1), BACKOFF_SECONDS_MAX)


def run(loop: Loop, stop: threading.Event, clock: Clock) -> None:
    """Run until `stop` is set. No exception ends it: the next round may succeed."""
    failures = 0
    while not stop.is_set():
        started = clock.monotonic()
        wait = 0.0
        try:
            if not loop.act():
                wait = loop.every_seconds - (clock.monotonic() - started)
            failures = 0
        except Exception as error:  # noqa: BLE001  # the loop's promise: counted, said, tried again
            failures += 1
            wait = backoff_seconds(failures)
            _log.error(
                "loop failed", loop=loop.name, failures=failures, again_in=wait, exc_info=error
            )
            _quietly(loop.name, "failure not kept", partial(loop.failed, loop.name, error))
        stop.wait(max(wait, 0.0))
    _quietly(loop.name, "end failed", loop.ended)


def _quietly(name: str, event: str, act: Callable[[], None]) -> None:
    try:
        act()
    except Exception as error:  # noqa: BLE001  # what tells of failures must not be one
        _log.warning(event, loop=name, error=str(error))
