"""What is live, and what was? Publishing makes an immutable revision of a gateway.

One transaction: compile the API, check the whole snapshot, insert the revision. Two publishes
at once come one after the other (the gateway's row is locked). Numbers only grow: a rollback is
a new revision with the content of an old one (`rollbacks.py`).
"""

from collections.abc import Collection
from typing import Any, NamedTuple

from headgate.catalog.lifecycle import Step
from headgate.core.phrases import phrase
from headgate.core.problems import Detail, Problem, ProblemType, problem_types
from headgate.gateway.compile import check
from headgate.model.codec import as_data, from_data
from headgate.model.lifecycle import Lifecycle
from headgate.model.release import Release
from headgate.model.snapshot import (
    PolicyUse,
    Snapshot,
    SnapshotDelta,
)
from headgate.store import events
from headgate.store.environment import public_url
from headgate.store.models import (
    APIRevision,
    APIVersion,
    Gateway,
    Revision,
)
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.catalog import apis, changelog, states
from headgate.store.services.consumers import sensitive_marks
from headgate.store.services.gateway import (
    caller_policies,
    compiled_apis,
    contracts,
    edited,
    gateways,
    revision_events,
    secret_use,
)
from headgate.store.services.gateway.compiled_apis import forget_old, parsed, stored
from headgate.store.services.oauth import token_issuer
from headgate.store.services.transactions import change
from headgate.store.services.values import refused

DEFAULT_GATEWAY = gateways.DEFAULT_GATEWAY
REVISIONS_KEPT_MAX = 32  # per gateway: enough to roll back a bad afternoon


class Content(NamedTuple):
    """What a revision holds, by the names of its columns."""

    apis: dict[str, int]
    policies: list[Any]
    releases: list[Any]
    secrets: dict[str, int]
    callers: list[Any]


@change()
def publish(actor: Actor, api: str, *, gateway: str = DEFAULT_GATEWAY, note: str = "") -> Revision:
    """Make the API as it is now live on a gateway. What is live already makes no new revision.

    A deprecated version stays deprecated; a retired one is published again, and in force where it
    is published. `note` stands in the changelog, for those who call the API.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; INVALID_INPUT: the note;
            CONFLICT, with every mistake that the gateway's configuration would have.
    """
    actor.require_operator(Scope.WRITE, "API")
    served = locked(gateway)
    version = apis.served(api)
    before = states.fields(version)
    states.take(actor, version, Step.PUBLISH)
    if before["state"] == Lifecycle.RETIRED:
        after = states.fields(version)
        audit.record(actor, Action.API_RESTORED, version.path, before=before, after=after)
    compiled = compiled_row(version, actor, note)
    wanted = gateways.live_apis(served) | {str(version.pk): compiled.pk}
    if version.is_default:
        wanted |= compiled_apis.stand_by(version, wanted, actor)
    return advance(actor, served, wanted, Action.PUBLISHED, f"publish {api}")


@change()
def unpublish(actor: Actor, api: str, *, gateway: str = DEFAULT_GATEWAY) -> Revision:
    """Take an API off a gateway.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; CONFLICT: it is not published.
    """
    actor.require_operator(Scope.WRITE, "API")
    served = locked(gateway)
    row = str(apis.served(api).pk)
    wanted = gateways.live_apis(served)
    if row not in wanted:
        raise refused(gateways.not_published(api, gateway), "There is nothing to do.")
    refuse_released(served, row, api)
    del wanted[row]
    made = advance(actor, served, wanted, Action.UNPUBLISHED, f"unpublish {api}")
    leave(actor, apis.served(api))
    return made


