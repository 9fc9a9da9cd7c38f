"""REST: the audit log."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from headgate.store.models import AuditEntry
from headgate.store.services import audit
from headgate.store.services.audit import Action
from headgate.web.api.fields import Instant, Output
from headgate.web.api.paging import PageOut, PageQuery, page_out
from headgate.web.api.requests import actor

router = Router()


class AuditEntryOut(Output):
    """One change: who, what, to which thing, before, after, from where."""

    id: str
    at: datetime
    actor: str
    action: str
    subject_kind: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    address: str
    request_id: str


class AuditQuery(PageQuery):
    """Which entries."""

    since: Instant | None = Field(None, description="From this instant on.")
    until: Instant | None = Field(None, description="Before this instant.")
    action: Action | None = None
    subject: str | None = Field(None, description="The name or id of what was changed.")


def show(entry: AuditEntry) -> AuditEntryOut:
    """As it is answered."""
    return AuditEntryOut.model_validate(entry)


@router.get("/audit", response=PageOut[AuditEntryOut], operation_id="listAuditEntries")
def list_audit_entries(request: HttpRequest, query: Query[AuditQuery]) -> object:
    """Changes, newest first. An organization's token sees those of the organization."""
    page = audit.page(
        actor(request),
        since=query.since,
        until=query.until,
        action=query.action,
        subject=query.subject,
        cursor=query.position,
        limit=query.limit,
    )
    return page_out(page, show)
