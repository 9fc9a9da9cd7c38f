"""How large may a request's body be, and how long its URL?"""

from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import Field, field_validator, model_validator

from headgate.core.phrases import phrase
from headgate.core.units import parse_bytes
from headgate.gateway.policy import HTTPFilter, Policy, Stage, chosen, policies
from headgate.model.logline import METADATA_NAMESPACE
from headgate.model.snapshot import SnapshotAPI, SnapshotOperation

NAME = "headgate.request_size"
TYPE = "type.googleapis.com/envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit"
BODY_BYTES_MAX = 2**40
URL_BYTES_MAX = 2**16  # a request's head is no longer: `envoy/listener.py`
FLAG_URL = "l"  # a letter behind the operation's row in a route's name: `filter/tokens.zig`
URL_KEY = "url_max"  # of the route's metadata: `filter/filter.zig`


@policies.register("request_size")
class RequestSize(Policy):
    """Refuse bodies above a size with 413, and URLs above a length with 414.

    A body that announces its length is refused at once, before it is counted against any limit.
    One that does not is passed on as it arrives (nothing is held back, so uploads stream) and cut
    off where it exceeds the size. A URL counts from the slash behind the host, the query included;
    the access filter refuses it before it looks at the key. Without `url_max`, a URL is bounded by
    the 64 KiB that it and the headers may have together, which is answered 431. As every policy it
    holds whole: an operation that says `url_max` alone has no `body_max`.

    Source: RFC 9110 §15.5.14, §15.5.15; Envoy, `envoy.extensions.filters.http.body_size_limit.v3`.
    """

    stage: ClassVar[Stage] = Stage.EDGE
    order: ClassVar[int] = 30
    example: ClassVar[dict[str, Any]] = {"body_max": "10MB"}

    body_max: str | None = Field(
        None, description="The largest body: `512kB`, `10MB`, `1MiB`, or bytes."
    )
    url_max: str | None = Field(
        None, description="The longest path with its query: `8kB`, `2KiB`, or bytes."
    )

    @field_validator("body_max", mode="before")
    @classmethod
    def _is_size(cls, value: object) -> str | None:
        text = None if value is None else str(value)
        if text is not None and not 1 <= parse_bytes(text) <= BODY_BYTES_MAX:
            raise ValueError(phrase("the largest body is 1 byte to 1 TiB"))
        return text

    @field_validator("url_max", mode="before")
    @classmethod
    def _is_length(cls, value: object) -> str | None:
        text = None if value is None else str(value)
        if text is not None and not 1 <= parse_bytes(text) <= URL_BYTES_MAX:
            raise ValueError(phrase("the longest URL is 1 byte to 64 KiB"))
        return text

    @model_validator(mode="after")
    def _bounds_something(self) -> "RequestSize":
        if self.body_max is None and self.url_max is None:
            raise ValueError(phrase("say `body_max`, `url_max` or both"))
        return self

    def filters(self) -> Iterable[HTTPFilter]:
        # Envoy's filter has no settings per route, so each size is a filter of its own
        if self.body_max is None:
            return []
        size = parse_bytes(self.body_max)
        return [chosen(NAME, str(size), {"@type": TYPE, "max_request_bytes": size})]

    def route_flags(self) -> str:
        return FLAG_URL if self.url_max is not None else ""

    def route_metadata(
        self, api: SnapshotAPI, operation: SnapshotOperation
    ) -> dict[str, dict[str, Any]]:
        del api, operation
        if self.url_max is None:
            return {}
        return {METADATA_NAMESPACE: {URL_KEY: str(parse_bytes(self.url_max))}}
