"""How much traffic does a new version get, and when does it get all of it, or none any more?

A release is started, changed, promoted or aborted; each is one revision of the gateway. `watch`
takes a release back by itself when its numbers meet its condition.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from django.db.models import QuerySet

from headgate.core.ids import new_id
from headgate.core.phrases import phrase
from headgate.gateway.release import Measured, Metric, parse_conditions, reason_to_abort
from headgate.model.release import Release as Share
from headgate.store.models import APIVersion, Application, Gateway, Release, Revision
from headgate.store.models.releases import CONDITION_CHARACTERS_MAX
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.catalog import apis, versions
from headgate.store.services.consumers.applications import find as find_application
from headgate.store.services.gateway import gateways, publishing
from headgate.store.services.traffic import questions
from headgate.store.services.transactions import change
from headgate.store.services.values import (
    PAGE_ITEMS_DEFAULT,
    Page,
    check_text,
    invalid,
    page_of,
    refused,
)
from headgate.traffic.queries import GroupBy

DEFAULT_GATEWAY = gateways.DEFAULT_GATEWAY
HUNDREDTHS = 100


class Outcome(StrEnum):
    """How a release ended."""

    PROMOTED = "promoted"
    ABORTED = "aborted"


def page(
    actor: Actor, *, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT
) -> Page[Release]:
    """Releases, newest first, ended ones included."""
    return page_of(visible(actor), cursor, limit, newest_first=True)


def visible(actor: Actor) -> QuerySet[Release]:
    """The releases that the actor may know of, ended ones included: all, or none at all."""
    actor.require_operator(Scope.READ, "release")
    return Release.objects.select_related("gateway", "stable__api", "candidate__api")


def under_way(actor: Actor, name: str, *, gateway: str = DEFAULT_GATEWAY) -> Release:
    """The release of an API that is under way.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require_operator(Scope.READ, "release")
    return _under_way(gateways.find(gateway), name)


@change()
def start(
    actor: Actor,
    name: str,
    *,
    gateway: str = DEFAULT_GATEWAY,
    percent: float | None = None,
    header: str | None = None,
    mirror_percent: float | None = None,
    applications: Sequence[str] | None = None,
    abort_if: str | None = None,
) -> tuple[Release, Revision]:
    """Give the version `name` (`pets@v2`) a share of its API's traffic, or change its share.

    `header` is `name=value`, empty for none; `applications` are paths, whose calls go there. What
    is None stays as it is, at first nothing. The version is published as it is now; the default
    version must be live.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; INVALID_INPUT; CONFLICT: it is
            the default version, the default is not live, or another release is under way.
    """
    actor.require_operator(Scope.WRITE, "API")
    served = publishing.locked(gateway)
    candidate = apis.served(name)
    stable = _stable_of(candidate, served, name)
    row = served.releases.filter(stable=stable, removed_at=None).first()
    if row is not None and row.candidate_id != candidate.pk:
        raise refused(
            phrase("A release of '{path}' is under way.", path=row.candidate.path),
            phrase("Promote or end it first: headgate abort {name}.", name=stable.api.name),
        )
    before = None if row is None else fields(row)
    row = row or Release(
        id=new_id("rel"),
        created_at=actor.at,
        gateway=served,
        stable=stable,
        candidate=candidate,
    )
    _set(row, percent, header, mirror_percent, abort_if)
    if applications is not None:
        row.applications = sorted({find_application(actor, one).id for one in applications})
    if before == fields(row):
        return row, served.revisions.get(number=served.revision)
    row.since = actor.at
    row.save()
    wanted = gateways.live_apis(served)
    wanted[str(candidate.pk)] = publishing.compiled_row(candidate, actor).pk
    action = Action.RELEASE_STARTED if before is None else Action.RELEASE_CHANGED
    audit.record(actor, action, candidate.path, before=before, after=fields(row))
    note = f"release {candidate.path} to {row.percent_hundredths / HUNDREDTHS:g} %"
    return row, publishing.advance(
        actor, served, wanted, Action.PUBLISHED, note, releases=shares(served)
    )


@change()
def promote(actor: Actor, name: str, *, gateway: str = DEFAULT_GATEWAY) -> Revision:
    """Make the candidate the default version and give it all of the traffic, in one revision.

    The version before stays published and stands by: a rollback is one revision as well.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND: no release is under way.
    """
    actor.require_operator(Scope.WRITE, "API")
    served = publishing.locked(gateway)
    row = _under_way(served, name)
    candidate, before = row.candidate, row.stable
    _end(actor, row, Outcome.PROMOTED, "")
    versions.make_default(actor, candidate.path)
    wanted = gateways.live_apis(served)
    for version in (candidate, before):
        fresh = APIVersion.objects.select_related("api").get(pk=version.pk)
        wanted[str(version.pk)] = publishing.compiled_row(fresh, actor).pk
    audit.record(actor, Action.RELEASE_PROMOTED, row.candidate.api.name, after=fields(row))
    note = f"promote {candidate.api.name}@{candidate.name}"
    return publishing.advance(
        actor, served, wanted, Action.PUBLISHED, note, releases=shares(served)
    )


@change()
def abort(actor: Actor, name: str, *, gateway: str = DEFAULT_GATEWAY, reason: str = "") -> Revision:
    """Take the candidate's share away; it stays published and stands by.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND: no release is under way.
    """
    actor.require_operator(Scope.WRITE, "API")
    check_text(reason, TITLE_CHARACTERS_MAX, "/reason")
    served = publishing.locked(gateway)
    row = _under_way(served, name)
    _end(actor, row, Outcome.ABORTED, reason)
    audit.record(actor, Action.RELEASE_ABORTED, row.candidate.path, after=fields(row))
    note = f"abort the release of {row.candidate.path}" + (f": {reason}" if reason else "")
    return publishing.advance(
        actor,
        served,
        gateways.live_apis(served),
        Action.PUBLISHED,
        note,
        releases=shares(served),
    )


