"""Which limits did a call meet, what was left of them, and which one refused it, in sentences?

What was left is the record's: it holds whatever has become of the plan since. A record from before
the gateway wrote it down is told the limits of now.
"""

from collections.abc import Iterator

from headgate.core.phrases import phrase, together, words_of
from headgate.gateway.policy import parse
from headgate.model.access import LimitSubject
from headgate.model.limits import LimitKind
from headgate.model.limits_left import LimitLeft, LimitPlace
from headgate.model.record import RequestRecord, Verdict
from headgate.store.models import Operation, Plan
from headgate.store.services.catalog import plans
from headgate.store.services.gateway import edited
from headgate.store.services.traffic.questions import SeenRequest

LIMIT_VERDICTS = frozenset({Verdict.RATE_LIMITED, Verdict.QUOTA_EXCEEDED})
_DECIDED_BEFORE_LIMITS = frozenset(
    {
        Verdict.ACCESS_NOT_GRANTED,
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
_GIVEN_BACK = frozenset({Verdict.INVALID_REQUEST, Verdict.VALIDATOR_DOWN})
_AT_ONE_TIME = {
    LimitPlace.PLAN: words_of("limit of {limit} calls at one time"),
    LimitPlace.API: words_of("API's limit of {limit} calls at one time"),
    LimitPlace.OPERATION: words_of("operation's limit of {limit} calls at one time"),
}
_RATES = {
    LimitPlace.PLAN: words_of("rate {limit}"),
    LimitPlace.API: words_of("API's rate {limit}"),
    LimitPlace.OPERATION: words_of("operation's rate {limit}"),
}
_QUOTAS = {
    LimitPlace.PLAN: words_of("quota {limit}"),
    LimitPlace.API: words_of("API's quota {limit}"),
    LimitPlace.OPERATION: words_of("operation's quota {limit}"),
}
_NAMES = {LimitKind.CONCURRENT: _AT_ONE_TIME, LimitKind.RATE: _RATES, LimitKind.QUOTA: _QUOTAS}


def told(seen: SeenRequest) -> str:
    """What is to be said of limits; empty where the call met none that is known."""
    record = seen.record
    if record.plan:
        sentences = [] if seen.limits else [_of_plan(record)]
    else:
        sentences = list(_without_plan(record))
    sentences += _left(seen)
    if record.verdict in LIMIT_VERDICTS and not any(_decided(one) for one in seen.limits):
        sentences.append(phrase("One of these, of the API or of the operation was reached."))
    if record.verdict in LIMIT_VERDICTS and sentences:
        sentences.append(phrase("Nothing was used up."))
    return together(sentences)


def _decided(one: LimitLeft) -> bool:
    return one.is_refused and not one.limit.is_shadow


def _left(seen: SeenRequest) -> Iterator[str]:
    """Which limit refused the call, which one in shadow would have, what was left of the others."""
    for one in seen.limits:
        if one.is_refused:
            words = (
                words_of("The {limit} would have refused it; {again}.")
                if one.limit.is_shadow
                else words_of("The {limit} was reached; {again}.")
            )
            yield phrase(words, limit=_named(one), again=_again(one))
    others = [
        phrase("{left:,} of the {limit}", left=one.left, limit=_named(one))
        for one in seen.limits
        if not one.is_refused
    ]
    if others:
        yield phrase("Left after this call: {limits}.", limits=together(others, ", "))
    if seen.limits and seen.record.verdict in _GIVEN_BACK:
        yield phrase("It was refused afterwards and got back what it had taken.")


def _named(one: LimitLeft) -> str:
    return phrase(_NAMES[one.limit.kind][one.place], limit=one.limit)


def _again(one: LimitLeft) -> str:
    if one.limit.kind is LimitKind.CONCURRENT:
        return phrase("it is free again as soon as another call ends")
    if not one.retry_after_seconds:
        return phrase("waiting does not help: the call costs more than it ever allows")
    return phrase("it is free again in {seconds:,} s", seconds=one.retry_after_seconds)


def _of_plan(record: RequestRecord) -> str:
    plan = Plan.objects.filter(id=record.plan).first()
    limits = [] if plan is None else plans.limits(plan)
    return phrase("The plan's limits: {limits}.", limits=", ".join(limits) or phrase("none"))


def _without_plan(record: RequestRecord) -> Iterator[str]:
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
    uses = edited.uses([*row.version.policies.all(), *row.policies.all()])
    found = [one for use in uses for one in parse(use).limits()]
    limits = [str(one.limit) for one in found if one.subject is LimitSubject.ANONYMOUS]
    if limits:
        yield phrase(
            "The API is open; callers without a plan have {limits} for each address.",
            limits=", ".join(limits),
        )
    else:
        yield phrase(
            "The API is open; callers without a plan have no limits of their own: "
            "the policy `anonymous` sets them."
        )
