"""What is said of an API from its numbers?"""

from datetime import date

import pytest

from headgate.traffic.health import Day, Health, Window, calls_of


@pytest.mark.parametrize(
    ("calls", "failed", "health"),
    [
        (0, 0, Health.UNKNOWN),
        (19, 19, Health.UNKNOWN),
        (20, 0, Health.GOOD),
        (1000, 10, Health.GOOD),
        (1000, 11, Health.DEGRADED),
        (1000, 50, Health.DEGRADED),
        (1000, 51, Health.FAILING),
        (20, 20, Health.FAILING),
    ],
)
def test_the_share_of_failures_decides_once_there_are_enough_calls(
    calls: int, failed: int, health: Health
) -> None:
    assert Window(calls, failed, None).health is health
    assert Day(calls, failed, date(2030, 1, 1)).health is health


def test_without_a_call_there_is_no_share() -> None:
    assert Window(0, 0, None).success_ratio is None
    assert Window(4, 1, 2.0).success_ratio == 0.75


def test_refused_calls_are_none_and_failures_of_the_gateway_are() -> None:
    assert calls_of(allowed=90, errors=10) == 90
    assert calls_of(allowed=0, errors=10) == 10
