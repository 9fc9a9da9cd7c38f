"""What time is it? The only place that asks the machine."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The time, handed to whatever needs it."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start that never go backwards."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class FixedClock:
    """A clock for tests: it moves only when told to."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._started = at

    def now(self) -> datetime:
        return self._at

    def monotonic(self) -> float:
        return (self._at - self._started).total_seconds()

    def set(self, at: datetime) -> None:
        """Move to `at`, forwards or backwards."""
        self._at = at
