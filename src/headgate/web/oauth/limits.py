"""How often may a program try? So many a minute for each subject, counted in this process.

For what programs ask many times a second; where people type, `store/tries.py` counts for
all processes together.

A subject beyond `SUBJECTS_MAX` takes the place of the one that was heard of longest ago: a flood
of addresses lifts limits (fails open, counted in `forgotten` and logged), it never fills the
memory.
Secrets have 190 random bits and codes of devices end in minutes: a limit keeps load and noise
away, it is not what keeps guesses out.
"""

import threading
from collections import OrderedDict

import structlog

from headgate.core import pace
from headgate.core.clock import Clock

SUBJECTS_MAX = 10_000
LOGGED_EACH = 1000  # a flood is worth a line, not a flood of lines

log = structlog.get_logger("headgate.web")


class Limit:
    """At most `per_minute` at once, and that many a minute on average (GCRA)."""

    def __init__(self, per_minute: int, clock: Clock, *, subjects_max: int = SUBJECTS_MAX) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._subjects_max = subjects_max
        self._spent_until: OrderedDict[str, float] = OrderedDict()
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
            now, spent_until = self._clock.monotonic(), self._spent_until.get(subject, 0.0)
            self._spent_until[subject] = pace.after_try(spent_until, now, self._per_minute)
            self._spent_until.move_to_end(subject)
            if len(self._spent_until) > self._subjects_max:
                _, spent_until = self._spent_until.popitem(last=False)
                if spent_until > now:
                    self._forgot()
            return True

    def _forgot(self) -> None:
        if self.forgotten % LOGGED_EACH == 0:
            log.warning("rates are forgotten in a crowd", forgotten=self.forgotten + 1)
        self.forgotten += 1

    def _wait(self, subject: str) -> float:
        spent_until, now = self._spent_until.get(subject, 0.0), self._clock.monotonic()
        return pace.wait_seconds(spent_until, now, self._per_minute)
