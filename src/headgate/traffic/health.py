"""How well does an API answer? From what the records add up to: no probe, no second count.

A failure is a call that ended with 5xx, or without an answer of the upstream. Calls that the
gateway refused (no key, a limit) are no failures, and are not counted among the calls.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

GOOD_FROM = 0.99  # share of calls without failure
BAD_BELOW = 0.95
CALLS_MIN = 20  # fewer calls say nothing


class Health(StrEnum):
    """What a reader is told."""

    GOOD = "good"
    DEGRADED = "degraded"
    FAILING = "failing"
    UNKNOWN = "unknown"  # too few calls to say


@dataclass(frozen=True, slots=True)
class Tally:
    """Calls, and those of them that failed."""

    calls: int
    failed: int

    @property
    def success_ratio(self) -> float | None:
        """The share of calls without failure, 0 to 1; None without a call."""
        return (self.calls - self.failed) / self.calls if self.calls else None

    @property
    def health(self) -> Health:
        """How good that is."""
        return health(self.calls, self.failed)


@dataclass(frozen=True, slots=True)
class Window(Tally):
    """What the calls of one stretch of time add up to."""

    latency_ms_p95: float | None


@dataclass(frozen=True, slots=True)
class Day(Tally):
    """One day, UTC."""

    day: date


def health(calls: int, failed: int) -> Health:
    """What a number of calls and failures say."""
    if calls < CALLS_MIN:
        return Health.UNKNOWN
    ratio = (calls - failed) / calls
    if ratio >= GOOD_FROM:
        return Health.GOOD
    return Health.FAILING if ratio < BAD_BELOW else Health.DEGRADED


def calls_of(allowed: int, errors: int) -> int:
    """How many calls there were, refusals left out. Failures of the gateway itself were not let
    through and are calls all the same."""
    return max(allowed, errors)