@change()
def publish_all(
    actor: Actor, gateway: str, *, apis_in: Collection[str], apis_out: Collection[str]
) -> Revision:
    """Put several APIs on a gateway and take others off, in one revision.

    Raises:
        Problem: as `publish`.
    """
    actor.require_operator(Scope.WRITE, "API")
    served = locked(gateway)
    wanted = gateways.live_apis(served)
    for name in apis_out:
        wanted.pop(str(apis.served(name).pk), None)
    for name in apis_in:
        version = apis.served(name)
        wanted[str(version.pk)] = compiled_row(version, actor).pk
        if version.is_default:
            wanted |= compiled_apis.stand_by(version, wanted, actor)
    listed = [f"publish {name}" for name in apis_in] + [f"unpublish {name}" for name in apis_out]
    made = advance(actor, served, wanted, Action.PUBLISHED, ", ".join(listed))
    for name in apis_out:
        leave(actor, apis.served(name))
    return made


def refresh(actor: Actor, gateway: Gateway) -> Revision | None:
    """Put policies of a gateway, and of products and plans, in force there, in the caller's
    transaction. None: nothing published.

    Raises:
        Problem: CONFLICT, with every mistake.
    """
    served = locked(gateway.name)
    if served.revision == 0:
        return None
    return advance(actor, served, gateways.live_apis(served), Action.PUBLISHED, "policies")


def refresh_callers(actor: Actor) -> None:
    """Put the policies of products and plans in force on every gateway, in the caller's
    transaction.

    Raises:
        Problem: CONFLICT, with every mistake.
    """
    for gateway in Gateway.objects.filter(removed_at=None, revision__gt=0).order_by("pk"):
        refresh(actor, gateway)


def renew(actor: Actor, note: str) -> None:
    """A new revision of each gateway with the content of its present one, in the caller's
    transaction: something that nodes receive beside it has changed.
    """
    for gateway in Gateway.objects.filter(removed_at=None, revision__gt=0).order_by("pk"):
        served = locked(gateway.name)
        present = served.revisions.get(number=served.revision)
        _insert(actor, served, _content(present), Action.PUBLISHED, note)


def republish(actor: Actor, gateway: Gateway, *, note: str) -> Revision:
    """What is live once more, with the secrets as they are now, in the caller's transaction.

    Raises:
        Problem: CONFLICT, with every place where a secret's value does not fit.
    """
    served = locked(gateway.name)
    present = served.revisions.get(number=served.revision)
    return advance(actor, served, dict(present.apis), Action.PUBLISHED, note, as_in=present)


def snapshot_delta(actor: Actor, *, after: int) -> SnapshotDelta | None:
    """What leads a node of the actor's gateway from revision `after` to the live one.

    None when the node has it. Complete (`base` 0) when `after` is no longer kept, or unknown.

    Raises:
        Problem: FORBIDDEN without the scope `node`.
        DependencyError: a secret was stored under another `secret.key`.
    """
    actor.require(Scope.NODE)
    served = gateways.find(actor.gateway or DEFAULT_GATEWAY)
    if served.revision == after:
        return None
    target = served.revisions.get(number=served.revision)
    base = served.revisions.filter(number=after).first()
    before: dict[str, int] = base.apis if base else {}
    changed = [pk for row, pk in target.apis.items() if before.get(row) != pk]
    return SnapshotDelta(
        base=base.number if base else 0,
        revision=target.number,
        gateway=served.name,
        changed=parsed(changed),
        removed=tuple(int(row) for row in before if row not in target.apis),
        policies=live_policies(target),
        issuer=token_issuer.current(),
        releases=live_releases(target),
        secrets=secret_use.values(target.secrets),
        foreign_issuers=token_issuer.foreign(),
        problem_types=problem_types(public_url()),
        callers=caller_policies.in_revision(target),
        marks=sensitive_marks.current(),
    )


def live_policies(revision: Revision) -> tuple[PolicyUse, ...]:
    """The gateway's policies in a revision."""
    return tuple(from_data(PolicyUse, use) for use in revision.policies)


def live_releases(revision: Revision | None) -> tuple[Release, ...]:
    """The shares of further versions in a revision."""
    listed = revision.releases if revision is not None else []
    return tuple(from_data(Release, release) for release in listed)


def live(served: Gateway) -> Revision | None:
    """The revision that the gateway's nodes should serve; None before the first."""
    return served.revisions.filter(number=served.revision).first()


