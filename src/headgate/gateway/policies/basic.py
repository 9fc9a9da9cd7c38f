"""May callers come with a user name and a password? For programs that know nothing else."""

from typing import Any, ClassVar

from headgate.gateway.policy import Policy, Stage, policies

FLAG = "b"  # in a route's name: `filter/tokens.zig`


@policies.register("basic")
class Basic(Policy):
    """Take user names and passwords in `Authorization: Basic`, beside keys.

    Passwords are made by Headgate (`headgate key create demo --basic`), so that none is weak or
    used elsewhere; they are rotated and revoked as keys are. One that is presented decides: if it
    is not good, the call is refused, even with a good key beside it. It is taken out of the
    request. Without this policy the header is the upstream's. Fails closed.

    Source: RFC 7617.
    """

    stage: ClassVar[Stage] = Stage.ACCESS
    order: ClassVar[int] = 12
    example: ClassVar[dict[str, Any]] = {}

    def route_flags(self) -> str:
        return FLAG
