"""How much of an allowance does a call use up?"""

from typing import Any, ClassVar

from pydantic import Field

from headgate.gateway.policy import Policy, Stage, policies

UNITS_MAX = 1_000_000


@policies.register("cost")
class Cost(Policy):
    """Let a call take more than one unit, or none, from rates and quotas.

    It holds for every limit that the call meets, the plan's and those of `rate_limit`; the calls
    that run at one time are counted as calls. A call takes its units whole or not at all. One that
    costs more than a quota, or than a rate's burst, never passes: its 429 has no `Retry-After`.
    A report (`10`) may so be dear, and a look at one's own usage (`0`) free.

    Source: OWASP API4:2023, Unrestricted Resource Consumption.
    """

    stage: ClassVar[Stage] = Stage.ACCESS
    order: ClassVar[int] = 40
    example: ClassVar[dict[str, Any]] = {"units": 10}
    attaches_to_gateway: ClassVar[bool] = False
    says_cost: ClassVar[bool] = True

    units: int = Field(ge=0, le=UNITS_MAX, description="What one call takes, in units.")

    def cost(self) -> int:
        return self.units
