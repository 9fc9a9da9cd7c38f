"""REST: the whole configuration, out and in."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field, model_validator

from headgate.store.services.configuration import desired_state
from headgate.web.api.fields import Input, Output
from headgate.web.api.requests import actor
from headgate.web.api.resource import is_slow
from headgate.web.api.upstreams import resolver

DOCUMENTS_MAX = 100_000
YAML = "application/yaml"
router = Router()


class ConfigurationIn(Input):
    """What the configuration should be: `documents`, or the same as one YAML text."""

    documents: list[dict[str, Any]] | None = Field(
        None,
        max_length=DOCUMENTS_MAX,
        examples=[[{"kind": "product", "name": "basic", "apis": ["pets"]}]],
    )
    yaml: str | None = Field(None, max_length=desired_state.TEXT_BYTES_MAX)
    dry_run: bool = Field(default=False, description="Say what would change, change nothing.")
    prune: bool = Field(default=False, description="Delete what no document names.")

    @model_validator(mode="after")
    def _is_one_of_both(self) -> "ConfigurationIn":
        if (self.documents is None) == (self.yaml is None):
            raise ValueError("send either `documents` or `yaml`")
        return self


class ConfigurationChangeOut(Output):
    """One thing that was changed."""

    action: str
    kind: str
    name: str
    fields: list[str]
    next_step: str = Field(..., description="What an apply cannot do for what it made.")


class AppliedOut(Output):
    """What was changed, in order; empty when everything was as the documents say."""

    changes: list[ConfigurationChangeOut]
    dry_run: bool


class ConfigurationOut(Output):
    """Everything that `POST /configuration` takes, without secrets."""

    documents: list[dict[str, Any]]


@router.get(
    "/configuration",
    response=ConfigurationOut,
    operation_id="exportConfiguration",
    openapi_extra={"responses": {200: {"content": {YAML: {"schema": {"type": "string"}}}}}},
)
def export_configuration(request: HttpRequest) -> object:
    """The whole configuration: as YAML documents with `Accept: application/yaml`, else JSON."""
    documents = desired_state.export(actor(request))
    if request.get_preferred_type(["application/json", YAML]) == YAML:
        text = desired_state.write_yaml(documents)
        return HttpResponse(text, content_type=f"{YAML}; charset=utf-8")
    return ConfigurationOut(documents=documents)


@router.post("/configuration", response=AppliedOut, operation_id="applyConfiguration")
@is_slow
def apply_configuration(request: HttpRequest, body: ConfigurationIn) -> object:
    """Make everything as the documents say, all or nothing. A second time changes nothing."""
    documents = body.documents or []
    if body.yaml is not None:
        documents = desired_state.parse_yaml(body.yaml)
    changes = desired_state.apply(
        actor(request),
        documents,
        dry_run=body.dry_run,
        prune=body.prune,
        resolve=resolver(),
    )
    shown = [
        ConfigurationChangeOut(
            action=change.action,
            kind=change.kind,
            name=change.name,
            fields=list(change.fields),
            next_step=change.next_step,
        )
        for change in changes
    ]
    return AppliedOut(changes=shown, dry_run=body.dry_run)
