"""Is a failed call tried again, and a slow one twice at once?"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from headgate.core.phrases import phrase
from headgate.gateway.policy import OperationPath, Policy, Stage, policies

TRIES_MAX = 5
SECONDS_MAX = 600.0
Reason = Literal["connect_failure", "reset", "refused", "gateway_error"]
ENVOY_WORDS: dict[Reason, str] = {
    "connect_failure": "connect-failure",
    "reset": "reset",
    "refused": "refused-stream",
    "gateway_error": "gateway-error",
}


@policies.register("retry")
class Retry(Policy):
    """Try failed calls again, in place of the upstream's own setting.

    Only GET, HEAD and OPTIONS, unless `is_repeatable` says that the operation's other calls may
    come twice. All APIs on one upstream share a budget: at any time at most a fifth of the calls
    under way (but always 3) may be retries, so that a failing upstream is not hit harder still.
    With `hedge`, a try that is slow is not given up: a second goes out beside it, and the first
    good answer counts.

    Source: Envoy, `RouteAction.retry_policy`, `RouteAction.hedge_policy`; RFC 9110 §9.2.2.
    """

    stage: ClassVar[Stage] = Stage.TRAFFIC
    example: ClassVar[dict[str, Any]] = {"retries": 2, "per_try_seconds": 0.5}

    retries: int = Field(1, ge=0, le=TRIES_MAX, description="Tries after the first; 0: none.")
    on: list[Reason] = Field(
        ["connect_failure", "reset", "refused", "gateway_error"],
        min_length=1,
        description="After which failures: of the connection, or 502, 503, 504.",
    )
    on_statuses: list[int] = Field(
        [], max_length=16, description="Further statuses of the upstream, such as 429."
    )
    per_try_seconds: float | None = Field(
        None,
        gt=0,
        le=SECONDS_MAX,
        description="How long one try may take until its answer begins. Not set: as the "
        "upstream's `timeout_seconds`.",
    )
    hedge: bool = Field(
        default=False, description="Send a second try beside one that exceeds `per_try_seconds`."
    )
    is_repeatable: bool = Field(
        default=False, description="Whether calls of other methods may come twice."
    )
    backoff_ms: int = Field(
        25, ge=1, le=10_000, description="Base of the random, growing pause between tries."
    )

    @model_validator(mode="after")
    def _fits(self) -> "Retry":
        if self.hedge and self.per_try_seconds is None:
            raise ValueError(phrase("hedge needs per_try_seconds: when to send the second try"))
        if any(not 400 <= status <= 599 for status in self.on_statuses):
            raise ValueError(phrase("on_statuses are 400 to 599"))
        return self

    def action(self, at: OperationPath) -> Mapping[str, Any]:
        if not self.retries or not (at.is_safe or self.is_repeatable):
            return {"retry_policy": {"num_retries": None, "retry_on": None}}
        words = [ENVOY_WORDS[reason] for reason in self.on]
        retry: dict[str, Any] = {
            "num_retries": self.retries,
            "retry_back_off": {
                "base_interval": f"{self.backoff_ms / 1000:.3f}s",
                "max_interval": f"{self.backoff_ms / 100:.3f}s",
            },
        }
        if self.on_statuses:
            words.append("retriable-status-codes")
            retry["retriable_status_codes"] = self.on_statuses
        retry["retry_on"] = ",".join(words)
        found: dict[str, Any] = {"retry_policy": retry}
        if self.per_try_seconds is not None:
            retry["per_try_timeout"] = f"{self.per_try_seconds:.3f}s"
        if self.hedge:
            found["hedge_policy"] = {"hedge_on_per_try_timeout": True}
        return found
