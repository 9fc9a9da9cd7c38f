"""When is a process that ended started again? Soon at first, later and later, always."""

from dataclasses import dataclass

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 10.0
STEADY_SECONDS = 10.0  # a run this long ends a row of failures


@dataclass(frozen=True, slots=True)
class BackOff:
    """How often in a row a process ended before it had been steady."""

    failures: int = 0

    @property
    def delay_seconds(self) -> float:
        """How long to wait before the next start."""
        if not self.failures:
            return 0.0
        return min(FIRST_SECONDS * 2.0 ** min(self.failures - 1, 16), LONGEST_SECONDS)

    def after(self, ran_seconds: float) -> "BackOff":
        """The state after a run of this length ended by itself."""
        return BackOff(1 if ran_seconds >= STEADY_SECONDS else self.failures + 1)
