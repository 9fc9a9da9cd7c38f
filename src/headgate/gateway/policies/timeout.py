"""How long may an operation take?"""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field, model_validator

from headgate.core.phrases import phrase
from headgate.gateway.policy import OperationPath, Policy, Stage, policies

SECONDS_MAX = 3600.0


@policies.register("timeout")
class Timeout(Policy):
    """Deadlines of an operation's calls, beside or in place of the upstream's.

    What is not answered in time gets 504, recorded as `upstream_failed`; an answer that has begun
    when `seconds` are over is cut off. Leave `seconds` out for downloads and event streams.

    Source: Envoy, `RouteAction.timeout`, `RouteAction.idle_timeout`,
    `RetryPolicy.per_try_timeout`.
    """

    stage: ClassVar[Stage] = Stage.TRAFFIC
    example: ClassVar[dict[str, Any]] = {"seconds": 2.5}

    seconds: float | None = Field(
        None,
        gt=0,
        le=SECONDS_MAX,
        description="From the end of the request to the end of the answer, all tries together. "
        "Not set: no such deadline.",
    )
    begin_seconds: float | None = Field(
        None,
        ge=0,
        le=SECONDS_MAX,
        description="Each try, until its answer begins; 0: none. Not set: as the upstream's "
        "`timeout_seconds`.",
    )
    idle_seconds: float | None = Field(
        None,
        gt=0,
        le=SECONDS_MAX,
        description="How long nothing may move in either direction. Not set: as the upstream.",
    )

    @model_validator(mode="after")
    def _says_something(self) -> "Timeout":
        if (self.seconds, self.begin_seconds, self.idle_seconds) == (None, None, None):
            raise ValueError(phrase("set seconds, begin_seconds or idle_seconds"))
        return self

    def action(self, at: OperationPath) -> Mapping[str, Any]:  # noqa: ARG002  # the same everywhere
        found: dict[str, Any] = {}
        if self.seconds is not None:
            found["timeout"] = f"{self.seconds:.3f}s"
        if self.begin_seconds is not None:
            begin = f"{self.begin_seconds:.3f}s" if self.begin_seconds else None
            found["retry_policy"] = {"per_try_timeout": begin}
        if self.idle_seconds is not None:
            found["idle_timeout"] = f"{self.idle_seconds:.3f}s"
        return found
