"""How large may a request's body be?"""

from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import Field, field_validator

from headgate.core.phrases import phrase
from headgate.core.units import parse_bytes
from headgate.gateway.policy import HTTPFilter, Policy, Stage, chosen, policies

NAME = "headgate.request_size"
TYPE = "type.googleapis.com/envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit"
BODY_BYTES_MAX = 2**40


@policies.register("request_size")
class RequestSize(Policy):
    """Refuse bodies above a size with 413.

    A body that announces its length is refused at once, before it is counted against any limit.
    One that does not is passed on as it arrives (nothing is held back, so uploads stream) and cut
    off where it exceeds the size.

    Source: RFC 9110 §15.5.14; Envoy, `envoy.extensions.filters.http.body_size_limit.v3`.
    """

    stage: ClassVar[Stage] = Stage.EDGE
    order: ClassVar[int] = 30
    example: ClassVar[dict[str, Any]] = {"body_max": "10MB"}

    body_max: str = Field(description="The largest body: `512kB`, `10MB`, `1MiB`, or bytes.")

    @field_validator("body_max", mode="before")
    @classmethod
    def _is_size(cls, value: object) -> str:
        text = str(value)
        if not 1 <= parse_bytes(text) <= BODY_BYTES_MAX:
            raise ValueError(phrase("the largest body is 1 byte to 1 TiB"))
        return text

    def filters(self) -> Iterable[HTTPFilter]:
        # Envoy's filter has no settings per route, so each size is a filter of its own
        size = parse_bytes(self.body_max)
        return [chosen(NAME, str(size), {"@type": TYPE, "max_request_bytes": size})]
