"""How often may an API or one operation be called, beside what plans allow?"""

from typing import Any, ClassVar

from pydantic import Field, field_validator, model_validator

from headgate.gateway.policy import Policy, Stage, policies
from headgate.model.access import SCOPED_LIMITS_MAX, LimitSubject, ScopedLimit
from headgate.model.limits import LimitKind, parse_limit


@policies.register("rate_limit")
class RateLimit(Policy):
    """Rates and quotas of an API or operation, beside those of the caller's plan.

    The access filter enforces them, exactly, in one place with the plan's; a call must be within
    all of them and uses up none when it is refused. An operation's limits stand beside its API's
    (an API's count all of its operations together).

    Source: IETF draft-ietf-httpapi-ratelimit-headers; GCRA, ITU-T I.371.
    """

    stage: ClassVar[Stage] = Stage.ACCESS
    example: ClassVar[dict[str, Any]] = {"rates": ["100/second"], "per": "application"}
    attaches_to_gateway: ClassVar[bool] = False
    adds_up: ClassVar[bool] = True

    rates: list[str] = Field([], description="Smoothed: `10/second`, `10/second+50` for a burst.")
    quotas: list[str] = Field([], description="Per calendar window in UTC: `1000/month`.")
    per: LimitSubject = Field(
        LimitSubject.EVERYONE,
        description="Whose calls count together: everyone's, an application's, an address's.",
    )

    @field_validator("rates")
    @classmethod
    def _are_rates(cls, texts: list[str]) -> list[str]:
        for text in texts:
            parse_limit(LimitKind.RATE, text)
        return texts

    @field_validator("quotas")
    @classmethod
    def _are_quotas(cls, texts: list[str]) -> list[str]:
        for text in texts:
            parse_limit(LimitKind.QUOTA, text)
        return texts

    @model_validator(mode="after")
    def _fits(self) -> "RateLimit":
        if not 1 <= len(self.rates) + len(self.quotas) <= SCOPED_LIMITS_MAX:
            raise ValueError(f"list 1 to {SCOPED_LIMITS_MAX} rates and quotas together")
        return self

    def limits(self) -> tuple[ScopedLimit, ...]:
        found = [parse_limit(LimitKind.RATE, text) for text in self.rates]
        found += [parse_limit(LimitKind.QUOTA, text) for text in self.quotas]
        return tuple(ScopedLimit(limit, self.per) for limit in found)
