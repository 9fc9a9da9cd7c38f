"""How often may somebody try? So many a minute for each subject, counted in this process.

A subject beyond `SUBJECTS_MAX` takes the place of the one that was heard of longest ago: a flood
of addresses lifts limits (fails open, counted in `forgotten` and logged), it never fills the
memory.
Secrets have 190 random bits and codes of devices end in minutes: a limit keeps load and noise
away, it is not what keeps guesses out.
"""

import threading
from collections import OrderedDict

import structlog

from headgate.core.clock import Clock

SUBJECTS_MAX = 10_000
MINUTE_SECONDS = 60.0
LOGGED_EACH = 1000  # a flood is worth a line, not a flood of lines

log = structlog.get_logger("headgate.web")


class Limit:
    """At most `per_minute` at once, and that many a minute on average (GCRA)."""

    def __init__(self, per_minute: int, clock: Clock, *, subjects_max: int = SUBJECTS_MAX) -> None:
        self._step = MINUTE_SECONDS / per_minute
        self._clock = clock
        self._subjects_max = subjects_max
        self._free_at: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()
        self.forgotten = 0

    def wait_seconds(self, subject: str) -> float:
        """How long until the subject may try again; 0: now."""
        with self._lock:
            return self._wait(subject)

    def take(self, subject: str) -> bool:
        """Count one try; False when there is none left."""
        with self._lock:
            if self._wait(subject) > 0:
                return False
            now = self._clock.monotonic()
            self._free_at[subject] = max(self._free_at.get(subject, 0.0), now) + self._step
            self._free_at.move_to_end(subject)
            if len(self._free_at) > self._subjects_max:
                _, free_at = self._free_at.popitem(last=False)
                if free_at > now:
                    self._forgot()
            return True

    def _forgot(self) -> None:
        if self.forgotten % LOGGED_EACH == 0:
            log.warning("rates are forgotten in a crowd", forgotten=self.forgotten + 1)
        self.forgotten += 1

    def _wait(self, subject: str) -> float:
        ahead = self._free_at.get(subject, 0.0) - self._clock.monotonic()
        return max(0.0, ahead + self._step - MINUTE_SECONDS)
