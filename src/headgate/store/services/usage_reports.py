"""How does an application fare? Its calls over time, what went wrong and why, its quotas.

One organization's own records alone: the filter keeps it to them, whatever is asked for.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from headgate.access.forecast import Forecast, forecast
from headgate.model.record import Verdict
from headgate.store.models import Application, Subscription
from headgate.store.services import explain, quota_states, subscriptions, traffic
from headgate.store.services.actor import Actor
from headgate.store.services.quota_states import QuotaState
from headgate.store.services.traffic import SeenRequest
from headgate.traffic.queries import GroupBy, MinutePoint, StatsRow

FAILED_FROM = 400
CAUSES_MAX = 12
FAILURES_SHOWN_MAX = 20
FAILURES_PER_CAUSE = 10
CAUSES_LOOKED_INTO = 6  # for single requests: the most frequent ones


@dataclass(frozen=True, slots=True)
class Step:
    """One stretch of time: calls that were answered well, refused by the gateway, or failed."""

    at: datetime
    good: int
    refused: int
    failed: int


@dataclass(frozen=True, slots=True)
class Cause:
    """Calls that ended alike. `status` is 0 where the gateway refused them for `verdict`."""

    verdict: Verdict
    status: int
    number: int
    detail: str
    next_step: str

    @property
    def name(self) -> str:
        """What it is called for short."""
        return f"HTTP {self.status}" if self.status else self.verdict.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota in its present window, and where it is heading."""

    subscription: Subscription
    state: QuotaState
    forecast: Forecast


@dataclass(frozen=True, slots=True)
class Report:
    """Everything about one application in [since, until)."""

    since: datetime
    until: datetime
    steps: tuple[Step, ...]
    total: StatsRow | None
    causes: tuple[Cause, ...]
    quotas: tuple[Quota, ...]
    failures: tuple[SeenRequest, ...]


def of(
    actor: Actor, application: Application, *, begins: list[datetime], until: datetime
) -> Report:
    """The report of an application; `begins` are the beginnings of its steps of time.

    Raises:
        Problem: FORBIDDEN without the scope `traffic`.
        DependencyError: the records cannot be read.
    """
    filters = traffic.request_filter(
        actor, application=application.path, since=begins[0], until=until
    )
    causes = _causes(actor, application, begins[0], until)
    total = traffic.stats(actor, GroupBy.APPLICATION, filters)
    return Report(
        since=begins[0],
        until=until,
        steps=tuple(in_steps(traffic.series(actor, filters), begins)),
        total=total[0] if total else None,
        causes=tuple(causes[:CAUSES_MAX]),
        quotas=tuple(_quotas(actor, application)),
        failures=tuple(_failures(actor, application, begins[0], until, causes)),
    )


def in_steps(points: Iterable[MinutePoint], begins: list[datetime]) -> list[Step]:
    """Minutes added up to steps, those without a call too."""
    length = begins[1] - begins[0] if len(begins) > 1 else timedelta(days=1)
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    for point in points:
        index = int((point.at - begins[0]) / length)
        found = sums[index]
        failed = min(point.errors, point.allowed)
        found[0] += point.allowed - failed
        found[1] += point.requests - point.allowed
        found[2] += failed
    return [Step(at, *sums[index]) for index, at in enumerate(begins)]


def _causes(
    actor: Actor, application: Application, since: datetime, until: datetime
) -> list[Cause]:
    """What went wrong, the most frequent first: refusals by verdict, the rest by status."""
    own = {"application": application.path, "since": since, "until": until}
    refused = traffic.request_filter(actor, **own)  # type: ignore[arg-type]  # names of filters
    passed = traffic.request_filter(actor, **own, verdict=Verdict.ALLOWED.value)  # type: ignore[arg-type]  # likewise
    found = []
    for row in traffic.stats(actor, GroupBy.VERDICT, refused):
        verdict = Verdict(row.key[0])
        if verdict is not Verdict.ALLOWED:
            found.append(Cause(verdict, 0, row.requests, *explain.cause_in_words(verdict, 0)))
    for row in traffic.stats(actor, GroupBy.STATUS, passed):
        status = int(row.key[0])
        if status >= FAILED_FROM:
            detail, step = explain.cause_in_words(Verdict.ALLOWED, status)
            step = step or "Compare the call with the API's description; the answer may say more."
            found.append(Cause(Verdict.ALLOWED, status, row.requests, detail, step))
    return sorted(found, key=lambda cause: (-cause.number, cause.name))


def _failures(
    actor: Actor, application: Application, since: datetime, until: datetime, causes: list[Cause]
) -> list[SeenRequest]:
    """The newest requests of the most frequent causes."""
    found: list[SeenRequest] = []
    for cause in causes[:CAUSES_LOOKED_INTO]:
        filters = traffic.request_filter(
            actor,
            application=application.path,
            since=since,
            until=until,
            verdict=cause.verdict.value,
            status=cause.status or None,
        )
        found += traffic.requests(actor, filters, limit=FAILURES_PER_CAUSE).items
    newest = sorted(found, key=lambda seen: seen.record.started_at, reverse=True)
    return newest[:FAILURES_SHOWN_MAX]


def _quotas(actor: Actor, application: Application) -> Iterable[Quota]:
    for row in subscriptions.visible(actor).filter(application=application).order_by("pk"):
        for state in quota_states.of(row, actor.at):
            drawn_on = forecast(
                used=state.used,
                amount=state.limit.amount,
                starts_at=state.starts_at,
                ends_at=state.ends_at,
                now=actor.at,
            )
            yield Quota(row, state, drawn_on)
