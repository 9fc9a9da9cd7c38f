"""Which things that should never happen have happened lately? Counts that should stay as they are.

A count alone says for ever that something went wrong once; what a person can act on is that it
grew. So each growth is remembered for an hour, and then only the number remains.
"""

from headgate.core.clock import Clock

LATELY_SECONDS = 3600.0
CLOCK_STEP_SECONDS_MIN = 0.5  # smaller corrections are a time daemon at work


class Lately:
    """One count, read now and then. The first reading is where it stands, no growth."""

    def __init__(self, clock: Clock, total: int | None = None) -> None:
        self._clock = clock
        self._grew_at: float | None = None
        self.total = total

    def note(self, total: int) -> None:
        """Take one reading."""
        if self.total is not None and total > self.total:
            self._grew_at = self._clock.monotonic()
        self.total = total

    @property
    def is_recent(self) -> bool:
        """Whether it grew less than an hour ago."""
        return (
            self._grew_at is not None and self._clock.monotonic() - self._grew_at < LATELY_SECONDS
        )


class ClockWatch:
    """Notices when the machine's clock steps back, by comparing it with one that cannot."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = self._now_offset()
        self._seen = Lately(clock, 0)
        self.steps = 0
        self.last_step_seconds = 0.0

    def look(self) -> None:
        """Compare once; call it every few seconds."""
        offset = self._now_offset()
        if offset < self._offset - CLOCK_STEP_SECONDS_MIN:
            self.steps += 1
            self.last_step_seconds = self._offset - offset
        self._seen.note(self.steps)
        self._offset = offset

    @property
    def is_recent(self) -> bool:
        """Whether the last step is less than an hour ago."""
        return self._seen.is_recent

    def _now_offset(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()


class EnvoyCounter:
    """One of Envoy's counters, over all its processes since the agent's start."""

    def __init__(self, clock: Clock) -> None:
        self._before = 0
        self._last = 0
        self._seen = Lately(clock, 0)
        self.total = 0

    def note(self, reading: int) -> None:
        """Take one reading of Envoy's counter; a smaller one comes from a new process."""
        if reading < self._last:
            self._before += self._last
        self._last = reading
        self.total = self._before + reading
        self._seen.note(self.total)

    @property
    def is_recent(self) -> bool:
        """Whether it grew less than an hour ago."""
        return self._seen.is_recent