def watch(actor: Actor) -> list[Release]:
    """Abort every release whose numbers meet its condition; those that were.

    Raises:
        DependencyError: the traffic cannot be read.
    """
    rows = Release.objects.filter(removed_at=None).exclude(abort_if="")
    aborted = []
    for row in rows.select_related("gateway", "stable__api", "candidate__api"):
        candidate, requests = measured(actor, row, row.candidate)
        stable, _ = measured(actor, row, row.stable)
        conditions = parse_conditions(row.abort_if)
        reason = reason_to_abort(conditions, candidate, stable, requests=requests)
        if reason is not None:
            abort(actor, row.candidate.path, gateway=row.gateway.name, reason=reason)
            aborted.append(row)
    return aborted


def measured(actor: Actor, row: Release, version: APIVersion) -> tuple[Measured, int]:
    """A version's numbers since the release has had its present share, and its requests."""
    filters = questions.request_filter(
        actor, since=row.since, api=version.api.name, version=version.name
    )
    found = questions.stats(actor, GroupBy.API, filters)
    if not found or not found[0].requests:
        return {}, 0
    stats = found[0]
    latencies = {
        Metric.LATENCY_MS_MEAN: stats.latency_ms_mean,
        Metric.LATENCY_MS_P50: stats.latency_ms_p50,
        Metric.LATENCY_MS_P95: stats.latency_ms_p95,
        Metric.LATENCY_MS_P99: stats.latency_ms_p99,
    }
    known: dict[Metric, float] = {m: v for m, v in latencies.items() if v is not None}
    return known | {Metric.ERROR_RATIO: stats.errors / stats.requests}, stats.requests


def shares(gateway: Gateway) -> tuple[Share, ...]:
    """What a gateway's nodes are told of its releases."""
    rows = gateway.releases.filter(removed_at=None).order_by("pk")
    return tuple(
        Share(
            stable=row.stable_id,
            candidate=row.candidate_id,
            percent=row.percent_hundredths / HUNDREDTHS,
            header=row.header,
            value=row.value,
            mirror_percent=row.mirror_hundredths / HUNDREDTHS,
            seed=row.pk,
            applications=tuple(row.applications),
        )
        for row in rows
    )


def fields(row: Release) -> dict[str, Any]:
    """What the audit log keeps of a release."""
    return {
        "gateway": row.gateway.name,
        "candidate": f"{row.candidate.api.name}@{row.candidate.name}",
        "percent": row.percent_hundredths / HUNDREDTHS,
        "header": f"{row.header}={row.value}" if row.header else "",
        "mirror_percent": row.mirror_hundredths / HUNDREDTHS,
        "applications": application_paths(row),
        "abort_if": row.abort_if,
        "outcome": row.outcome,
        "reason": row.reason,
    }


def application_paths(row: Release) -> list[str]:
    """The applications whose calls go to the candidate, as people write them."""
    if not row.applications:
        return []
    rows = Application.objects.filter(id__in=row.applications).select_related("organization")
    return sorted(application.path for application in rows)


def _under_way(gateway: Gateway, name: str) -> Release:
    api = apis.find(name)
    rows = gateway.releases.filter(stable__api=api, removed_at=None)
    row = rows.select_related("gateway", "stable__api", "candidate__api").first()
    if row is None or ("@" in name and row.candidate.path != name):
        raise not_found("release under way of", name)
    return row


def _stable_of(candidate: APIVersion, gateway: Gateway, name: str) -> APIVersion:
    """The live default version beside which a candidate is released."""
    if candidate.is_default:
        raise refused(
            phrase("'{name}' is the default version and has all of the traffic.", name=name),
            phrase(
                "Name a further version, like {name}@v2; see: headgate api versions {name}.",
                name=candidate.api.name,
            ),
        )
    stable = apis.version(apis.find(candidate.api.name))
    if str(stable.pk) not in gateways.live_apis(gateway):
        raise refused(
            phrase(
                "The default version of '{name}' is not live on '{gateway_name}'.",
                name=stable.api.name,
                gateway_name=gateway.name,
            ),
            phrase("Publish it first: headgate publish {name}.", name=stable.api.name),
        )
    return stable


def _set(
    row: Release,
    percent: float | None,
    header: str | None,
    mirror_percent: float | None,
    abort_if: str | None,
) -> None:
    if percent is not None:
        row.percent_hundredths = _hundredths(percent, "/percent")
    if mirror_percent is not None:
        row.mirror_hundredths = _hundredths(mirror_percent, "/mirror_percent")
    if header is not None:
        field, has_value, value = header.partition("=")
        if header and not (field and has_value and value):
            raise invalid("A header is written name=value, like x-beta=1.", "/header")
        row.header, row.value = field.strip().lower(), value
    if abort_if is not None:
        check_text(abort_if, CONDITION_CHARACTERS_MAX, "/abort_if")
        try:
            row.abort_if = " or ".join(str(one) for one in parse_conditions(abort_if))
        except ValueError as error:
            raise invalid(phrase("{error}.", error=error), "/abort_if") from error


def _hundredths(percent: float, pointer: str) -> int:
    if not 0 <= percent <= 100:  # NaN is refused by this as well
        raise invalid("A percentage is 0 to 100.", pointer)
    return round(percent * HUNDREDTHS)


def _end(actor: Actor, row: Release, outcome: Outcome, reason: str) -> None:
    row.removed_at, row.outcome, row.reason = actor.at, outcome, reason
    row.save()
