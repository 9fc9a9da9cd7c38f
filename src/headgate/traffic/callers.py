"""Who called a version of an API, or one of its operations, how often, and when last?

From sums per consumer and day (UTC). Days without calls are there, as zeros.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from headgate.traffic.burn_down import Projection, project

EPOCH = date(1970, 1, 1)

CallerDay = tuple[str, str, int, int, int]
"""Organization, application (ids, empty where nobody is known), day since 1970, calls, and when
the last of them began, in microseconds."""


@dataclass(frozen=True, slots=True)
class Caller:
    """One application, by ids; both are empty for all callers that nobody knows.

    `daily` has a number for each day of the question.
    """

    organization: str
    application: str
    calls: int
    last_call_at: datetime
    daily: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Called:
    """Who called in the days from `first_day` to `last_day`, most calls first."""

    first_day: date
    last_day: date
    callers: tuple[Caller, ...]
    calls_daily: tuple[int, ...]
    callers_daily: tuple[int, ...]

    @property
    def calls(self) -> int:
        """All of them."""
        return sum(self.calls_daily)

    @property
    def last_call_at(self) -> datetime | None:
        """When the last of them began."""
        return max((one.last_call_at for one in self.callers), default=None)


@dataclass(frozen=True, slots=True)
class BurnDown:
    """How calls have become fewer since `since`, and callers since `callers_since`, day by day,
    and when they end.

    Sums of days are kept longer than the records that tell callers apart, so calls may go back
    further. The last day is yesterday: today has not ended.
    """

    since: date
    calls_daily: tuple[int, ...]
    callers_since: date
    callers_daily: tuple[int, ...]
    calls: Projection
    callers: Projection


def called(rows: Iterable[CallerDay], first_day: date, last_day: date) -> Called:
    """The rows put together, by caller and by day; those of other days are left out."""
    days = (last_day - first_day).days + 1
    by_caller: dict[tuple[str, str], list[int]] = {}
    last_us: dict[tuple[str, str], int] = {}
    for organization, application, day, calls, at_us in rows:
        place = (EPOCH + timedelta(days=day) - first_day).days
        if not 0 <= place < days:
            continue
        key = (organization, application)
        by_caller.setdefault(key, [0] * days)[place] += calls
        last_us[key] = max(last_us.get(key, 0), at_us)
    found = [
        Caller(*key, sum(daily), _instant(last_us[key]), tuple(daily))
        for key, daily in by_caller.items()
    ]
    found.sort(key=lambda one: (-one.calls, one.organization, one.application))
    every = [one.daily for one in found]
    return Called(
        first_day,
        last_day,
        tuple(found),
        tuple(sum(numbers) for numbers in zip(*every, strict=True)) or (0,) * days,
        tuple(sum(map(bool, numbers)) for numbers in zip(*every, strict=True)) or (0,) * days,
    )


def burn_down(found: Called, calls: Mapping[date, int], since: date) -> BurnDown:
    """From the day `since` on, without `last_day`; `calls` by day, callers as far as `found` goes
    back."""
    days = (found.last_day - since).days
    calls_daily = tuple(calls.get(since + timedelta(days=day), 0) for day in range(days))
    known = max(since, found.first_day)
    callers_daily = found.callers_daily[(known - found.first_day).days : -1]
    yesterday = found.last_day - timedelta(days=1)
    return BurnDown(
        since,
        calls_daily,
        known,
        callers_daily,
        project(calls_daily, yesterday),
        project(callers_daily, yesterday),
    )


def _instant(us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