def locked(name: str) -> Gateway:
    """The gateway, which no other transaction can change until this one ends."""
    found = Gateway.objects.select_for_update().filter(name=name, removed_at=None).first()
    if found is None:
        raise not_found("gateway", name)
    return found


def refuse_released(served: Gateway, row: str, api: str) -> None:
    """Let only versions pass that no release on the gateway names.

    Raises:
        Problem: CONFLICT.
    """
    if any(row in {str(r.stable), str(r.candidate)} for r in live_releases(live(served))):
        raise refused(
            phrase(
                "The API '{api}' is part of a release on the gateway '{name}'.",
                api=api,
                name=served.name,
            ),
            phrase("End the release first: headgate abort {api}.", api=api.partition("@")[0]),
        )


def leave(actor: Actor, version: APIVersion) -> None:
    """Note that a version is live nowhere any more, if it is not."""
    if not gateways.published_on(version):
        states.take(actor, version, Step.UNPUBLISH)


def compiled_row(version: APIVersion, actor: Actor, note: str = "") -> APIRevision:
    """A version as it is now, ready to be live. A draft is published by it; the changelog tells of
    it, with `note`."""
    if version.lifecycle == Lifecycle.DRAFT:
        states.take(actor, version, Step.PUBLISH)
    api = edited.compile_api(version)
    contracts.ensure(actor, api, version)
    changelog.published(actor, version, note)
    return stored(version, api, actor)


def advance(
    actor: Actor,
    served: Gateway,
    wanted: dict[str, int],
    action: Action,
    note: str,
    *,
    as_in: Revision | None = None,
    releases: tuple[Release, ...] | None = None,
) -> Revision:
    """The next revision of a locked gateway, or the present one when it would be the same.

    Policies of the gateway, of products and of plans are those of the revision `as_in`, without it
    as edited; without `releases` those that are live.

    Raises:
        Problem: CONFLICT, with every mistake.
    """
    if as_in is None:
        policies = edited.uses(served.policies.all())
        callers = caller_policies.as_edited(map(int, wanted))
    else:
        policies, callers = live_policies(as_in), caller_policies.as_in(as_in, map(int, wanted))
    present = live(served)
    if releases is None:
        releases = live_releases(present)
    listed = [as_data(use) for use in policies]
    shares = [as_data(release) for release in releases]
    number = served.revisions_made + 1
    apis_live = parsed(wanted.values())
    snapshot = Snapshot(
        number, served.name, apis_live, policies, releases=releases, callers=callers
    )
    use = secret_use.of(snapshot)
    told = caller_policies.data(callers)
    content = Content(wanted, listed, shares, use.versions, told)
    if present is not None and _content(present) == content:
        return present
    _refuse(check(snapshot) + use.mistakes)
    _refuse(secret_use.unfit_values(snapshot, use))
    return _insert(actor, served, content, action, note)


def _insert(actor: Actor, served: Gateway, content: Content, action: Action, note: str) -> Revision:
    """The next revision of a locked gateway, with this content."""
    number = served.revisions_made + 1
    revision = Revision.objects.create(
        gateway=served,
        number=number,
        **content._asdict(),
        note=note[:TITLE_CHARACTERS_MAX],
        actor=actor.name,
        created_at=actor.at,
    )
    before = served.revision
    served.revision = served.revisions_made = number
    served.save()
    forget_old(served, REVISIONS_KEPT_MAX)
    audit.record(
        actor,
        action,
        served.name,
        before={"revision": before},
        after={"revision": number, "note": note},
    )
    revision_events.tell(revision, before, is_back=action is Action.ROLLED_BACK)
    events.announce(events.Topic.SNAPSHOT)
    return revision


def _content(revision: Revision) -> Content:
    return Content(*(getattr(revision, name) for name in Content._fields))


def _refuse(mistakes: list[Detail]) -> None:
    if mistakes:
        raise Problem(
            ProblemType.CONFLICT,
            phrase("This cannot be published: {message}.", message=mistakes[0].message),
            "Correct the listed places and publish again; what is live stays as it is.",
            mistakes,
        )
