"""Why was a request answered as it was? Its record, with what the configuration says of it.

An operator sees every step. An organization sees its own requests, and of them what is its own:
the caller, its plan, the answer and what to do; not the provider's policies and upstreams.
Names, limits and policies are those of now; what has changed since the request is said.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from headgate.core.phrases import phrase, together, words_of
from headgate.core.problems import Problem
from headgate.gateway.effective import Effective
from headgate.model.record import RequestRecord, Verdict
from headgate.store.models import (
    APIVersion,
    AuditEntry,
    Credential,
    Operation,
    Subscription,
)
from headgate.store.services.actor import Actor, not_found
from headgate.store.services.gateway import policies
from headgate.store.services.gateway.gateways import DEFAULT_GATEWAY
from headgate.store.services.traffic import causes, explain_access, explain_limits, questions
from headgate.store.services.traffic.questions import SeenRequest

FLAGS = {
    "UH": phrase("no host of the upstream is healthy"),
    "UF": phrase("the connection to the upstream failed"),
    "UO": phrase("the upstream has as many requests under way as it takes"),
    "UT": phrase("the upstream did not answer in time"),
    "UC": phrase("the upstream closed the connection"),
    "UR": phrase("the upstream reset the request"),
    "URX": phrase("every try at the upstream failed"),
    "NC": phrase("the upstream is not known to the gateway yet"),
    "DC": phrase("the caller went away"),
    "NR": phrase("there is no route"),
    "DPE": phrase("the request is not valid HTTP"),
    "DT": phrase("the request took too long"),
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
    filters = questions.request_filter(
        actor, request_id=request_id, since=actor.at - RECORD_AGE_MAX
    )
    found = questions.requests(actor, filters, limit=1).items
    if not found:
        raise not_found("request", request_id[:100])
    seen = found[0]
    summary, next_step = causes.in_words(seen.record)
    steps = list(steps_of(seen))
    if actor.organization is None:
        steps[-1:-1] = _providers_steps(actor, seen)
    return Explanation(seen, summary, next_step, tuple(steps))


def steps_of(seen: SeenRequest) -> Iterator[Step]:
    record = seen.record
    yield _route(record)
    yield from _caller(seen)
    yield from _validation(record)
    yield _answer(record)


def _route(record: RequestRecord) -> Step:
    if not record.api:
        told = phrase("No published API has the path {path}.", path=record.path)
        return Step("route", "refused", told)
    where = f"{record.api} {record.version}"
    if record.verdict is Verdict.RETIRED:
        told = together([phrase("{version} has been retired.", version=where), *_ended(record)])
        return Step("route", "refused", told)
    if not record.operation:
        words = (
            words_of("{version} has the path, with other methods: {method} {path}.")
            if record.status == 405
            else words_of("{version} has no such path: {method} {path}.")
        )
        told = phrase(words, version=where, method=record.method, path=record.path)
        return Step("route", "refused", told)
    row = Operation.objects.filter(
        version__api__name=record.api, version__name=record.version, id=record.operation
    ).first()
    template = f"{row.method} {row.path}" if row is not None else phrase("no longer in the API")
    told = phrase(
        "{version}, operation {operation} ({template}).",
        version=where,
        operation=record.operation,
        template=template,
    )
    return Step("route", "passed", told)


def _ended(record: RequestRecord) -> Iterator[str]:
    """When, and what came in its place, as far as the version is still known."""
    rows = APIVersion.objects.filter(api__name=record.api, name=record.version)
    row = rows.order_by("-pk").first()
    if row is None or row.retired_at is None:
        return
    yield phrase("That was at {at:%Y-%m-%d %H:%M} UTC.", at=row.retired_at)
    if row.successor:
        yield phrase("Its successor is {successor}.", successor=row.successor)


def _caller(seen: SeenRequest) -> Iterator[Step]:
    record = seen.record
    is_refused = record.verdict is not Verdict.ALLOWED
    if record.verdict is Verdict.INTROSPECTION_DOWN:
        told = phrase(
            "Nobody could say whether its token is good: the server that knows it is silent."
        )
        yield Step("credential", "refused", told)
        return
    if not record.credential:
        told = phrase("The request carried no credential that is known here.")
        outcome = "refused" if record.verdict.value in _CREDENTIAL_VERDICTS else "skipped"
        yield Step("credential", outcome, told)
        yield from _limits(seen)
        return
    credential = Credential.objects.filter(id=record.credential).first()
    is_own = is_refused and record.verdict.value in _CREDENTIAL_VERDICTS
    yield Step("credential", "refused" if is_own else "passed", _credential(seen, credential))
    if is_own:
        return
    yield _subscription(seen)
    if record.verdict is Verdict.INSUFFICIENT_SCOPE:
        yield _scopes(record)
    if (asked := explain_access.access(record)) is not None:
        yield Step("access", *asked)
    yield from _limits(seen)


def _credential(seen: SeenRequest, found: Credential | None) -> str:
    record = seen.record
    kind = phrase(found.kind.replace("_", " ") if found is not None else words_of("credential"))
    named = f" '{found.name}'" if found is not None and found.name else ""
    subject = phrase(", subject {subject}", subject=record.subject) if record.subject else ""
    return phrase(
        "The {kind} {credential}{named} of {application}{subject}.",
        kind=kind,
        credential=record.credential,
        named=named,
        application=seen.application,
        subject=subject,
    )


_CREDENTIAL_VERDICTS = frozenset({"no_credential", "unknown_credential", "revoked", "expired"})


def _subscription(seen: SeenRequest) -> Step:
    record = seen.record
    if not record.subscription:
        outcome = "refused" if record.verdict.value == "not_subscribed" else "skipped"
        told = phrase("{application} has none that opens the API.", application=seen.application)
        return Step("subscription", outcome, told)
    row = Subscription.objects.filter(id=record.subscription).first()
    state = "" if row is None or row.removed_at is None else phrase(" (since ended)")
    detail = phrase(
        "{subscription}: {application} under the plan {plan}{state}.",
        subscription=record.subscription,
        application=seen.application,
        plan=seen.plan,
        state=state,
    )
    return Step("subscription", "passed", detail)


def _scopes(record: RequestRecord) -> Step:
    """What the document asks for; the step of the policies shows one that says otherwise."""
    row = Operation.objects.filter(
        version__api__name=record.api, version__name=record.version, id=record.operation
    ).first()
    if row and row.needs:
        words = words_of("The API's document asks for {needs}; the credential lacks them.")
        return Step("scopes", "refused", phrase(words, needs=row.needs.sentence))
    told = phrase(
        "The operation asks for scopes or roles by the policy `scopes`; the credential lacks them."
    )
    return Step("scopes", "refused", told)


def _limits(seen: SeenRequest) -> Iterator[Step]:
    if told := explain_limits.told(seen):
        is_refused = seen.record.verdict in explain_limits.LIMIT_VERDICTS
        yield Step("limits", "refused" if is_refused else "passed", told)


def _validation(record: RequestRecord) -> Iterator[Step]:
    """What a validator said, where it refused or none answered."""
    if record.verdict is Verdict.INVALID_REQUEST:
        told = phrase("It was answered {status}, with its places.", status=record.status)
        yield Step("validation", "refused", told)
    if record.verdict is Verdict.VALIDATOR_DOWN:
        told = phrase("No validator answered, and the API fails closed.")
        yield Step("validation", "refused", told)


def _providers_steps(actor: Actor, seen: SeenRequest) -> list[Step]:
    """What only the provider of the API may see."""
    record = seen.record
    if not record.operation:
        return []
    observed = [_observed(record)] if record.observed else []
    return [*policy_steps(actor, seen), *observed, _upstream(record)]


def _observed(record: RequestRecord) -> Step:
    if record.observed in {Verdict.RATE_LIMITED, Verdict.QUOTA_EXCEEDED}:
        words = words_of("By a limit in shadow it would have been refused as {verdict}.")
        return Step("limits", "observed", phrase(words, verdict=record.observed))
    words = words_of("It is only observed; it would have been refused as {verdict}.")
    return Step("validation", "observed", phrase(words, verdict=record.observed))


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
    told = [phrase("{policies}.", policies=together(listed, ", ") or phrase("None"))]
    if changed:
        told.append(phrase("They have been changed since the request."))
    yield Step("policies", "in order", together(told))


def _effects(found: list[Effective], record: RequestRecord) -> Iterator[str]:
    """The policies in their order; which of them refused the request, which it did not reach."""
    decided = _DECIDED_BY.get(record.verdict, ())
    is_over = False
    for one in found:
        named = f"{one.use.kind} ({one.place})"
        if not is_over and one.use.kind in decided:
            is_over = True
            yield phrase("{policy}: refused it", policy=named)
        else:
            yield phrase("{policy}: not reached", policy=named) if is_over else named


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
    why = [phrase("Envoy says: {reasons}.", reasons=together(flags, ", "))] if flags else []
    if not record.upstream_host:
        return Step("upstream", "skipped", together([phrase("Not asked."), *why]))
    words = (
        words_of("{host}, {tries} tries, {took:.1f} ms.")
        if record.attempts > 1
        else words_of("{host}, 1 try, {took:.1f} ms.")
    )
    told = phrase(
        words, host=record.upstream_host, tries=record.attempts, took=record.upstream_us / 1000
    )
    outcome = "refused" if record.verdict is Verdict.UPSTREAM_FAILED else "passed"
    return Step("upstream", outcome, together([told, *why]))


def _answer(record: RequestRecord) -> Step:
    own = max(0, record.duration_us - record.upstream_us) / 1000
    detail = phrase(
        "{status} after {ms:.1f} ms, of which {own:.1f} ms outside the upstream; {bytes} bytes.",
        status=record.status,
        ms=record.duration_us / 1000,
        own=own,
        bytes=record.response_bytes,
    )
    return Step("answer", record.verdict.value, detail)
