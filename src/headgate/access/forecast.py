"""When will a quota be used up, if calls go on as they have since its window began?"""

from dataclasses import dataclass
from datetime import datetime

SEEN_SHARE_MIN = 0.02  # of a window: before, a few calls would say anything
SEEN_UNITS_MIN = 20  # used: a pace of fewer is chance


@dataclass(frozen=True, slots=True)
class Forecast:
    """`expected`: what will be used when the window ends. `used_up_at`: None if it will last.

    `is_known` is false while too little has been seen to say; the rest is then as it stands now.
    """

    is_known: bool
    expected: int
    used_up_at: datetime | None


def forecast(
    *, used: int, amount: int, starts_at: datetime, ends_at: datetime, now: datetime
) -> Forecast:
    """The window's even pace drawn on: no guess about nights, weekends or growth."""
    if used >= amount:
        return Forecast(is_known=True, expected=used, used_up_at=now)
    length = (ends_at - starts_at).total_seconds()
    passed = (min(now, ends_at) - starts_at).total_seconds()
    if passed < length * SEEN_SHARE_MIN or used < SEEN_UNITS_MIN:
        return Forecast(is_known=False, expected=used, used_up_at=None)
    expected = round(used * length / passed)
    if expected <= amount:
        return Forecast(is_known=True, expected=expected, used_up_at=None)
    return Forecast(
        is_known=True,
        expected=expected,
        used_up_at=starts_at + (now - starts_at) * (amount / used),
    )
