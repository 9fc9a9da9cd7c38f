"""Who still calls a version of an API, or one of its operations?

From the records, so as far back as those are kept (90 days by default): sums of single days tell
consumers and operations apart, but not both at once. How many calls there were on a day is known
from the sums, so the burn-down goes back further. A call counts whatever became of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from headgate.catalog.lifecycle import CALLERS_DAYS
from headgate.core.phrases import phrase
from headgate.store.models import APIVersion
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.catalog import apis
from headgate.store.services.traffic import reading, statistics
from headgate.store.services.traffic.names import names
from headgate.store.services.values import invalid
from headgate.traffic import queries
from headgate.traffic.callers import BurnDown, Called, Caller, burn_down, called
from headgate.traffic.queries import RequestFilter

DAYS_MAX = 90  # the records' default retention
BURN_DOWN_DAYS_MAX = 400  # before today
CALLERS_MAX = 1000  # listed in a report; its sums hold all of them


@dataclass(frozen=True, slots=True)
class NamedCaller:
    """A caller as people call it; both names are empty for all that nobody knows."""

    organization: str
    application: str
    calls: int
    last_call_at: datetime
    daily: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CallersReport:
    """Who called, and how callers leave since the deprecation of what is asked about, if it is
    deprecated. `dropped` counts the callers that are not listed."""

    version: APIVersion
    operation: str
    called: Called
    callers: tuple[NamedCaller, ...]
    dropped: int
    burn_down: BurnDown | None


def report(
    actor: Actor, name: str, *, operation: str = "", days: int = CALLERS_DAYS
) -> CallersReport:
    """Who called a version, or one operation of it, in the last `days` days with today.

    The burn-down goes back to the deprecation, whatever `days` is, `BURN_DOWN_DAYS_MAX` at most.

    Raises:
        Problem: FORBIDDEN without the scope `traffic`; NOT_FOUND; INVALID_INPUT.
        DependencyError: the records cannot be read.
    """
    actor.require_operator(Scope.TRAFFIC, "API")
    if not 1 <= days <= DAYS_MAX:
        raise invalid(phrase("The number of days is 1 to {most}.", most=DAYS_MAX), "/days")
    version = apis.served(name)
    rows = version.operations.filter(id=operation)
    if operation and not rows.exists():
        raise not_found("operation", operation)
    found = lately(version, actor.at, operation=operation, days=days)
    leaving = None
    since = version.deprecated_at
    if operation and since is None:
        since = rows.values_list("deprecated_at", flat=True).first()
    if since is not None:
        leaving = _leaving(version, operation, since.astimezone(UTC).date(), actor.at)
    listed = named(found.callers[:CALLERS_MAX])
    dropped = len(found.callers) - len(listed)
    return CallersReport(version, operation, found, listed, dropped, leaving)


def lately(
    version: APIVersion, now: datetime, *, operation: str = "", days: int = CALLERS_DAYS
) -> Called:
    """Who called in the last `days` days with today, by ids, for whoever may know it.

    Raises:
        DependencyError: the records cannot be read.
    """
    today = now.astimezone(UTC).date()
    first_day = today - timedelta(days=days - 1)
    filters = _since(version, operation, first_day)
    condition, values = queries.where(filters)
    place = reading.reader()
    rows = reading.with_files(
        lambda: reading.listed(place, filters),
        lambda files: reading.run(place, queries.callers_sql(condition), files, values),
    )
    return called(((o, a, d, n, at) for o, a, d, n, at in rows), first_day, today)


def _leaving(version: APIVersion, operation: str, deprecated_on: date, now: datetime) -> BurnDown:
    today = now.astimezone(UTC).date()
    since = max(deprecated_on, today - timedelta(days=BURN_DOWN_DAYS_MAX))
    days = (today - since).days + 1
    whole = lately(version, now, operation=operation, days=min(DAYS_MAX, max(1, days)))
    totals = statistics.totals_by_day(reading.reader(), _since(version, operation, since))
    calls = {day: requests for day, (requests, _, _) in totals.items()}
    return burn_down(whole, calls, since)


def _since(version: APIVersion, operation: str, first_day: date) -> RequestFilter:
    return RequestFilter(
        since=datetime.combine(first_day, time(), UTC),
        api=version.api.name,
        version=version.name,
        operation=operation or None,
    )


def named(callers: Sequence[Caller]) -> tuple[NamedCaller, ...]:
    """The callers by their names."""
    known = names(_ids(callers)) | {"": ""}
    return tuple(
        NamedCaller(
            known[one.organization],
            known[one.application],
            one.calls,
            one.last_call_at,
            one.daily,
        )
        for one in callers
    )


def _ids(callers: Iterable[Caller]) -> Iterable[str]:
    for one in callers:
        yield one.organization
        yield one.application
