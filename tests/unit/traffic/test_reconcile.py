"""Counters against records: every difference has a cause, or is said to have none."""

from headgate.model.node import CounterKind
from headgate.traffic.reconcile import (
    BUFFER_LINES_MAX,
    UNEXPLAINED,
    Conditions,
    Count,
    Subject,
    cause,
    reconcile,
)

DEMO = Subject(CounterKind.APPLICATION, "acme/demo")
PETS = Subject(CounterKind.OPERATION, "pets v1 listPets")
CALM = Conditions()


def test_equal_counts_have_no_cause() -> None:
    found = reconcile({DEMO: Count(5, 2)}, {DEMO: Count(5, 2)}, CALM)
    assert [(item.difference, item.cause) for item in found.items] == [(0, "")]
    assert found.is_explained


def test_what_waits_in_segments_explains_what_is_missing() -> None:
    now = Conditions(waiting_segments=2, waiting_bytes=600_000)
    assert cause(Count(1500), Count(0), now).startswith("in flight: 2 segments")


def test_more_missing_than_can_wait_is_not_explained() -> None:
    now = Conditions(waiting_segments=1, waiting_bytes=3000)
    assert cause(Count(50_000), Count(0), now).startswith(UNEXPLAINED)
    assert not reconcile({DEMO: Count(50_000)}, {}, now).is_explained


def test_rejected_lines_are_named() -> None:
    assert "7 lines rejected" in cause(Count(7), Count(0), Conditions(rejected_lines=7))


def test_a_kill_of_envoy_explains_at_most_its_buffer() -> None:
    now = Conditions(envoy_restarts=2)
    assert "Envoy started 2 times anew" in cause(Count(2 * BUFFER_LINES_MAX), Count(0), now)
    assert cause(Count(9 * BUFFER_LINES_MAX), Count(0), now).startswith(UNEXPLAINED)


def test_a_log_that_could_not_be_written_is_named() -> None:
    now = Conditions(log_write_failures=3)
    assert "could not be written 3 times" in cause(Count(300), Count(0), now)


def test_records_ahead_of_the_counters_wait_for_a_report() -> None:
    assert "reported every few seconds" in cause(Count(10), Count(12), CALM)


def test_an_access_table_made_anew_is_named() -> None:
    now = Conditions(lives_ended=1)
    assert "made anew 1 time" in cause(Count(0), Count(100), now)


def test_a_swap_between_allowed_and_rejected_is_seen_although_the_sums_agree() -> None:
    found = reconcile({DEMO: Count(5, 0)}, {DEMO: Count(4, 1)}, CALM)
    assert found.items[0].difference == 0
    assert found.items[0].cause


def test_subjects_of_either_side_are_listed_the_largest_difference_first() -> None:
    found = reconcile({DEMO: Count(1)}, {PETS: Count(40)}, CALM)
    assert [(item.name, item.difference) for item in found.items] == [
        ("pets v1 listPets", -40),
        ("acme/demo", 1),
    ]
