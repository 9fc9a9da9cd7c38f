"""What was changed, by whom? One entry per change, in the change's own transaction."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import QuerySet

from headgate.core.ids import new_id
from headgate.store.models import AuditEntry, Organization
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.alerts import audited_events
from headgate.store.services.values import PAGE_ITEMS_DEFAULT, Page, page_of


class Action(StrEnum):
    """Everything that the audit log can say was done."""

    ORGANIZATION_CREATED = "organization.created"
    ORGANIZATION_CHANGED = "organization.changed"
    ORGANIZATION_DELETED = "organization.deleted"
    APPLICATION_CREATED = "application.created"
    APPLICATION_CHANGED = "application.changed"
    APPLICATION_DELETED = "application.deleted"
    API_IMPORTED = "api.imported"
    API_REIMPORTED = "api.reimported"
    API_CHANGED = "api.changed"
    API_DELETED = "api.deleted"
    API_DEPRECATED = "api.deprecated"
    API_UNDEPRECATED = "api.undeprecated"
    API_RETIRED = "api.retired"
    API_RESTORED = "api.restored"
    POLICIES_CHANGED = "policies.changed"
    PUBLISHED = "gateway.published"
    UNPUBLISHED = "gateway.unpublished"
    ROLLED_BACK = "gateway.rolled_back"
    CACHE_PURGED = "gateway.cache_purged"
    CLIENT_TRUSTED = "client.trusted"
    CLIENT_TRUST_ENDED = "client.trust_ended"
    RELEASE_STARTED = "release.started"
    RELEASE_CHANGED = "release.changed"
    RELEASE_PROMOTED = "release.promoted"
    RELEASE_ABORTED = "release.aborted"
    PRODUCT_CREATED = "product.created"
    PRODUCT_CHANGED = "product.changed"
    PRODUCT_DELETED = "product.deleted"
    PLAN_CREATED = "plan.created"
    PLAN_CHANGED = "plan.changed"
    PLAN_DELETED = "plan.deleted"
    SUBSCRIPTION_CREATED = "subscription.created"
    SUBSCRIPTION_CHANGED = "subscription.changed"
    SUBSCRIPTION_CANCELLED = "subscription.cancelled"
    REQUEST_ASKED = "subscription_request.asked"
    REQUEST_GRANTED = "subscription_request.granted"
    REQUEST_DECLINED = "subscription_request.declined"
    REQUEST_WITHDRAWN = "subscription_request.withdrawn"
    MARKED_SENSITIVE = "sensitive.marked"
    MARK_CHANGED = "sensitive.changed"
    MARK_REMOVED = "sensitive.unmarked"
    ACCESS_ASKED = "access.asked"
    ACCESS_GRANTED = "access.granted"
    ACCESS_REFUSED = "access.refused"
    ACCESS_WITHDRAWN = "access.withdrawn"
    ACCESS_REVOKED = "access.revoked"
    ACCESS_LAPSED = "access.lapsed"
    ACCESS_ENDED = "access.ended"
    CREDENTIAL_ISSUED = "credential.issued"
    CREDENTIAL_CHANGED = "credential.changed"
    CREDENTIAL_ROTATED = "credential.rotated"
    CREDENTIAL_REVOKED = "credential.revoked"
    CLIENT_CREATED = "client.created"
    CLIENT_CHANGED = "client.changed"
    CLIENT_ROTATED = "client.rotated"
    CLIENT_REVOKED = "client.revoked"
    CERTIFICATE_TRUSTED = "certificate.trusted"
    CERTIFICATE_TRUST_ENDED = "certificate.trust_ended"
    DEVICE_DECIDED = "client.device_decided"
    ISSUER_CHANGED = "issuer.changed"
    BLOCK_CREATED = "block.created"
    BLOCK_LIFTED = "block.lifted"
    TOKEN_CREATED = "token.created"  # noqa: S105  # the name of an action
    TOKEN_REVOKED = "token.revoked"  # noqa: S105  # the name of an action
    NODE_REGISTERED = "node.registered"
    NODE_DELETED = "node.deleted"
    NODE_TOKEN_ROTATED = "node.token_rotated"  # noqa: S105  # the name of an action
    NODE_TOKENS_REVOKED = "node.tokens_revoked"  # the name of an action
    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_CHANGED = "webhook.changed"
    WEBHOOK_ROTATED = "webhook.rotated"
    WEBHOOK_DELETED = "webhook.deleted"
    WEBHOOK_TRIED = "webhook.tried"
    DELIVERY_REPEATED = "webhook.redelivered"
    SECRET_CREATED = "secret.created"  # noqa: S105  # the name of an action
    SECRET_CHANGED = "secret.changed"  # noqa: S105  # the name of an action
    SECRET_DELETED = "secret.deleted"  # noqa: S105  # the name of an action
    PERSON_CREATED = "person.created"
    PERSON_CHANGED = "person.changed"
    MEMBER_ADDED = "member.added"
    MEMBER_CHANGED = "member.changed"
    MEMBER_REMOVED = "member.removed"
    MEMBER_INVITED = "member.invited"
    INVITATION_WITHDRAWN = "member.invitation_withdrawn"
    TEAM_CREATED = "team.created"
    TEAM_CHANGED = "team.changed"
    TEAM_DELETED = "team.deleted"
    TEAM_MEMBER_SET = "team.member_set"
    TEAM_MEMBER_REMOVED = "team.member_removed"
    LOOK_CHANGED = "portal.look_changed"
    PAGE_CREATED = "page.created"
    PAGE_CHANGED = "page.changed"
    PAGE_DELETED = "page.deleted"
    FEEDBACK_SETTLED = "feedback.settled"
    GATEWAY_CREATED = "gateway.created"
    GATEWAY_CHANGED = "gateway.changed"
    CONSUMER_ERASED = "traffic.erased"


def record(
    actor: Actor,
    action: Action,
    subject: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    organization: Organization | None = None,
) -> None:
    """Write down a change, and publish its event where it has one (`audited_events`).

    `subject` is the name or id; no value may hold a secret.
    """
    AuditEntry.objects.create(
        id=new_id("aud"),
        at=actor.at,
        actor=actor.name,
        action=action,
        subject_kind=action.partition(".")[0],
        subject=subject[:200],
        organization="" if organization is None else organization.id,
        before=before,
        after=after,
        address=actor.address[:64],
        request_id=actor.request_id[:64],
    )
    audited_events.tell(actor.at, action, subject, before, after, organization)


def page(
    actor: Actor,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    action: Action | None = None,
    subject: str | None = None,
    cursor: str | None = None,
    limit: int = PAGE_ITEMS_DEFAULT,
) -> Page[AuditEntry]:
    """Entries, newest first; an organization's actor sees those about the organization.

    Raises:
        Problem: FORBIDDEN without the scope `audit`.
    """
    rows = visible(actor)
    if since is not None:
        rows = rows.filter(at__gte=since)
    if until is not None:
        rows = rows.filter(at__lt=until)
    if action is not None:
        rows = rows.filter(action=action)
    if subject is not None:
        rows = rows.filter(subject=subject)
    return page_of(rows, cursor, limit, newest_first=True)


def visible(actor: Actor) -> QuerySet[AuditEntry]:
    """The entries that the actor may see: all, or those about its organization.

    Raises:
        Problem: FORBIDDEN without the scope `audit`.
    """
    actor.require(Scope.AUDIT)
    actor.require_whole("audit log")
    rows = AuditEntry.objects.all()
    if actor.organization is not None:
        owner = Organization.objects.filter(name=actor.organization, removed_at=None).first()
        rows = rows.filter(organization=owner.id if owner else "-")
    return rows
