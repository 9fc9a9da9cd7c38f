"""REST: the requests that went through the gateway, and their numbers."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import AfterValidator, Field

from headgate.core.clock import SystemClock
from headgate.core.units import parse_duration
from headgate.model.limits import LimitKind
from headgate.model.limits_left import LimitLeft, LimitPlace
from headgate.model.record import Verdict
from headgate.store.services.traffic import questions
from headgate.store.services.traffic.questions import RequestsPage, SeenRequest
from headgate.traffic.queries import GroupBy, RequestFilter, StatsRow
from headgate.web.api.fields import Output
from headgate.web.api.paging import PageQuery, unwrapped, wrapped
from headgate.web.api.requests import actor
from headgate.web.api.resource import is_slow

SPAN_MAX = timedelta(days=3660)
TEXT_CHARACTERS_MAX = 400
router = Router()


def _moment(text: str) -> str:
    moment(text, datetime(2000, 1, 1, tzinfo=UTC))
    return text


Moment = Annotated[
    str,
    AfterValidator(_moment),
    Field(
        max_length=64,
        description="An instant (RFC 3339), or how long ago: 15m, 1h, 7d.",
        examples=["1h"],
    ),
]
Text = Annotated[str, Field(min_length=1, max_length=TEXT_CHARACTERS_MAX)]


class By(StrEnum):
    """What statistics are counted by."""

    API = "api"
    OPERATION = "operation"
    APPLICATION = "application"
    ORGANIZATION = "organization"
    PLAN = "plan"
    STATUS = "status"
    VERDICT = "verdict"


class TrafficFilter(PageQuery):
    """Which requests: each value that is given must be equal."""

    since: Moment | None = None
    until: Moment | None = None
    api: Text | None = None
    version: Text | None = None
    operation: Text | None = None
    organization: Text | None = None
    application: Text | None = None
    plan: Text | None = None
    credential: Text | None = Field(None, description="The id of a key.")
    status: int | None = Field(None, ge=100, le=599)
    verdict: Verdict | None = None
    observed: Verdict | None = Field(
        None, description="What a limit in shadow, or a policy that observes, would have said."
    )
    request_id: Text | None = None


class RequestsQuery(TrafficFilter):
    """Which requests, and from where on."""

    after: str | None = Field(
        None, max_length=200, description="`after` of the answer before: only what came since."
    )


class StatsQuery(TrafficFilter):
    """Which requests, and what to count them by."""

    by: By = By.API
    since: Moment | None = "1h"


class LimitLeftOut(Output):
    """A limit that a request met, with what was left of it afterwards at the node."""

    of: LimitPlace
    kind: LimitKind
    limit: str = Field(..., description="As people write it: `10/second+50`, `1000/month`, `5`.")
    left: int = Field(..., description="In units; a request costs one, or what `cost` says.")
    is_shadow: bool
    is_refused: bool = Field(..., description="It refused the request; in shadow, would have.")
    retry_after_seconds: int = Field(
        ..., description="Where it refused: until it was free; 0 when waiting does not help."
    )


class RequestOut(Output):
    """One request as the gateway saw it."""

    started_at: datetime
    request_id: str
    node: str
    gateway: str
    api: str
    version: str
    operation: str
    method: str
    path: str
    query: str
    status: int
    verdict: Verdict
    response_flags: str
    duration_us: int
    upstream_us: int
    request_bytes: int
    response_bytes: int
    upstream_host: str
    attempts: int
    cache: str
    organization: str
    organization_name: str
    application: str
    application_name: str
    subscription: str
    plan: str
    plan_name: str
    credential: str
    subject: str
    client_ip: str
    user_agent: str
    protocol: str
    content_type: str
    synthetic: bool
    observed: str
    limits: list[LimitLeftOut]


class RequestsOut(Output):
    """Requests, newest first. `after` is where to go on when following what comes."""

    items: list[RequestOut]
    next: str | None
    after: str


class StatsOut(Output):
    """The numbers of one group. Latencies within 1 %, null without requests."""

    key: str
    requests: int
    allowed: int
    rejected: int
    errors: int
    would_refuse: int = Field(
        ..., description="A limit in shadow, or a policy that observes, would have refused them."
    )
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    request_bytes: int
    response_bytes: int


class StatsListOut(Output):
    """Numbers by group, the one with most requests first."""

    by: By
    since: datetime | None
    until: datetime | None
    items: list[StatsOut]


def moment(text: str | None, now: datetime) -> datetime | None:
    """An instant, written as one or as a time span before `now`.

    Raises:
        ValueError: neither.
    """
    if text is None:
        return None
    try:
        span = parse_duration(text)
    except OverflowError as error:
        raise ValueError("this is longer ago than anything is kept") from error
    except ValueError:
        return _instant(text)
    if span > SPAN_MAX:
        raise ValueError("this is longer ago than anything is kept")
    return now - span


@router.get("/traffic/requests", response=RequestsOut, operation_id="listRequests")
@is_slow
def list_requests(request: HttpRequest, query: Query[RequestsQuery]) -> object:
    """Requests, newest first. With `after`: those that have been stored since, each once."""
    filters = _filters(request, query)
    if query.after is not None:
        after = unwrapped(query.after)
        page = questions.follow(actor(request), filters, after=after, limit=query.limit)
        return _show_page(page, list(reversed(page.items)))
    page = questions.requests(actor(request), filters, cursor=query.position, limit=query.limit)
    return _show_page(page, list(page.items))


@router.get("/traffic/stats", response=StatsListOut, operation_id="getStats")
@is_slow
def get_stats(request: HttpRequest, query: Query[StatsQuery]) -> object:
    """How many requests, how many were rejected or failed, how long they took."""
    filters = _filters(request, query)
    rows = questions.stats(actor(request), GroupBy(query.by), filters)
    return StatsListOut(
        by=query.by,
        since=filters.since,
        until=filters.until,
        items=[_show_stats(row) for row in rows],
    )


def _filters(request: HttpRequest, query: TrafficFilter) -> RequestFilter:
    now = SystemClock().now()
    return questions.request_filter(
        actor(request),
        since=moment(query.since, now),
        until=moment(query.until, now),
        api=query.api,
        version=query.version,
        operation=query.operation,
        organization=query.organization,
        application=query.application,
        plan=query.plan,
        credential=query.credential,
        status=query.status,
        verdict=query.verdict,
        observed=query.observed,
        request_id=query.request_id,
    )


def _show_page(page: RequestsPage, items: list[SeenRequest]) -> RequestsOut:
    return RequestsOut(
        items=[_show(item) for item in items],
        next=wrapped(page.next) if page.next else None,
        after=wrapped(page.after),
    )


def _show(seen: SeenRequest) -> RequestOut:
    record = seen.record
    named = {
        "organization_name": seen.organization,
        "application_name": seen.application,
        "plan_name": seen.plan,
        "limits": [_limit(one) for one in seen.limits],
    }
    own = {name: getattr(record, name) for name in RequestOut.model_fields if name not in named}
    return RequestOut.model_validate(own | named)


def _limit(one: LimitLeft) -> LimitLeftOut:
    return LimitLeftOut(
        of=one.place,
        kind=one.limit.kind,
        limit=str(one.limit),
        left=one.left,
        is_shadow=one.limit.is_shadow,
        is_refused=one.is_refused,
        retry_after_seconds=one.retry_after_seconds,
    )


def _show_stats(row: StatsRow) -> StatsOut:
    return StatsOut(
        key=" ".join(part for part in row.key if part),
        requests=row.requests,
        allowed=row.allowed,
        rejected=row.requests - row.allowed,
        errors=row.errors,
        would_refuse=row.would_refuse,
        mean_ms=row.latency_ms_mean,
        p50_ms=row.latency_ms_p50,
        p95_ms=row.latency_ms_p95,
        p99_ms=row.latency_ms_p99,
        request_bytes=row.request_bytes,
        response_bytes=row.response_bytes,
    )


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"{text!r} is neither an instant like 2030-01-31T00:00:00Z nor a span like 1h")
