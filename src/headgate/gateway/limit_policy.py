"""How does a policy say what may be used? The settings of those that hold limits of their own."""

from pydantic import Field, field_validator, model_validator

from headgate.core.phrases import phrase
from headgate.gateway.policy import Policy
from headgate.model.access import SCOPED_LIMITS_MAX, LimitSubject, ScopedLimit
from headgate.model.limits import LimitKind, parse_limit


class LimitPolicy(Policy):
    """A policy with rates, quotas and a number of calls at one time.

    The limits of one place stand in one row of the access table, whatever policy they come from.
    """

    rates: list[str] = Field(
        [],
        description="Smoothed: `10/second`, `10/second+50` for a burst, `10/second shared` for all "
        "nodes together.",
    )
    quotas: list[str] = Field(
        [], description="Per calendar window in UTC: `1000/month`, `1000/month@15` from the 15th."
    )
    concurrent: str = Field(
        "", description="How many calls may run at one time: `5`; `5 shadow` only counts."
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

    @field_validator("concurrent", mode="before")
    @classmethod
    def _is_number(cls, given: object) -> object:
        text = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
        if isinstance(text, str) and text:
            parse_limit(LimitKind.CONCURRENT, text)
        return text

    @model_validator(mode="after")
    def _fits(self) -> "LimitPolicy":
        count = len(self.rates) + len(self.quotas) + bool(self.concurrent)
        if not 1 <= count <= SCOPED_LIMITS_MAX:
            raise ValueError(phrase("list 1 to {most} limits together", most=SCOPED_LIMITS_MAX))
        return self

    def limits_of(self, subject: LimitSubject, claim: str = "") -> tuple[ScopedLimit, ...]:
        """The limits, where calls of one `subject` count together, or of one value of `claim`."""
        found = [parse_limit(LimitKind.RATE, text) for text in self.rates]
        found += [parse_limit(LimitKind.QUOTA, text) for text in self.quotas]
        if self.concurrent:
            found.append(parse_limit(LimitKind.CONCURRENT, self.concurrent))
        return tuple(ScopedLimit(limit, subject, claim) for limit in found)
