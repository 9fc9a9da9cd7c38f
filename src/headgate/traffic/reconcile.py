"""Do the filter's counters and the stored records agree, and if not, why?

Both count since the store was made: the counters' last readings of every life (epoch) of every
access table, added up, against totals that each ingest adds to and nothing ever takes from. So
retention, compaction and a table that was made anew do not matter.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from headgate.core.units import count
from headgate.model.node import CounterKind

BUFFER_LINES_MAX = 200  # what a killed Envoy had not written: 16 KiB of lines, requests under way
LINE_BYTES_MIN = 300  # no line is shorter: turns bytes that wait into at most so many records
SUBJECTS_MAX = 10_000  # rows of one answer, those that differ most first


class Subject(NamedTuple):
    """Whose requests are compared: an application or an operation, by the name people use."""

    kind: CounterKind
    name: str


@dataclass(frozen=True, slots=True)
class Count:
    """Requests that the filter let through and that it refused."""

    allowed: int = 0
    rejected: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.allowed + other.allowed, self.rejected + other.rejected)

    @property
    def total(self) -> int:
        """Both together."""
        return self.allowed + self.rejected


@dataclass(frozen=True, slots=True)
class Conditions:
    """What may stand between a counter and a record at the moment.

    `reports_silent` is the number of nodes that have not reported lately, `lives_ended` that of
    access tables that were made anew after they had counted.
    """

    waiting_segments: int = 0
    waiting_bytes: int = 0
    rejected_lines: int = 0
    envoy_restarts: int = 0
    log_write_failures: int = 0
    lives_ended: int = 0
    reports_silent: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """One subject. `difference` = counted - stored; `cause` is empty when there is none."""

    kind: CounterKind
    name: str
    counted: Count
    stored: Count
    cause: str

    @property
    def difference(self) -> int:
        """Positive: counted but not stored."""
        return self.counted.total - self.stored.total


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """All subjects, those that differ most first. `dropped` are left out for their number."""

    items: tuple[Comparison, ...]
    dropped: int = 0

    @property
    def is_explained(self) -> bool:
        """Whether no difference is left without a cause."""
        return not any(item.cause.startswith(UNEXPLAINED) for item in self.items)


UNEXPLAINED = "not explained"


def reconcile(
    counted: Mapping[Subject, Count], stored: Mapping[Subject, Count], conditions: Conditions
) -> Reconciliation:
    """Compare every subject that either side knows."""
    rows = []
    for subject in counted.keys() | stored.keys():
        left, right = counted.get(subject, Count()), stored.get(subject, Count())
        rows.append(Comparison(*subject, left, right, cause(left, right, conditions)))
    rows.sort(key=lambda row: (-abs(row.difference), row.kind, row.name))
    return Reconciliation(tuple(rows[:SUBJECTS_MAX]), max(0, len(rows) - SUBJECTS_MAX))


def cause(counted: Count, stored: Count, conditions: Conditions) -> str:
    """Why the two differ, in words, with how much each reason can account for."""
    difference = counted.total - stored.total
    if difference == 0 and counted == stored:
        return ""
    reasons = list(_missing(conditions) if difference > 0 else _surplus(conditions))
    text = "; ".join(words for words, _ in reasons)
    if abs(difference) <= sum(most for _, most in reasons):
        return text
    return f"{UNEXPLAINED} by {text}" if text else f"{UNEXPLAINED}: ask again in some seconds"


def _missing(now: Conditions) -> Iterable[tuple[str, int]]:
    """Why something counted may not be stored, and for how many requests at most."""
    if now.waiting_segments:
        lines = now.waiting_bytes // LINE_BYTES_MIN
        yield f"in flight: {count(now.waiting_segments, 'segment')} not stored yet", lines
    if now.rejected_lines:
        yield f"{count(now.rejected_lines, 'line')} rejected", now.rejected_lines
    if now.envoy_restarts:
        times = count(now.envoy_restarts, "time")
        words = f"Envoy started {times} anew: a kill loses at most {BUFFER_LINES_MAX} lines each"
        yield words, now.envoy_restarts * BUFFER_LINES_MAX
    if now.log_write_failures:
        yield (
            f"the log could not be written {count(now.log_write_failures, 'time')}",
            now.log_write_failures * BUFFER_LINES_MAX,
        )
    yield "requests that have not ended, or ended in this second", BUFFER_LINES_MAX


def _surplus(now: Conditions) -> Iterable[tuple[str, int]]:
    """Why something stored may not be counted, and for how many requests at most."""
    if now.lives_ended:
        times = count(now.lives_ended, "time")
        words = f"the access table was made anew {times}: what it counted last was not reported"
        yield words, now.lives_ended * 100 * BUFFER_LINES_MAX
    if now.reports_silent:
        yield f"{count(now.reports_silent, 'node')} not reporting", 2**62
    yield "counters are reported every few seconds", 50 * BUFFER_LINES_MAX
