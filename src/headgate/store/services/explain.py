"""Why was a request answered as it was? Its record, with what the configuration says of it.

An operator sees every step. An organization sees its own requests, and of them what is its own:
the caller, its plan, the answer and what to do; not the provider's policies and upstreams.
Names, limits and policies are those of now; what has changed since the request is said.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from headgate.core.problems import Problem
from headgate.gateway.effective import Effective
from headgate.gateway.envoy.answers import (
    ENVOY_ANSWERS,
    FILTER_ANSWERS,
    NEEDS_PLACE,
    SEND_PLACE,
    WHERE_PLACE,
    Answer,
)
from headgate.gateway.policy import parse
from headgate.model.access import LimitSubject
from headgate.model.record import RequestRecord, Verdict
from headgate.store.models import (
    APIVersion,
    AuditEntry,
    Credential,
    Operation,
    Plan,
    Subscription,
)
from headgate.store.services import plans, policies, publishing, traffic
from headgate.store.services.actor import Actor, not_found
from headgate.store.services.gateways import DEFAULT_GATEWAY
from headgate.store.services.traffic import SeenRequest

FLAGS = {
    "UH": "no host of the upstream is healthy",
    "UF": "the connection to the upstream failed",
    "UO": "the upstream has as many requests under way as it takes",
    "UT": "the upstream did not answer in time",
    "UC": "the upstream closed the connection",
    "UR": "the upstream reset the request",
    "URX": "every try at the upstream failed",
    "NC": "the upstream is not known to the gateway yet",
    "DC": "the caller went away",
    "NR": "there is no route",
    "DPE": "the request is not valid HTTP",
    "DT": "the request took too long",
}
"""Source: Envoy, "Access logging", RESPONSE_FLAGS."""

RECORD_AGE_MAX = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the gateway looked at. `outcome`: passed, refused, skipped, or a value."""

    name: str
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A request, the steps on its way, and in a sentence each what happened and what to do."""

    seen: SeenRequest
    summary: str
    next_step: str
    steps: tuple[Step, ...]


def of_request(actor: Actor, request_id: str) -> Explanation:
    """The explanation of one recorded request.

    Raises:
        Problem: FORBIDDEN without the scope `traffic`; NOT_FOUND: no such request, not stored yet
            (up to three seconds), no longer kept, or another organization's.
        DependencyError: the records cannot be read.
    """
    filters = traffic.request_filter(actor, request_id=request_id, since=actor.at - RECORD_AGE_MAX)
    found = traffic.requests(actor, filters, limit=1).items
    if not found:
        raise not_found("request", request_id[:100])
    seen = found[0]
    summary, next_step = in_words(seen.record)
    steps = list(steps_of(seen))
    if actor.organization is None:
        steps[-1:-1] = _providers_steps(actor, seen)
    return Explanation(seen, summary, next_step, tuple(steps))


def _next_step(answer: Answer) -> str:
    """Without what depends on the route."""
    found = answer.next_step.replace(SEND_PLACE, "as the API says")
    found = found.replace(WHERE_PLACE, "Use the version that the answer and its Link field name.")
    return found.replace(NEEDS_PLACE, "what the operation needs")


def in_words(record: RequestRecord) -> tuple[str, str]:
    """What happened, and what to do about it."""
    return cause_in_words(record.verdict, record.status, record.cache)


def cause_in_words(verdict: Verdict, status: int, cache: str = "") -> tuple[str, str]:
    """The same of all requests that ended so."""
    if verdict is Verdict.ALLOWED:
        told = "The gateway let the request through"
        if cache == "hit":
            return f"{told} and answered it from its cache.", ""
        if status >= 500:
            return (
                f"{told}; the upstream itself answered {status}.",
                "Ask the API's provider, with the request id.",
            )
        return f"{told} and the upstream answered {status}.", ""
    if verdict is Verdict.INVALID_REQUEST:
        return (
            "The request does not fit the API's description; the answer listed the places.",
            "Correct them and send it again; the API's document says what the operation takes.",
        )
    if verdict is Verdict.MAINTENANCE:
        return "The API's provider has taken it out of service on purpose.", "Try again later."
    reason = verdict.value
    for answer in FILTER_ANSWERS:
        if answer.reason == reason:
            return answer.detail, _next_step(answer)
    for answer in ENVOY_ANSWERS:
        is_of_kind = answer.type == reason.replace("_", "-")
        if is_of_kind and (answer.status in {0, status} or not answer.flags):
            return answer.detail, answer.next_step
    return f"The gateway refused the request: {reason.replace('_', ' ')}.", ""


def steps_of(seen: SeenRequest) -> Iterator[Step]:
    record = seen.record
    yield _route(record)
    yield from _caller(seen)
    yield from _validation(record)
    yield _answer(record)


def _route(record: RequestRecord) -> Step:
    if not record.api:
        return Step("route", "refused", f"No published API has the path {record.path}.")
    where = f"{record.api} {record.version}"
    if record.verdict is Verdict.RETIRED:
        return Step("route", "refused", f"{where} has been retired.{_since_retired(record)}")
    if not record.operation:
        told = "has the path, with other methods" if record.status == 405 else "has no such path"
        return Step("route", "refused", f"{where} {told}: {record.method} {record.path}.")
    row = Operation.objects.filter(
        version__api__name=record.api, version__name=record.version, id=record.operation
    ).first()
    template = f"{row.method} {row.path}" if row is not None else "no longer in the API"
    return Step("route", "passed", f"{where}, operation {record.operation} ({template}).")


def _since_retired(record: RequestRecord) -> str:
    """When, and what came in its place, as far as the version is still known."""
    rows = APIVersion.objects.filter(api__name=record.api, name=record.version)
    row = rows.order_by("-pk").first()
    if row is None or row.retired_at is None:
        return ""
    successor = f" Its successor is {row.successor}." if row.successor else ""
    return f" That was at {row.retired_at:%Y-%m-%d %H:%M} UTC.{successor}"


def _caller(seen: SeenRequest) -> Iterator[Step]:
    record = seen.record
    is_refused = record.verdict is not Verdict.ALLOWED
    if record.verdict is Verdict.INTROSPECTION_DOWN:
        told = "Nobody could say whether its token is good: the server that knows it is silent."
        yield Step("credential", "refused", told)
        return
    if not record.credential:
        told = "The request carried no credential that is known here."
        outcome = "refused" if record.verdict.value in _CREDENTIAL_VERDICTS else "skipped"
        yield Step("credential", outcome, told)
        yield from _without_plan(record)
        return
    credential = Credential.objects.filter(id=record.credential).first()
    kind = credential.kind.replace("_", " ") if credential is not None else "credential"
    named = f" '{credential.name}'" if credential is not None and credential.name else ""
    subject = f", subject {record.subject}" if record.subject else ""
    is_own = is_refused and record.verdict.value in _CREDENTIAL_VERDICTS
    yield Step(
        "credential",
        "refused" if is_own else "passed",
        f"The {kind} {record.credential}{named} of {seen.application}{subject}.",
    )
    if is_own:
        return
    yield _subscription(seen)
    if record.verdict is Verdict.INSUFFICIENT_SCOPE:
        yield _scopes(record)
    if record.plan:
        yield _limits(record)
    else:
        yield from _without_plan(record)


_CREDENTIAL_VERDICTS = frozenset({"no_credential", "unknown_credential", "revoked", "expired"})


def _subscription(seen: SeenRequest) -> Step:
    record = seen.record
    if not record.subscription:
        outcome = "refused" if record.verdict.value == "not_subscribed" else "skipped"
        return Step("subscription", outcome, f"{seen.application} has none that opens the API.")
    row = Subscription.objects.filter(id=record.subscription).first()
    state = "" if row is None or row.removed_at is None else " (since ended)"
    detail = f"{record.subscription}: {seen.application} under the plan {seen.plan}{state}."
    return Step("subscription", "passed", detail)


def _scopes(record: RequestRecord) -> Step:
    """What the document asks for; the step of the policies shows one that says otherwise."""
    row = Operation.objects.filter(
        version__api__name=record.api, version__name=record.version, id=record.operation
    ).first()
    asked = f"The API's document asks for {row.needs.sentence}" if row and row.needs else ""
    told = asked or "The operation asks for scopes or roles by the policy `scopes`"
    return Step("scopes", "refused", f"{told}; the credential lacks them.")


def _limits(record: RequestRecord) -> Step:
    plan = Plan.objects.filter(id=record.plan).first()
    limits = [] if plan is None else plans.limits(plan)
    listed = ", ".join(limits) or "none"
    refused = record.verdict in {Verdict.RATE_LIMITED, Verdict.QUOTA_EXCEEDED}
    told = f"The plan's limits: {listed}."
    if record.verdict is Verdict.ALLOWED:
        told += (
            " What was left then stood in the answer's RateLimit fields; a trial"
            " (`headgate explain -- curl …`)"
            " says what is left now."
        )
    if refused:
        told += " One of these, of the API or of the operation was reached; nothing was used up."
    return Step("limits", "refused" if refused else "passed", told)


def _without_plan(record: RequestRecord) -> Iterator[Step]:
    """On an open API: what callers without a plan may use, each address for itself.

    Every caller reads it in the answer's RateLimit fields.
    """
    row = Operation.objects.filter(
        version__api__name=record.api,
        version__name=record.version,
        version__is_open=True,
        id=record.operation,
    ).first()
    if row is None or record.verdict in _DECIDED_BEFORE_LIMITS:
        return
    uses = publishing.uses([*row.version.policies.all(), *row.policies.all()])
    found = [one for use in uses for one in parse(use).limits()]
    limits = [str(one.limit) for one in found if one.subject is LimitSubject.ANONYMOUS]
    told = "The API is open; callers without a plan"
    if limits:
        told += f" have {', '.join(limits)} for each address."
    else:
        told += " have no limits of their own: the policy `anonymous` sets them."
    is_refused = record.verdict in {Verdict.RATE_LIMITED, Verdict.QUOTA_EXCEEDED}
    if is_refused:
        told += " One of these, of the API or of the operation was reached; nothing was used up."
    yield Step("limits", "refused" if is_refused else "passed", told)


_DECIDED_BEFORE_LIMITS = frozenset(
    {
        Verdict.BLOCKED,
        Verdict.EXPIRED,
        Verdict.INSUFFICIENT_SCOPE,
        Verdict.INTROSPECTION_DOWN,
        Verdict.MAINTENANCE,
        Verdict.NO_CREDENTIAL,
        Verdict.NOT_SUBSCRIBED,
        Verdict.REVOKED,
        Verdict.TABLE_DAMAGED,
        Verdict.UNKNOWN_CREDENTIAL,
    }
)


def _validation(record: RequestRecord) -> Iterator[Step]:
    """What a validator said, where it refused or none answered."""
    if record.verdict is Verdict.INVALID_REQUEST:
        yield Step("validation", "refused", f"It was answered {record.status}, with its places.")
    if record.verdict is Verdict.VALIDATOR_DOWN:
        yield Step("validation", "refused", "No validator answered, and the API fails closed.")


def _providers_steps(actor: Actor, seen: SeenRequest) -> list[Step]:
    """What only the provider of the API may see."""
    record = seen.record
    if not record.operation:
        return []
    observed = [_observed(record)] if record.observed else []
    return [*policy_steps(actor, seen), *observed, _upstream(record)]


def _observed(record: RequestRecord) -> Step:
    refusal = f"it would have been refused as {record.observed}"
    if record.observed in {Verdict.RATE_LIMITED, Verdict.QUOTA_EXCEEDED}:
        return Step("limits", "observed", f"By a limit in shadow {refusal}.")
    return Step("validation", "observed", f"It is only observed; {refusal}.")


def policy_steps(actor: Actor, seen: SeenRequest) -> Iterator[Step]:
    """What is in force for the operation and the caller's plan, and which of it refused."""
    record = seen.record
    row = APIVersion.objects.filter(api__name=record.api, name=record.version, removed_at=None)
    version = row.select_related("api").first()
    if version is None:
        return
    try:
        gateway = record.gateway or DEFAULT_GATEWAY
        found = policies.effective_for(
            actor, version.path, record.operation, gateway=gateway, plan=seen.plan
        )
    except Problem:
        return  # the operation is gone: the step of the route says so
    listed = list(_effects([one for one in found if not one.replaced_by], record))
    changed = AuditEntry.objects.filter(
        action="policies.changed", subject__startswith=version.api.name, at__gt=record.started_at
    ).exists()
    note = " They have been changed since the request." if changed else ""
    yield Step("policies", "in order", f"{', '.join(listed) or 'None'}.{note}")


