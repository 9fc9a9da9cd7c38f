"""Where are events sent? Endpoints of organizations and of operators, each with its secret."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.db.models import QuerySet

from headgate.alerts.webhooks import DeliveryState, new_secret
from headgate.catalog.addresses import refusal
from headgate.core.ids import new_id
from headgate.core.phrases import phrase, words_of
from headgate.core.problems import Problem, ProblemType
from headgate.model.events import EventKind
from headgate.store.models import Organization, Team, Webhook
from headgate.store.models.events import URL_CHARACTERS_MAX
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.sealing import seal
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.alerts import event_log
from headgate.store.services.audit import Action
from headgate.store.services.consumers import organizations, reach, teams
from headgate.store.services.transactions import change
from headgate.store.services.values import (
    PAGE_ITEMS_DEFAULT,
    Page,
    as_fields,
    check_text,
    invalid,
    page_of,
    refused,
)

WEBHOOKS_MAX = 20  # of one organization, and of the operators
OVERLAP_SECONDS_DEFAULT = 86_400
OVERLAP_SECONDS_MAX = 7 * 86_400
SEALED_FOR = "webhook secret"


@dataclass(frozen=True, slots=True)
class IssuedWebhook:
    """A webhook with its new secret, which is shown to its owner now and never again."""

    webhook: Webhook
    secret: str


def page(
    actor: Actor, *, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT
) -> Page[Webhook]:
    """Webhooks in the order in which they were made."""
    require(actor)
    return page_of(visible(actor), cursor, limit)


def get(actor: Actor, webhook_id: str) -> Webhook:
    """One webhook.

    Raises:
        Problem: NOT_FOUND.
    """
    require(actor)
    return find(actor, webhook_id)


@change()
def create(
    actor: Actor,
    *,
    url: str,
    organization: str | None = None,
    team: str | None = None,
    kinds: Collection[EventKind] = (),
    description: str = "",
    allow_private: bool = False,
) -> IssuedWebhook:
    """A new webhook; without `organization` it is the operators' and is sent every event.

    An actor of an organization makes its organization's, or those of a `team` of it: such a one is
    sent what is about a single application of the team.

    Raises:
        Problem: FORBIDDEN, also without a team to an actor whom teams limit; NOT_FOUND: the
            organization or the team; INVALID_INPUT; REFUSED_ADDRESS: the URL; CONFLICT: there are
            too many.
    """
    require(actor)
    owner = _owner(actor, organization)
    own = _team(actor, owner, team)
    _check_url(actor, url, allow_private=allow_private)
    check_text(description, TITLE_CHARACTERS_MAX, "/description")
    present = Webhook.objects.filter(removed_at=None, organization=owner)
    if present.count() >= WEBHOOKS_MAX:
        raise refused(
            phrase("There are {most} webhooks already.", most=WEBHOOKS_MAX), "Delete one first."
        )
    secret = new_secret()
    webhook = Webhook.objects.create(
        id=new_id("whk"),
        created_at=actor.at,
        organization=owner,
        team=own,
        url=url,
        description=description,
        kinds=_in_order(kinds),
        allow_private=allow_private,
        sealed=seal(SEALED_FOR, secret.encode()),
    )
    _record(actor, Action.WEBHOOK_CREATED, webhook, None)
    return IssuedWebhook(webhook, secret)


@change()
def update(
    actor: Actor,
    webhook_id: str,
    *,
    url: str | None = None,
    kinds: Collection[EventKind] | None = None,
    description: str | None = None,
    is_enabled: bool | None = None,
) -> Webhook:
    """Change what is not None. One that is disabled is sent nothing; what came meanwhile is lost
    to it.

    Raises:
        Problem: FORBIDDEN; NOT_FOUND; INVALID_INPUT; REFUSED_ADDRESS.
    """
    require(actor)
    webhook = find(actor, webhook_id)
    before = fields(webhook)
    if url is not None and url != webhook.url:
        _check_url(actor, url, allow_private=webhook.allow_private)
        webhook.url = url
        before |= {"url": "another"}  # it may hold a secret
    if kinds is not None:
        webhook.kinds = _in_order(kinds)
    if description is not None:
        check_text(description, TITLE_CHARACTERS_MAX, "/description")
        webhook.description = description
    if is_enabled is False and webhook.disabled_at is None:
        webhook.disabled_at, webhook.disabled_reason = (
            actor.at,
            words_of("It was disabled by hand."),
        )
        give_up_waiting(actor, webhook)
    if is_enabled is True and webhook.disabled_at is not None:
        webhook.disabled_at, webhook.disabled_reason = None, ""
        webhook.failing_since, webhook.dropped = None, 0
    if fields(webhook) == before:
        return webhook
    webhook.save()
    _record(actor, Action.WEBHOOK_CHANGED, webhook, before)
    return webhook


@change()
def rotate(
    actor: Actor, webhook_id: str, *, overlap_seconds: int = OVERLAP_SECONDS_DEFAULT
) -> IssuedWebhook:
    """A new secret. For the overlap each message is signed by both, so that none is missed.

    Raises:
        Problem: FORBIDDEN; NOT_FOUND; INVALID_INPUT: the overlap.
    """
    require(actor)
    if not 0 <= overlap_seconds <= OVERLAP_SECONDS_MAX:
        raise invalid(
            phrase("The overlap is 0 to {most} seconds.", most=OVERLAP_SECONDS_MAX),
            "/overlap_seconds",
        )
    webhook = find(actor, webhook_id)
    before = fields(webhook)
    secret = new_secret()
    webhook.previous_sealed = webhook.sealed if overlap_seconds else b""
    webhook.previous_until = actor.at + timedelta(seconds=overlap_seconds)
    webhook.sealed = seal(SEALED_FOR, secret.encode())
    webhook.save()
    _record(actor, Action.WEBHOOK_ROTATED, webhook, before)
    return IssuedWebhook(webhook, secret)


@change()
def delete(actor: Actor, webhook_id: str) -> None:
    """End a webhook at once; what waits for it is not sent.

    Raises:
        Problem: FORBIDDEN; NOT_FOUND.
    """
    require(actor)
    webhook = find(actor, webhook_id)
    before = fields(webhook)
    webhook.removed_at = actor.at
    webhook.sealed = webhook.previous_sealed = b""  # what is removed cannot come back
    webhook.save()
    give_up_waiting(actor, webhook)
    _record(actor, Action.WEBHOOK_DELETED, webhook, before)


@change()
def test(actor: Actor, webhook_id: str) -> str:
    """Send this webhook alone an event; the id of that.

    Raises:
        Problem: FORBIDDEN; NOT_FOUND; CONFLICT: it is disabled.
    """
    require(actor)
    webhook = find(actor, webhook_id)
    if webhook.disabled_at is not None:
        raise refused(
            phrase(
                "The webhook {id} is disabled: {disabled_reason}",
                id=webhook.id,
                disabled_reason=phrase(webhook.disabled_reason),
            ),
            phrase("Enable it first: headgate webhook enable {id}.", id=webhook.id),
        )
    event = event_log.publish(
        actor.at,
        EventKind.WEBHOOK_TEST,
        subject=webhook.id,
        data={"webhook": webhook.id},
        organization=webhook.organization,
        only_to=webhook,
    )
    audit.record(
        actor,
        Action.WEBHOOK_TRIED,
        webhook.id,
        after={"event": event.id},
        organization=webhook.organization,
    )
    return event.id


def visible(actor: Actor) -> QuerySet[Webhook]:
    """The webhooks that the actor may know of: an organization's its own, a team's the team's."""
    rows = Webhook.objects.filter(removed_at=None).select_related("organization", "team")
    return reach.of_teams(actor, rows)


