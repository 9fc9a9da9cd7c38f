"""Does the node notice a clock that steps back, lost log lines, and any count that grows?"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from headgate.node.misfortunes import LATELY_SECONDS, ClockWatch, EnvoyCounter, Lately

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class TwoClocks:
    """A wall clock that can be set, and a monotonic one that cannot."""

    wall: datetime = START
    ticks: float = field(default=0.0)

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.ticks

    def pass_time(self, seconds: float, *, wall: float | None = None) -> None:
        self.ticks += seconds
        self.wall += timedelta(seconds=seconds if wall is None else wall)


def test_a_step_back_is_counted_once() -> None:
    clock = TwoClocks()
    watch = ClockWatch(clock)
    clock.pass_time(5, wall=-55)
    watch.look()
    clock.pass_time(5)
    watch.look()
    assert watch.steps == 1
    assert round(watch.last_step_seconds) == 60
    assert watch.is_recent
    clock.pass_time(3_600)
    assert not watch.is_recent


def test_time_that_passes_or_jumps_ahead_is_no_step_back() -> None:
    clock = TwoClocks()
    watch = ClockWatch(clock)
    clock.pass_time(5)
    watch.look()
    clock.pass_time(5, wall=600)
    watch.look()
    clock.pass_time(5, wall=4.8)  # a time daemon slews
    watch.look()
    assert watch.steps == 0
    assert not watch.is_recent


def test_failures_are_added_up_over_restarts_of_envoy() -> None:
    clock = TwoClocks()
    failures = EnvoyCounter(clock)
    failures.note(0)
    assert not failures.is_recent
    for reading, total in ((3, 3), (3, 3), (2, 5)):
        failures.note(reading)
        assert (failures.total, failures.is_recent) == (total, True)


def test_a_count_is_news_for_an_hour_after_it_grew() -> None:
    clock = TwoClocks()
    found = Lately(clock)
    found.note(7)  # from before the agent's start
    assert not found.is_recent
    found.note(8)
    clock.pass_time(LATELY_SECONDS - 1)
    assert found.is_recent
    found.note(8)
    clock.pass_time(2)
    assert not found.is_recent
