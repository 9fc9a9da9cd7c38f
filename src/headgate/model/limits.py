"""How much may a caller use? Rates (a sliding allowance) and quotas (a calendar window)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

AMOUNT_MAX = 2**32 - 1  # the access table holds an amount in 32 bits
BURST_MAX = 2**24 - 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MARCH = 3  # the month that the filter counts months from
LIMITS_PER_PLAN_MAX = 8  # slots of a subscription's row in the access table


class Window(StrEnum):
    """Length of time a limit speaks of; quotas count calendar windows in UTC."""

    SECOND = "second"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


WINDOW_SECONDS = {Window.SECOND: 1, Window.MINUTE: 60, Window.HOUR: 3600, Window.DAY: 86_400}
"""Lengths of the windows that have one; a month is a calendar month and only a quota has it."""


class LimitKind(StrEnum):
    """A rate smooths (GCRA); a quota counts within a calendar window."""

    RATE = "rate"
    QUOTA = "quota"


@dataclass(frozen=True, slots=True)
class Limit:
    """`amount` requests per `window`. A rate lets `burst` pass at once (by default, `amount`).

    Raises:
        ValueError: out of range, or a rate per month.
    """

    kind: LimitKind
    amount: int
    window: Window
    burst: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.amount <= AMOUNT_MAX:
            raise ValueError(f"the amount of a {self.kind} is 1 to {AMOUNT_MAX:,}")
        if self.kind is LimitKind.QUOTA:
            if self.burst:
                raise ValueError("a quota has no burst")
            if self.window is Window.SECOND:
                raise ValueError("a quota is per minute, hour, day or month; per second use a rate")
            return
        if self.window is Window.MONTH:
            raise ValueError("a rate is per second, minute, hour or day; per month use a quota")
        if not self.burst:
            object.__setattr__(self, "burst", min(self.amount, BURST_MAX))
        if not 1 <= self.burst <= BURST_MAX:
            raise ValueError(f"the burst of a rate is 1 to {BURST_MAX:,}")

    def __str__(self) -> str:
        burst = f"+{self.burst}" if self.burst and self.burst != self.amount else ""
        return f"{self.amount}/{self.window}{burst}"


_LIMIT = re.compile(r"([\d_,]+)\s*/\s*(second|minute|hour|day|month|s|m|h|d)(?:\+(\d+))?")
_SHORT = {"s": "second", "m": "minute", "h": "hour", "d": "day"}


def parse_limit(kind: LimitKind, text: str) -> Limit:
    """`10/second`, `1000/month`, or `10/second+50` for a burst of 50.

    Raises:
        ValueError: not a limit, or out of range; the message shows a valid one.
    """
    match = _LIMIT.fullmatch(text.strip().lower())
    if match is None:
        example = "10/second" if kind is LimitKind.RATE else "1000/month"
        raise ValueError(f"{text!r} is not a {kind}; write it like {example}")
    window = Window(_SHORT.get(match[2], match[2]))
    return Limit(kind, int(re.sub(r"[_,]", "", match[1])), window, int(match[3] or 0))


def window_index(window: Window, at: datetime) -> int:
    """Which of the calendar windows in UTC holds the instant `at`; the filter counts alike.

    Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": months since March of
    year 0.
    """
    if window is Window.MONTH:
        return at.astimezone(UTC).year * 12 + at.astimezone(UTC).month - MARCH
    return int((at - EPOCH).total_seconds()) // WINDOW_SECONDS[window]


def window_start(window: Window, index: int) -> datetime:
    """When the calendar window of this index begins."""
    if window is Window.MONTH:
        year, month = divmod(index + MARCH - 1, 12)
        return datetime(year, month + 1, 1, tzinfo=UTC)
    return EPOCH + timedelta(seconds=index * WINDOW_SECONDS[window])