def find(actor: Actor, webhook_id: str) -> Webhook:
    """One visible webhook.

    Raises:
        Problem: NOT_FOUND.
    """
    webhook = visible(actor).filter(id=webhook_id).first()
    if webhook is None:
        raise not_found("webhook", webhook_id)
    return webhook


def give_up_waiting(actor: Actor, webhook: Webhook) -> int:
    """Send nothing of what waits for a webhook, in the caller's transaction; how much it was."""
    waiting = webhook.deliveries.filter(state=DeliveryState.WAITING)
    return waiting.update(state=DeliveryState.GIVEN_UP, settled_at=actor.at)


def host(webhook: Webhook) -> str:
    """What may be said of a webhook's URL everywhere: the rest may hold a secret."""
    return urlsplit(webhook.url).netloc.rpartition("@")[2]


def fields(webhook: Webhook) -> dict[str, Any]:
    """What the audit log keeps of a webhook: never its secret, and of its URL the host."""
    kept = ("id", "kinds", "description", "allow_private", "disabled_at", "previous_until")
    owner = webhook.organization
    return as_fields(webhook, *kept) | {
        "host": host(webhook),
        "organization": owner.name if owner else None,
        "team": webhook.team.name if webhook.team else None,
    }


def require(actor: Actor) -> None:
    """Let pass who may see and change webhooks: administrators, and of an organization's those
    who may manage keys. Whom teams limit knows of those teams' alone (`visible`).

    Raises:
        Problem: FORBIDDEN.
    """
    actor.require(Scope.ADMIN if actor.organization is None else Scope.KEYS)


def _owner(actor: Actor, name: str | None) -> Organization | None:
    name = name or actor.organization
    return None if name is None else organizations.find(actor, name)


def _team(actor: Actor, owner: Organization | None, name: str | None) -> Team | None:
    if not name:
        actor.require_whole("webhooks")
        return None
    if owner is None:
        raise invalid("A team is named without its organization.", "/organization")
    return teams.find(actor, owner.name, name)


def _check_url(actor: Actor, url: str, *, allow_private: bool) -> None:
    """Raises Problem, without more of the URL than its host."""
    if allow_private and actor.organization is not None:
        raise invalid("Only an administrator may allow private addresses.", "/allow_private")
    if len(url) > URL_CHARACTERS_MAX:
        raise invalid(
            phrase("A URL has at most {most:,} characters.", most=URL_CHARACTERS_MAX), "/url"
        )
    parts = _parts(url)
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise invalid("A webhook's URL begins with https://.", "/url")
    try:
        reason = refusal(parts.hostname or "")
    except ValueError:
        return  # a name: its address is judged at each attempt
    if reason is not None and not allow_private:
        raise Problem(
            ProblemType.REFUSED_ADDRESS,
            phrase(
                "{hostname} is {reason}.", hostname=ip_address(parts.hostname or ""), reason=reason
            ),
            "Name a public address; an administrator may allow private ones (`--allow-private`).",
        )


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_whole = False
    if not is_whole or not url.isascii() or any(c.isspace() for c in url):
        raise invalid("This is not a URL like https://hooks.example.com/headgate.", "/url")
    if parts.username is not None or parts.password is not None:
        raise invalid("A webhook's URL has no user name or password: it is signed.", "/url")
    if parts.fragment:
        raise invalid("A webhook's URL has no fragment.", "/url")
    return parts


def _in_order(kinds: Collection[EventKind]) -> list[str]:
    return sorted({kind.value for kind in kinds})


def _record(actor: Actor, action: Action, webhook: Webhook, before: dict[str, Any] | None) -> None:
    audit.record(
        actor,
        action,
        webhook.id,
        before=before,
        after=None if webhook.removed_at else fields(webhook),
        organization=webhook.organization,
    )
