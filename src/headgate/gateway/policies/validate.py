"""Does a request fit the API's description, and do the answers?"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field, field_validator

from headgate.core.phrases import phrase
from headgate.core.units import parse_bytes
from headgate.gateway.policy import SWITCHED_ON, VALIDATORS, HTTPFilter, Policy, Stage, policies
from headgate.model.logline import METADATA_NAMESPACE
from headgate.model.snapshot import SnapshotAPI, SnapshotOperation
from headgate.model.validation import (
    ASK_HEADER,
    FINDING_HEADER,
    METADATA_KEY,
    OBSERVE,
    REFUSE_UNKNOWN,
    STATUS_HEADER,
)

NAME = "headgate.validate"
SAMPLE_NAME = "headgate.validate.sample"
ASK_TYPE = "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz"
LUA_TYPE = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"
OBSERVED_IN = ("envoy.filters.http.ext_authz", FINDING_HEADER)
ASK_SECONDS_MAX = 1.0  # then `on_failure` decides
NOT_ASKED: tuple[dict[str, str], ...] = (
    {"exact": "authorization"},
    {"exact": "proxy-authorization"},
    {"exact": "x-forwarded-for"},
    {"exact": "x-forwarded-proto"},
    {"prefix": "x-headgate-"},
    {"prefix": "x-envoy-"},
)
"""Header fields that are secrets, no parameters, or words between Envoy and the validators."""

SAMPLE_ORDER = 25  # what callers get: changed by `json_body`, not yet compressed
SAMPLE_BYTES_MAX = 1024**2  # larger answers are not looked at
BODY_BYTES_MAX = 16 * 1024**2  # held in Envoy's memory, and once more in the validator's


class RequestMode(StrEnum):
    """What happens to a request that does not fit."""

    OFF = "off"
    OBSERVE = "observe"
    ENFORCE = "enforce"


class ResponseMode(StrEnum):
    """What happens to an answer that does not fit: nothing, but it may be counted."""

    OFF = "off"
    OBSERVE = "observe"


class OnFailure(StrEnum):
    """What happens to a request that cannot be checked."""

    OPEN = "open"
    CLOSED = "closed"


class Unknown(StrEnum):
    """What happens to query parameters that the description does not have."""

    ALLOW = "allow"
    REFUSE = "refuse"


@policies.register("validate")
class Validate(Policy):
    """Check requests, and samples of the answers, against the API's OpenAPI document.

    Path, query, header and cookie parameters and the body are checked by a process of the node
    beside Envoy, which Envoy asks only on operations with this policy; others pay nothing. In
    the mode `enforce` a request that does not fit is answered 400 (415 for a wrong, missing or
    compressed content type, 413 for a body above `body_max`) with up to 20 places as JSON pointers,
    and recorded as `invalid_request`; in `observe` it goes on and its record says `observed:
    invalid_request`. Messages repeat nothing of what was sent. JSON that parsers read differently
    (a name twice, half a surrogate, no UTF-8) or that is nested deeper than 64 levels does not fit.
    A body is held back until it is there whole; the file parts of a multipart body are not looked
    at, nor is what the document leaves open.

    The check comes after the key, the subscription, the rate and the quota; a request that is
    refused here gets its allowance back. While no validator answers, `on_failure` decides: `open`
    lets requests pass and counts them, `closed` answers 503; a body above `body_max` is
    refused either way. Answers are sampled without delaying them, up to 1 MiB each, as callers
    get them but not when the upstream has compressed them: a body that does not fit, a content
    type or a success that is not described is counted per operation and shown by `headgate
    status`, since the validator's start; without a validator none is looked at.

    Source: OpenAPI 3.1.1; JSON Schema 2020-12; Envoy, `envoy.extensions.filters.http.ext_authz.v3`
    and `lua.v3`.
    """

    stage: ClassVar[Stage] = Stage.TRAFFIC
    order: ClassVar[int] = 10
    example: ClassVar[dict[str, Any]] = {"request": "enforce", "on_failure": "open"}
    attaches_to_gateway: ClassVar[bool] = False
    not_for_callers: ClassVar[str] = phrase(
        "what an API's description says is the same for all callers"
    )

    request: RequestMode = Field(
        RequestMode.ENFORCE, description="Whether requests are checked, and what follows."
    )
    response: ResponseMode = Field(
        ResponseMode.OFF, description="Whether samples of the answers are checked."
    )
    sample_ratio: float = Field(
        0.01, gt=0, le=1, description="Share of the answers that is looked at."
    )
    on_failure: OnFailure = Field(
        OnFailure.CLOSED, description="What happens to requests while no validator answers."
    )
    body_max: str = Field(
        "1MiB", description="The largest body that is checked: `512kB`, `10MB`; at most 16 MiB."
    )
    unknown_query: Unknown = Field(
        Unknown.ALLOW, description="What happens to query parameters that the API does not know."
    )

    @field_validator("body_max", mode="before")
    @classmethod
    def _is_size(cls, value: object) -> str:
        text = str(value)
        if not 1 <= parse_bytes(text) <= BODY_BYTES_MAX:
            raise ValueError(phrase("the largest body is 1 byte to 16 MiB"))
        return text

    @property
    def needs_contract(self) -> bool:
        return self.request is not RequestMode.OFF or self.response is not ResponseMode.OFF

    def filters(self) -> Iterable[HTTPFilter]:
        if self.request is not RequestMode.OFF:
            yield self._asking()
        if self.response is ResponseMode.OBSERVE:
            yield HTTPFilter(
                SAMPLE_NAME,
                _SAMPLING,
                SWITCHED_ON,
                asks=VALIDATORS,
                order=SAMPLE_ORDER,
                idle={"@type": f"{LUA_TYPE}PerRoute", "disabled": True},
            )

    @classmethod
    def standing(cls) -> Iterable[HTTPFilter]:
        for mode in (RequestMode.OBSERVE, RequestMode.ENFORCE):
            for on_failure in OnFailure:
                yield from cls(request=mode, on_failure=on_failure).filters()
        yield from cls(request=RequestMode.OFF, response=ResponseMode.OBSERVE).filters()

    def route_metadata(
        self, api: SnapshotAPI, operation: SnapshotOperation
    ) -> dict[str, dict[str, Any]]:
        """What to check against, for the filters of an operation's route."""
        if not self.needs_contract:
            return {}
        place = f"{api.contract}.{operation.row}."
        flags = OBSERVE if self.request is RequestMode.OBSERVE else ""
        flags += REFUSE_UNKNOWN if self.unknown_query is Unknown.REFUSE else ""
        found: dict[str, dict[str, Any]] = {METADATA_NAMESPACE: {METADATA_KEY: place + flags}}
        if self.response is ResponseMode.OBSERVE:
            found[SAMPLE_NAME] = {METADATA_KEY: place, "ratio": self.sample_ratio}
        return found

    def _asking(self) -> HTTPFilter:
        """Envoy's call to a validator. What happens without an answer is a setting of the chain."""
        body = {
            "max_request_bytes": parse_bytes(self.body_max),
            "allow_partial_message": self.request is RequestMode.OBSERVE,
        }
        return HTTPFilter(
            f"{NAME}.{self.request}.{self.on_failure}",
            _asking_chain(self.on_failure),
            {"@type": f"{ASK_TYPE}PerRoute", "check_settings": {"with_request_body": body}},
            asks=VALIDATORS,
            idle={"@type": f"{ASK_TYPE}PerRoute", "disabled": True},
            observed_in=OBSERVED_IN if self.request is RequestMode.OBSERVE else None,
        )


