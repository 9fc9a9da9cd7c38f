"""How much may callers use who have no plan?"""

from typing import Any, ClassVar

from headgate.gateway.limit_policy import LimitPolicy
from headgate.gateway.policy import Stage, policies
from headgate.model.access import LimitSubject, ScopedLimit


@policies.register("anonymous")
class Anonymous(LimitPolicy):
    """The plan of callers who have none: limits per client address on an API that is open.

    An API is open when it was imported or set with `--open` (`headgate api set API --open`); where
    it is not, nobody without a plan gets this far. On an open API a caller with a subscription has
    that plan and does not meet these limits; everybody else does: without a credential, with a key
    of an application that has not subscribed, with a token of an unknown client. A credential that
    is not good is refused, as anywhere. Each address counts by itself, IPv6 by /64, which is what
    one customer has. `X-Forwarded-For` is believed from trusted proxies alone (`headgate up
    --trusted-proxy`), so nobody can call under another address. Answers carry `RateLimit` and
    `RateLimit-Policy`, a call above a limit gets 429 with `Retry-After`, and uses up nothing. An
    operation's limits stand beside its API's. Limits hold on each node by itself. Fails closed:
    when no counter is free for one more address, its calls are refused and `headgate status` says
    so.

    Source: IETF draft-ietf-httpapi-ratelimit-headers; RFC 6177 §2.
    """

    stage: ClassVar[Stage] = Stage.ACCESS
    order: ClassVar[int] = 55
    example: ClassVar[dict[str, Any]] = {"rates": ["10/minute"], "quotas": ["500/day"]}
    attaches_to_gateway: ClassVar[bool] = False
    adds_up: ClassVar[bool] = True

    def limits(self) -> tuple[ScopedLimit, ...]:
        return self.limits_of(LimitSubject.ANONYMOUS)
