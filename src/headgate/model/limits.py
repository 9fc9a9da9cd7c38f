"""How much may a caller use? Rates (a sliding allowance), quotas (a calendar window), and how many
calls may run at one time.

A limit is written as people say it: `10/second+50`, `1000/month@15`, `5`, each with ` shadow`
behind it when it is only to be counted; a rate with ` shared` when all nodes hold it together.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from headgate.core.phrases import phrase

AMOUNT_MAX = 2**32 - 1  # the access table holds an amount in 32 bits
BURST_MAX = 2**22 - 1
CONCURRENT_MAX = 2**20 - 1  # the access table counts so many running calls
ANCHOR_DAY_MAX = 28  # every month has it
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


WINDOWS_TOLD = frozenset({Window.HOUR, Window.DAY, Window.MONTH})
"""Of quotas: those whose use is told to the control plane. A minute is over before it is told."""


class LimitKind(StrEnum):
    """A rate smooths (GCRA); a quota counts within a calendar window; `concurrent` counts the
    calls that run."""

    RATE = "rate"
    QUOTA = "quota"
    CONCURRENT = "concurrent"


@dataclass(frozen=True, slots=True)
class Limit:
    """`amount` units per `window`; a call costs one unit unless its operation says otherwise.

    A rate lets `burst` pass at once (by default, `amount`). A quota's month begins on
    `anchor_day`. `concurrent` counts calls, has no window, and none of these. A limit that
    `is_shadow` is counted and recorded, and refuses nothing. A rate that `is_shared` is divided
    among the live nodes of a gateway; another holds on each node by itself.

    Raises:
        ValueError: out of range, or a rate per month.
    """

    kind: LimitKind
    amount: int
    window: Window = Window.SECOND
    burst: int = 0
    anchor_day: int = 1
    is_shadow: bool = False
    is_shared: bool = False

    def __post_init__(self) -> None:
        most = CONCURRENT_MAX if self.kind is LimitKind.CONCURRENT else AMOUNT_MAX
        if not 1 <= self.amount <= most:
            raise ValueError(
                phrase("the amount of a {kind} limit is 1 to {most:,}", kind=self.kind, most=most)
            )
        if self.anchor_day != 1 and (
            self.kind is not LimitKind.QUOTA or self.window is not Window.MONTH
        ):
            raise ValueError(phrase("only a quota per month begins on a day, as in 1000/month@15"))
        if not 1 <= self.anchor_day <= ANCHOR_DAY_MAX:
            raise ValueError(
                phrase("a quota's month begins on day 1 to {most}", most=ANCHOR_DAY_MAX)
            )
        if self.is_shared and self.kind is not LimitKind.RATE:
            raise ValueError(
                phrase("only a rate says that nodes share it; a plan's quotas always are")
            )
        if self.kind is LimitKind.RATE:
            self._check_rate()
        elif self.burst:
            raise ValueError(
                phrase("a {kind} limit has no burst; only a rate has one", kind=self.kind)
            )
        elif self.kind is LimitKind.QUOTA and self.window is Window.SECOND:
            raise ValueError(
                phrase("a quota is per minute, hour, day or month; per second use a rate")
            )
        elif self.kind is LimitKind.CONCURRENT and self.window is not Window.SECOND:
            raise ValueError(phrase("a concurrent limit has no window"))

    def _check_rate(self) -> None:
        if self.window is Window.MONTH:
            raise ValueError(
                phrase("a rate is per second, minute, hour or day; per month use a quota")
            )
        if not self.burst:
            object.__setattr__(self, "burst", min(self.amount, BURST_MAX))
        if not 1 <= self.burst <= BURST_MAX:
            raise ValueError(phrase("the burst of a rate is 1 to {most:,}", most=BURST_MAX))

    def __str__(self) -> str:
        shadow = (f" {SHARED}" if self.is_shared else "") + (f" {SHADOW}" if self.is_shadow else "")
        if self.kind is LimitKind.CONCURRENT:
            return f"{self.amount}{shadow}"
        burst = f"+{self.burst}" if self.burst and self.burst != self.amount else ""
        anchor = f"@{self.anchor_day}" if self.anchor_day != 1 else ""
        return f"{self.amount}/{self.window}{burst}{anchor}{shadow}"

    def window_index(self, at: datetime) -> int:
        """Which of the quota's windows holds the instant `at`; the filter counts alike."""
        return window_index(self.window, at - timedelta(days=self.anchor_day - 1))

    def window_start(self, index: int) -> datetime:
        """When the quota's window of this index begins."""
        return window_start(self.window, index) + timedelta(days=self.anchor_day - 1)


SHADOW = "shadow"
SHARED = "shared"
_LIMIT = re.compile(
    r"([\d_,]+)\s*/\s*(second|minute|hour|day|month|s|m|h|d)(?:\+(\d+))?(?:@(\d+))?"
)
_SHORT = {"s": "second", "m": "minute", "h": "hour", "d": "day"}
_EXAMPLES = {LimitKind.RATE: "10/second", LimitKind.QUOTA: "1000/month", LimitKind.CONCURRENT: "5"}


def parse_limit(kind: LimitKind, text: str) -> Limit:
    """`10/second`, `10/second+50` for a burst of 50, `1000/month`, `1000/month@15` from the 15th
    of each month, `5` at one time; ` shadow` behind it: only counted; behind a rate ` shared`: by
    all nodes together.

    Raises:
        ValueError: not a limit, or out of range; the message shows a valid one.
    """
    plain = text.strip().lower()
    is_shadow = plain.endswith(f" {SHADOW}")
    plain = plain.removesuffix(f" {SHADOW}").rstrip()
    is_shared = plain.endswith(f" {SHARED}")
    plain = plain.removesuffix(f" {SHARED}").rstrip()
    if kind is LimitKind.CONCURRENT and plain.isascii() and plain.isdigit() and len(plain) < 12:
        return Limit(kind, int(plain), is_shadow=is_shadow, is_shared=is_shared)
    match = _LIMIT.fullmatch(plain)
    if match is None or kind is LimitKind.CONCURRENT:
        example = _EXAMPLES[kind]
        raise ValueError(
            phrase(
                "{text!r} is not a {kind} limit; write it like {example}",
                text=text,
                kind=kind,
                example=example,
            )
        )
    window = Window(_SHORT.get(match[2], match[2]))
    amount, burst, day = int(re.sub(r"[_,]", "", match[1])), int(match[3] or 0), int(match[4] or 1)
    return Limit(kind, amount, window, burst, day, is_shadow, is_shared)


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