def _asking_chain(on_failure: OnFailure) -> dict[str, Any]:
    contract = f"%METADATA(ROUTE:{METADATA_NAMESPACE}:{METADATA_KEY})%"
    return {
        "@type": ASK_TYPE,
        "stat_prefix": f"validate_{on_failure}",
        "failure_mode_allow": on_failure is OnFailure.OPEN,
        "status_on_error": {"code": "ServiceUnavailable"},
        "allowed_headers": {"patterns": [{"safe_regex": {"regex": "[^:].*"}}]},
        "disallowed_headers": {"patterns": list(NOT_ASKED)},
        "with_request_body": {"max_request_bytes": BODY_BYTES_MAX},
        "http_service": {
            "server_uri": {
                "uri": f"http://{VALIDATORS}",
                "cluster": VALIDATORS,
                "timeout": f"{ASK_SECONDS_MAX:g}s",
            },
            "authorization_request": {"headers_to_add": [{"key": ASK_HEADER, "value": contract}]},
            "authorization_response": {
                "allowed_client_headers": {
                    "patterns": [{"exact": "content-type"}, {"exact": "accept-encoding"}]
                },
                "dynamic_metadata_from_headers": {"patterns": [{"exact": FINDING_HEADER}]},
            },
        },
    }


_SCRIPT = f"""
function envoy_on_response(handle)
  local wanted = handle:metadata()
  if math.random() >= wanted:get("ratio") then return end
  local headers = handle:headers()
  local call = {{
    [":method"] = "POST", [":path"] = "/", [":authority"] = "{VALIDATORS}",
    ["{ASK_HEADER}"] = wanted:get("{METADATA_KEY}"),
    ["{STATUS_HEADER}"] = headers:get(":status"),
  }}
  for _, name in ipairs({{"content-type", "content-encoding"}}) do
    call[name] = headers:get(name)
  end
  local parts, size = {{}}, 0
  for chunk in handle:bodyChunks() do
    local length = chunk:length()
    size = size + length
    if size > {SAMPLE_BYTES_MAX} then return end
    if length > 0 then parts[#parts + 1] = chunk:getBytes(0, length) end
  end
  handle:httpCall("{VALIDATORS}", call, table.concat(parts), 1000, true)
end
"""
"""Copies a sampled answer while it passes and hands it over once it is whole; nothing waits."""

_SAMPLING = {"@type": LUA_TYPE, "default_source_code": {"inline_string": _SCRIPT}}
