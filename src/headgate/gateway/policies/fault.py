"""Which failures are made on purpose, so that callers can be tested against them?"""

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import Field, field_validator, model_validator

from headgate.core.phrases import phrase
from headgate.gateway.policy import HTTPFilter, Policy, Stage, policies

NAME = "envoy.filters.http.fault"
TYPE = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault"
ACTIVE_MAX = 1000  # delayed at a time on one worker; further calls pass undelayed
DELAY_MS_MAX = 60_000
_HEADER = re.compile(r"[a-z0-9-]{1,64}")


@policies.register("fault")
class Fault(Policy):
    """Delay a share of the calls, or answer a share of them with an error, for tests.

    Acts on admitted calls: they are counted against limits. An error is a problem of the type
    `fault`; records carry Envoy's flags `DI` (delayed) and `FI` (aborted). With `when`, only calls
    with these headers are touched, so that one tester can fail while others work.

    Source: Envoy, `envoy.extensions.filters.http.fault.v3`.
    """

    stage: ClassVar[Stage] = Stage.TRAFFIC
    order: ClassVar[int] = 10
    example: ClassVar[dict[str, Any]] = {
        "abort_percent": 5,
        "abort_status": 503,
        "delay_percent": 10,
        "delay_ms": 2000,
    }

    delay_percent: float = Field(0, ge=0, le=100, description="Share of the calls to delay.")
    delay_ms: int = Field(1000, ge=1, le=DELAY_MS_MAX, description="How long to delay them.")
    abort_percent: float = Field(0, ge=0, le=100, description="Share of the calls to refuse.")
    abort_status: int = Field(503, ge=400, le=599, description="The status to refuse them with.")
    when: dict[str, str] = Field(
        {}, max_length=8, description="Headers that a call must carry, with these values."
    )

    @field_validator("when")
    @classmethod
    def _are_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        lower = {name.lower(): value for name, value in headers.items()}
        for name in lower:
            if _HEADER.fullmatch(name) is None:
                raise ValueError(phrase("{name!r} is not the name of a header", name=name))
        return lower

    @model_validator(mode="after")
    def _does_something(self) -> "Fault":
        if not self.delay_percent and not self.abort_percent:
            raise ValueError(phrase("set delay_percent or abort_percent, or leave the policy out"))
        return self

    def filters(self) -> Iterable[HTTPFilter]:
        route: dict[str, Any] = {"@type": TYPE, "max_active_faults": ACTIVE_MAX}
        if self.delay_percent:
            route["delay"] = {
                "fixed_delay": f"{self.delay_ms / 1000:.3f}s",
                "percentage": _share(self.delay_percent),
            }
        if self.abort_percent:
            route["abort"] = {
                "http_status": self.abort_status,
                "percentage": _share(self.abort_percent),
            }
        if self.when:
            route["headers"] = [
                {"name": name, "string_match": {"exact": value}}
                for name, value in self.when.items()
            ]
        return [HTTPFilter(NAME, {"@type": TYPE}, route)]


def _share(percent: float) -> dict[str, Any]:
    return {"numerator": round(percent * 10_000), "denominator": "MILLION"}
