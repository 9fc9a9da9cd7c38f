"""REST: what has changed for those who call an API."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from headgate.store.services.catalog import changelog
from headgate.store.services.catalog.changelog import Entry, EntryKind
from headgate.web.api.fields import Output
from headgate.web.api.requests import actor

router = Router()


class OperationChangeOut(Output):
    """What is different at one operation."""

    kind: str
    operation: str
    title: str = Field(..., description="Its method and path.")
    what: list[str]
    is_breaking: bool


class EntryOut(Output):
    """One publication, or one step towards a version's end."""

    id: str
    kind: EntryKind
    version: str
    at: datetime
    note: str = Field(..., description="What the publisher says of it; Markdown.")
    compared: str = Field(..., description="Another version that the changes are relative to.")
    is_breaking: bool
    changes: list[OperationChangeOut]
    dropped: int = Field(..., description="Changes that are not listed.")
    data: dict[str, Any] = Field(
        ..., description="Of a deprecation or retirement: dates, successor."
    )


class ChangelogOut(Output):
    """The changelog of an API."""

    items: list[EntryOut]


def show(entry: Entry) -> EntryOut:
    """As it is answered."""
    return EntryOut(
        id=entry.id,
        kind=entry.kind,
        version=entry.version.name,
        at=entry.at,
        note=entry.note,
        compared=entry.compared,
        is_breaking=entry.is_breaking,
        changes=[
            OperationChangeOut(
                kind=one.kind,
                operation=one.operation,
                title=one.title,
                what=[str(difference.words) for difference in one.differences],
                is_breaking=one.is_breaking,
            )
            for one in entry.changes
        ],
        dropped=entry.dropped,
        data=entry.data,
    )


@router.get("/apis/{name}/changelog", response=ChangelogOut, operation_id="getAPIChangelog")
def get_changelog(request: HttpRequest, name: str) -> object:
    """What was published of an API, newest first, with what it changed for callers."""
    return ChangelogOut(items=[show(one) for one in changelog.page(actor(request), name)])
