"""Which scopes and roles must a caller have for an operation? The document's, or these."""

from typing import Any, ClassVar

from pydantic import Field, field_validator

from headgate.core.phrases import phrase
from headgate.gateway.policy import Policy, Stage, policies
from headgate.model.scopes import (
    ALTERNATIVES_MAX,
    GRANTED_CHARACTERS_MAX,
    ScopeNeeds,
    scope_error,
)

FLAG = "S"  # in a route's name: everybody must have them (`filter/tokens.zig`)


@policies.register("scopes")
class Scopes(Policy):
    """Ask callers for scopes and roles: other ones than the API's document says, or none.

    Without this policy the document's `security` and `x-required-roles` hold. A token has the
    scopes and roles that it says. A key, a password or a certificate has what it was given
    (`headgate key create demo --scope read`), and all of them while it was given none. Who may
    come without a credential, on an open API, is not asked for the document's scopes, but for
    those of this policy. Whoever lacks them is answered 403 `insufficient-scope`, and the challenge
    says what is needed. Without settings nothing is asked. Fails closed.

    Source: RFC 6750 §3.1; OpenAPI 3.1.1, "Security Requirement Object".
    """

    stage: ClassVar[Stage] = Stage.ACCESS
    order: ClassVar[int] = 20
    example: ClassVar[dict[str, Any]] = {"any_of": ["orders:read orders:write", "admin"]}

    any_of: list[str] = Field(
        [],
        max_length=ALTERNATIVES_MAX,
        description="Sets of scopes, each as words between spaces; one set suffices.",
    )
    roles: list[str] = Field(
        [], max_length=ALTERNATIVES_MAX, description="Roles of which one is needed as well."
    )

    @field_validator("any_of")
    @classmethod
    def _are_sets(cls, sets: list[str]) -> list[str]:
        for one in sets:
            words = one.split(" ")
            if len(one) > GRANTED_CHARACTERS_MAX:
                raise ValueError(
                    phrase(
                        "a set of scopes has at most {most} characters", most=GRANTED_CHARACTERS_MAX
                    )
                )
            if (error := next(filter(None, map(scope_error, words)), None)) is not None:
                raise ValueError(phrase("{one!r}: {error}", one=one, error=error))
        return sets

    @field_validator("roles")
    @classmethod
    def _are_words(cls, roles: list[str]) -> list[str]:
        if (error := next(filter(None, map(scope_error, roles)), None)) is not None:
            raise ValueError(error)
        return roles

    def scope_needs(self) -> ScopeNeeds:
        return ScopeNeeds(tuple(self.any_of), tuple(self.roles))

    def route_flags(self) -> str:
        return FLAG if self.scope_needs() else ""