def _effects(found: list[Effective], record: RequestRecord) -> Iterator[str]:
    """The policies in their order; which of them refused the request, which it did not reach."""
    decided = _DECIDED_BY.get(record.verdict, ())
    is_over = False
    for one in found:
        named = f"{one.use.kind} ({one.place})"
        if not is_over and one.use.kind in decided:
            is_over = True
            yield f"{named}: refused it"
        else:
            yield f"{named}: not reached" if is_over else named


_DECIDED_BY: dict[Verdict, tuple[str, ...]] = {
    Verdict.BLOCKED: ("ip_filter", "csrf"),
    Verdict.FAULT: ("fault",),
    Verdict.INSUFFICIENT_SCOPE: ("scopes",),
    Verdict.INVALID_REQUEST: ("validate",),
    Verdict.MAINTENANCE: ("maintenance",),
    Verdict.TOO_LARGE: ("request_size",),
    Verdict.VALIDATOR_DOWN: ("validate",),
}
"""Policies that may have given a verdict; others are the access filter's or Envoy's."""


def _upstream(record: RequestRecord) -> Step:
    flags = [FLAGS[flag] for flag in record.response_flags.split(",") if flag in FLAGS]
    why = f" Envoy says: {', '.join(flags)}." if flags else ""
    if not record.upstream_host:
        return Step("upstream", "skipped", f"Not asked.{why}")
    tries = f"{record.attempts} tries" if record.attempts > 1 else "1 try"
    took = record.upstream_us / 1000
    outcome = "refused" if record.verdict is Verdict.UPSTREAM_FAILED else "passed"
    return Step("upstream", outcome, f"{record.upstream_host}, {tries}, {took:.1f} ms.{why}")


def _answer(record: RequestRecord) -> Step:
    own = max(0, record.duration_us - record.upstream_us) / 1000
    detail = (
        f"{record.status} after {record.duration_us / 1000:.1f} ms, of which {own:.1f} ms outside "
        f"the upstream; {record.response_bytes} bytes."
    )
    return Step("answer", record.verdict.value, detail)
