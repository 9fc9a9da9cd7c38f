"""REST: why a recorded request was answered as it was."""

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from headgate.store.services.actor import Scope
from headgate.store.services.traffic import explain as explanations
from headgate.web.api.fields import Output
from headgate.web.api.requests import actor
from headgate.web.api.resource import is_slow

router = Router()


class StepOut(Output):
    """One thing that the gateway looked at."""

    name: str = Field(..., description="route, credential, subscription, limits, policies, …")
    outcome: str = Field(..., description="passed, refused, skipped; the verdict of the answer.")
    detail: str


class ExplanationOut(Output):
    """A request's way through the gateway. Names, limits and policies are those of now."""

    request_id: str
    method: str
    path: str
    status: int
    verdict: str
    summary: str
    next_step: str = Field(..., description="What to do about it; empty when there is nothing.")
    steps: list[StepOut]


@router.get(
    "/traffic/requests/{request_id}/explanation",
    response=ExplanationOut,
    operation_id="explainRequest",
)
@is_slow
def explain(request: HttpRequest, request_id: str) -> object:
    """Why a request was answered as it was. An organization sees its own requests alone."""
    actor(request).require(Scope.TRAFFIC)
    found = explanations.of_request(actor(request), request_id)
    record = found.seen.record
    return ExplanationOut(
        request_id=record.request_id,
        method=record.method,
        path=record.path,
        status=record.status,
        verdict=record.verdict.value,
        summary=found.summary,
        next_step=found.next_step,
        steps=[StepOut.model_validate(step) for step in found.steps],
    )
