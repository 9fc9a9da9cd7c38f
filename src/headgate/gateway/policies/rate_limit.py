"""How often may an API or one operation be called, and how many calls may run, beside what plans
allow?"""

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from headgate.core.phrases import phrase
from headgate.gateway.limit_policy import LimitPolicy
from headgate.gateway.policy import Stage, policies
from headgate.model.access import LimitSubject, ScopedLimit

CountedBy = Literal[
    LimitSubject.EVERYONE,
    LimitSubject.APPLICATION,
    LimitSubject.CREDENTIAL,
    LimitSubject.ADDRESS,
    LimitSubject.CLAIM,
]
"""Those that every caller meets; the policy `anonymous` is for the others."""


@policies.register("rate_limit")
class RateLimit(LimitPolicy):
    """Limits of an API or operation, beside those of the caller's plan.

    The access filter enforces them, exactly, in one place with the plan's; a call must be within
    all of them and uses up none when it is refused, also when the policy `validate` refuses it. An
    operation's limits stand beside its API's (an API's count all of its operations together).
    Rates and quotas count units: one for each call, or what the policy `cost` says. A rate of
    burst 1, such as `10/second+1`, is a spike arrest: calls pass one by one, no closer together
    than a tenth of a second. A quota of one month may begin on another day than the first:
    `1000/month@15`. `concurrent` counts the calls that run, each until its stream ends, a
    WebSocket's or an event stream's while it is open; when an Envoy is replaced by a newer one,
    what the old one still runs is not counted. A limit per claim needs a policy that verifies
    tokens (`jwt`, `introspect`) on the same operations; the limits of an API and its operations
    count by at most 4 claims. A call without the claim, or without a token, counts with its
    application's others, and without an application by address: it is never free. A limit with
    ` shadow` behind it is counted and refuses nothing: the record of a call that it would have
    refused says so in `observed`. Limits of the API or operation hold on each node by itself, but
    for a rate with ` shared` behind it: every node that is there grants an equal part of it, so
    that they keep it together (docs/decisions/0030).

    Source: IETF draft-ietf-httpapi-ratelimit-headers; GCRA, ITU-T I.371.
    """

    stage: ClassVar[Stage] = Stage.ACCESS
    example: ClassVar[dict[str, Any]] = {"rates": ["100/second"], "per": "application"}
    attaches_to_gateway: ClassVar[bool] = False
    adds_up: ClassVar[bool] = True

    per: CountedBy = Field(
        LimitSubject.EVERYONE,
        description="Whose calls count together: everyone's, an application's, a credential's, an "
        "address's, or those of all tokens with one value of a `claim`. Callers without credentials"
        " count by address.",
    )
    claim: str = Field(
        "",
        max_length=100,
        description="With `per: claim`, which: `tenant`, `realm.tenant` for one inside.",
    )

    @model_validator(mode="after")
    def _says_claim(self) -> "RateLimit":
        if bool(self.claim.strip()) != (self.per is LimitSubject.CLAIM):
            raise ValueError(
                phrase("name a claim with `per: claim`, and only then: `claim: tenant`")
            )
        return self

    def limits(self) -> tuple[ScopedLimit, ...]:
        return self.limits_of(self.per, self.claim)
