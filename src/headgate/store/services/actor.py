"""Who acts, with which rights, from where, and when?"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from headgate.core.problems import Problem, ProblemType


class Scope(StrEnum):
    """A right that a token carries."""

    ADMIN = "admin"  # everything below, and tokens, people, organizations, rollbacks
    READ = "read"  # see the configuration
    WRITE = "write"  # change APIs, products, plans, policies; publish
    KEYS = "keys"  # manage applications, subscriptions and keys
    BLOCKS = "blocks"  # block and unblock callers
    TRAFFIC = "traffic"  # see requests and numbers
    AUDIT = "audit"  # see the audit log
    MEMBERS = "members"  # manage who belongs to an organization
    NODE = "node"  # the node API, and nothing else


IMPLIED: dict[Scope, frozenset[Scope]] = {
    Scope.ADMIN: frozenset(Scope) - {Scope.NODE},
    Scope.READ: frozenset({Scope.READ}),
    Scope.WRITE: frozenset({Scope.WRITE, Scope.READ}),
    Scope.KEYS: frozenset({Scope.KEYS, Scope.READ}),
    Scope.BLOCKS: frozenset({Scope.BLOCKS, Scope.READ}),
    Scope.TRAFFIC: frozenset({Scope.TRAFFIC}),
    Scope.AUDIT: frozenset({Scope.AUDIT}),
    Scope.MEMBERS: frozenset({Scope.MEMBERS, Scope.READ}),
    Scope.NODE: frozenset({Scope.NODE}),
}
"""What a scope stands for, itself included."""


NEXT_STEPS = {
    "token": "Use a token with the scope '{scope}'; an administrator can make one.",
    "role": "Ask an administrator for a role that has it.",
}


def implied(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """All scopes that `scopes` stand for."""
    return frozenset().union(*(IMPLIED[scope] for scope in scopes))


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever asks for something, at the instant `at`.

    `organization` is the name of the only organization that this actor may know of, None for
    the operators of the installation. `node` and `gateway` are the names of the node that a
    token belongs to and of what it serves. `token` is the id of the token used, empty for the
    system itself and for people; `user` the id of the person who is signed in, empty for others.
    """

    name: str
    scopes: frozenset[Scope]
    at: datetime
    organization: str | None = None
    node: str | None = None
    gateway: str | None = None
    token: str = ""
    address: str = ""
    request_id: str = ""
    user: str = ""

    @property
    def means(self) -> str:
        """By what the rights came: `token`, or `role` for a person who is signed in."""
        return "role" if self.user else "token"

    @classmethod
    def system(cls, name: str, at: datetime) -> Self:
        """A process of the installation itself, with every right."""
        return cls(name=name, scopes=frozenset(Scope), at=at)

    def later(self, at: datetime) -> "Actor":
        """The same actor at another instant."""
        return replace(self, at=at)

    def may(self, scope: Scope) -> bool:
        """Whether the scope is among this actor's."""
        return scope in self.scopes

    def require(self, scope: Scope) -> None:
        """Let only holders of `scope` pass.

        Raises:
            Problem: FORBIDDEN.
        """
        if scope not in self.scopes:
            raise Problem(
                ProblemType.FORBIDDEN,
                f"This {self.means} does not have the scope '{scope}'.",
                NEXT_STEPS[self.means].format(scope=scope),
            )

    def require_operator(self, scope: Scope, subject: str = "resource") -> None:
        """Let only holders of `scope` pass who are not limited to an organization.

        Raises:
            Problem: FORBIDDEN without the scope; NOT_FOUND for an organization's token, which
                may not learn what exists outside it.
        """
        self.require(scope)
        if self.organization is not None:
            raise Problem(
                ProblemType.NOT_FOUND,
                f"There is no {subject} that a {self.means} of one organization may know of.",
                "Use a token that is not limited to an organization, if this is yours to see.",
            )


def not_found(subject: str, name: str = "") -> Problem:
    """The problem for what does not exist, or may not be known to."""
    return Problem(
        ProblemType.NOT_FOUND,
        f"There is no {subject} '{name}'." if name else f"There is no such {subject}.",
        "Check the name, or list what there is.",
    )
