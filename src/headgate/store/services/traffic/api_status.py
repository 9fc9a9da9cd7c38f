"""How well do the published APIs answer? From the records, for everybody who may see the API.

Worked out at most once a minute: the last hour and day for all versions at once, the days of a
version when its page is asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.conf import settings

from headgate.core.kept import Kept
from headgate.store.models import APIVersion
from headgate.store.services.traffic import reading, statistics
from headgate.traffic.health import Day, Window, calls_of
from headgate.traffic.queries import RequestFilter

DAYS = 90  # the records' default retention; sums are kept longer
KEPT = timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOTHING = Window(0, 0, None)

Windows = Mapping[tuple[str, str], Window]
_windows: Kept[tuple[str, timedelta], Windows] = Kept(KEPT, keys_max=8)
_days: Kept[tuple[str, int], tuple[Day, ...]] = Kept(KEPT, keys_max=512)


@dataclass(frozen=True, slots=True)
class APIStatus:
    """How a version answers. `days`: the last `DAYS` with today, the oldest first."""

    hour: Window
    day: Window
    days: tuple[Day, ...]


def of(version: APIVersion, now: datetime) -> APIStatus:
    """The status of a version.

    Raises:
        DependencyError: the records cannot be read.
    """
    return APIStatus(lately(version, now, HOUR), lately(version, now), last_days(version, now))


def lately(version: APIVersion, now: datetime, length: timedelta = DAY) -> Window:
    """What the calls of a version add up to until now.

    Raises:
        DependencyError: the records cannot be read.
    """
    key = str(settings.HEADGATE_DATA), length
    found = _windows.get(key, now, lambda: _all(now, length))
    return found.get((version.api.name, version.name), NOTHING)


def last_days(version: APIVersion, now: datetime) -> tuple[Day, ...]:
    """The last `DAYS` days of a version.

    Raises:
        DependencyError: the records cannot be read.
    """
    key = str(settings.HEADGATE_DATA), version.pk
    return _days.get(key, now, lambda: _by_day(version, now))


def _all(now: datetime, length: timedelta) -> Windows:
    filters = RequestFilter(since=now - length, until=now)
    groups = statistics.grouped(reading.reader(), ("api", "version"), filters)
    found: dict[tuple[str, str], Window] = {}
    for (api, version), group in groups.items():
        row = group.row((api, version))
        calls = calls_of(row.allowed, row.errors)
        found[api, version] = Window(calls, row.errors, row.latency_ms_p95)
    return found


def _by_day(version: APIVersion, now: datetime) -> tuple[Day, ...]:
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=DAYS - 1)
    filters = RequestFilter(
        since=datetime.combine(first, time(), UTC), api=version.api.name, version=version.name
    )
    found = statistics.totals_by_day(reading.reader(), filters)
    days = (first + timedelta(days=number) for number in range(DAYS))
    sums = ((day, *found.get(day, (0, 0, 0))[1:]) for day in days)
    return tuple(Day(calls_of(allowed, errors), errors, day) for day, allowed, errors in sums)
