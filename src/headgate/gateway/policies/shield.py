"""How many calls at once does the upstream bear? Envoy finds out, and refuses what is too much."""

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import Field, field_validator

from headgate.core.phrases import phrase
from headgate.gateway.policy import HTTPFilter, Policy, Stage, chosen, policies

NAME = "headgate.shield"
TYPE = (
    "type.googleapis.com/envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency"
)
_NAME = re.compile(r"[a-z0-9-]{1,40}")


@policies.register("shield")
class Shield(Policy):
    """Adaptive concurrency: as many calls at once as the upstream answers without getting slower.

    From time to time the gateway lets only `concurrency_min` calls through at once and measures
    how fast the upstream can be; in between it raises and lowers the number of calls by how much
    slower the upstream has become. What is too much gets 503 at once, instead of queueing. It is
    measured per `name`, on each node by itself: give the operations on one upstream one name, and
    keep slow and fast operations apart. Refused calls have been admitted and count against
    limits. Fixed bounds are `connections_max` and `pending_requests_max` of the upstream.

    Source: Envoy, `envoy.extensions.filters.http.adaptive_concurrency.v3` (gradient controller).
    """

    stage: ClassVar[Stage] = Stage.TRAFFIC
    order: ClassVar[int] = 15
    not_for_callers: ClassVar[str] = phrase("it measures an upstream, whoever calls")
    example: ClassVar[dict[str, Any]] = {"name": "orders"}

    name: str = Field(description="What is measured together, usually the upstream.")
    concurrency_min: int = Field(
        3, ge=1, le=1000, description="Calls at once while the upstream's best is measured."
    )
    concurrency_max: int = Field(1000, ge=1, le=100_000, description="Never more at once.")
    measure_every_seconds: float = Field(
        60, ge=1, le=3600, description="How often the upstream's best is measured."
    )
    slower_percent: float = Field(
        25, ge=1, le=1000, description="How much slower than its best counts as equally fast."
    )

    @field_validator("name")
    @classmethod
    def _is_name(cls, name: str) -> str:
        if _NAME.fullmatch(name) is None:
            raise ValueError(phrase("{name!r} is not a name: a-z, 0-9 and - only", name=name))
        return name

    def filters(self) -> Iterable[HTTPFilter]:
        # Envoy's filter has no settings per route and measures what passes it as one
        settings = (
            self.concurrency_min,
            self.concurrency_max,
            f"{self.measure_every_seconds:g}",
            f"{self.slower_percent:g}",
        )
        chain = {
            "@type": TYPE,
            "gradient_controller_config": {
                "concurrency_limit_params": {
                    "max_concurrency_limit": self.concurrency_max,
                    "concurrency_update_interval": "0.1s",
                },
                "min_rtt_calc_params": {
                    "interval": f"{self.measure_every_seconds:g}s",
                    "request_count": 50,
                    "min_concurrency": self.concurrency_min,
                    "buffer": {"value": self.slower_percent},
                    "jitter": {"value": 10},
                },
            },
            "enabled": {"default_value": True, "runtime_key": "headgate.shield"},
            "concurrency_limit_exceeded_status": {"code": "ServiceUnavailable"},
        }
        return [chosen(NAME, ".".join(map(str, (self.name, *settings))), chain)]
