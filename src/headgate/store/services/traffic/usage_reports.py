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
from headgate.store.services.actor import Actor
from headgate.store.services.consumers import subscriptions
from headgate.store.services.gateway import quota_states
from headgate.store.services.gateway.quota_states import QuotaState
from headgate.store.services.traffic import causes, questions
from headgate.store.services.traffic.questions import SeenRequest
from headgate.traffic.queries import FAILED_FROM, GroupBy, Point, StatsRow

DAY = timedelta(days=1)
CAUSES_MAX = 12
FAILURES_SHOWN_MAX = 20
FAILURES_PER_CAUSE = 10


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

    Steps of whole days begin at midnight (UTC): they are read from the sums of days, which are
    kept longer than records and say the same.

    Raises:
        Problem: FORBIDDEN without the scope `traffic`.
        DependencyError: the records cannot be read.
    """
    filters = questions.request_filter(
        actor, application=application.path, since=begins[0], until=until
    )
    causes = _causes(actor, application, begins[0], until)
    total = questions.stats(actor, GroupBy.APPLICATION, filters)
    points = (questions.daily if _length(begins) >= DAY else questions.series)(actor, filters)
    return Report(
        since=begins[0],
        until=until,
        steps=tuple(in_steps(points, begins)),
        total=total[0] if total else None,
        causes=tuple(causes[:CAUSES_MAX]),
        quotas=tuple(_quotas(actor, application)),
        failures=questions.failures(
            actor, filters, of_each=FAILURES_PER_CAUSE, limit=FAILURES_SHOWN_MAX
        ),
    )


def in_steps(points: Iterable[Point], begins: list[datetime]) -> list[Step]:
    """Minutes or days added up to steps, those without a call too."""
    length = _length(begins)
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    for point in points:
        found = sums[int((point.at - begins[0]) / length)]
        found[0] += point.allowed - point.failed
        found[1] += point.requests - point.allowed
        found[2] += point.failed
    return [Step(at, *sums[index]) for index, at in enumerate(begins)]


def _length(begins: list[datetime]) -> timedelta:
    return begins[1] - begins[0] if len(begins) > 1 else DAY


def _causes(
    actor: Actor, application: Application, since: datetime, until: datetime
) -> list[Cause]:
    """What went wrong, the most frequent first: refusals by verdict, the rest by status."""
    own = {"application": application.path, "since": since, "until": until}
    refused = questions.request_filter(actor, **own)  # type: ignore[arg-type]  # names of filters
    passed = questions.request_filter(actor, **own, verdict=Verdict.ALLOWED.value)  # type: ignore[arg-type]  # likewise
    found = []
    for row in questions.stats(actor, GroupBy.VERDICT, refused):
        verdict = Verdict(row.key[0])
        if verdict is not Verdict.ALLOWED:
            found.append(Cause(verdict, 0, row.requests, *causes.cause_in_words(verdict, 0)))
    for row in questions.stats(actor, GroupBy.STATUS, passed):
        status = int(row.key[0])
        if status >= FAILED_FROM:
            detail, step = causes.cause_in_words(Verdict.ALLOWED, status)
            step = step or "Compare the call with the API's description; the answer may say more."
            found.append(Cause(Verdict.ALLOWED, status, row.requests, detail, step))
    return sorted(found, key=lambda cause: (-cause.number, cause.name))


def _quotas(actor: Actor, application: Application) -> Iterable[Quota]:
    rows = subscriptions.visible(actor).filter(application=application)
    for row, state in quota_states.of(list(rows), actor.at):
        drawn_on = forecast(
            used=state.used,
            amount=state.limit.amount,
            starts_at=state.starts_at,
            ends_at=state.ends_at,
            now=actor.at,
        )
        yield Quota(row, state, drawn_on)
