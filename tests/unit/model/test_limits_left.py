"""Are the filter's words on what was left read, and what makes no sense left out?"""

import pytest

from headgate.model.limits import LimitKind, parse_limit
from headgate.model.limits_left import LimitLeft, LimitPlace, limits_left


def test_each_limit_is_told_with_what_was_left_of_it() -> None:
    assert limits_left("r9/10s,q712/1000M@15,oc4/5,r0/2h+50~!7200") == (
        LimitLeft(LimitPlace.PLAN, parse_limit(LimitKind.RATE, "10/second"), 9),
        LimitLeft(LimitPlace.PLAN, parse_limit(LimitKind.QUOTA, "1000/month@15"), 712),
        LimitLeft(LimitPlace.OPERATION, parse_limit(LimitKind.CONCURRENT, "5"), 4),
        LimitLeft(
            LimitPlace.PLAN,
            parse_limit(LimitKind.RATE, "2/hour+50 shadow"),
            0,
            is_refused=True,
            retry_after_seconds=7200,
        ),
    )


@pytest.mark.parametrize(
    "text",
    ["", "-", ",", "r", "r9", "x9/10s", "r9/10", "r9/0s", "r9/10M", "q1/10s", "r٣/10s", "r9/10s "],
)
def test_what_is_no_limit_is_left_out_and_its_neighbours_are_not(text: str) -> None:
    known = "aq0/50d!3600"
    assert limits_left(f"{text},{known}") == limits_left(known)
    assert [one.place for one in limits_left(known)] == [LimitPlace.API]
