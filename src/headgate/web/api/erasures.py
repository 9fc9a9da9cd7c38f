"""REST: a consumer is erased from the records; asked first how many those are."""

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from headgate.core.clock import SystemClock
from headgate.store.services.traffic import erasure
from headgate.web.api.fields import Input, Output
from headgate.web.api.requests import actor
from headgate.web.api.resource import is_slow

NAME_CHARACTERS_MAX = 200
router = Router()
_clock = SystemClock()


class ErasureIn(Input):
    """Whose records. One of both is named, by its name or id; deleted ones too."""

    organization: str | None = Field(None, min_length=1, max_length=NAME_CHARACTERS_MAX)
    application: str | None = Field(None, min_length=1, max_length=NAME_CHARACTERS_MAX)
    dry_run: bool = Field(
        default=True, description="Say how many records it would be; false erases them."
    )


class ErasureOut(Output):
    """What was done, or would be."""

    records: int = Field(..., description="Requests that no longer tell whose they were.")
    files: int = Field(..., description="Files that were rewritten for it.")
    copies: int = Field(..., description="Copies of segments and rejected lines removed.")
    dry_run: bool


@router.post("/traffic/erasures", response=ErasureOut, operation_id="eraseRecords")
@is_slow
def erase_records(request: HttpRequest, body: ErasureIn) -> object:
    """Erase a consumer from the records: who, from where, which path. Counts and sums stay.

    Delete or suspend it first: calls that it still makes are recorded as before.
    """
    who = actor(request)
    if body.dry_run:
        found = erasure.preview(who, organization=body.organization, application=body.application)
    else:
        found = erasure.erase(
            who, clock=_clock, organization=body.organization, application=body.application
        )
    return ErasureOut(
        records=found.records, files=found.files, copies=found.copies, dry_run=body.dry_run
    )
