"""Who acts, with which rights, from where, and when?"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from headgate.core.phrases import phrase
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


def implied(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """All scopes that `scopes` stand for."""
    return frozenset().union(*(IMPLIED[scope] for scope in scopes))


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever asks for something, at the instant `at`.

    `organization` is the name of the only organization that this actor may know of, None for
    the operators of the installation. `teams` are the rows of the teams whose applications it may
    know of beside those of no team, None for all of them (`reach`). `node` and `gateway` are the
    names of the node that a token belongs to and of what it serves. `token` is the id of the token
    used, empty for the system itself and for people; `user` the id of the person who is signed in,
    empty for others.
    """

    name: str
    scopes: frozenset[Scope]
    at: datetime
    organization: str | None = None
    teams: frozenset[int] | None = None
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
        if scope in self.scopes:
            return
        if self.user:
            raise Problem(
                ProblemType.FORBIDDEN,
                phrase("This role does not have the scope '{scope}'.", scope=scope),
                "Ask an administrator for a role that has it.",
            )
        raise Problem(
            ProblemType.FORBIDDEN,
            phrase("This token does not have the scope '{scope}'.", scope=scope),
            phrase(
                "Use a token with the scope '{scope}'; an administrator can make one.", scope=scope
            ),
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
                phrase(
                    "There is no {subject} that a {means} of one organization may know of.",
                    subject=subject,
                    means=self.means,
                ),
                "Use a token that is not limited to an organization, if this is yours to see.",
            )

    def require_whole(self, subject: str) -> None:
        """Let only those pass whom no team limits; `subject` tells of a whole organization.

        Raises:
            Problem: FORBIDDEN.
        """
        if self.teams is not None:
            raise Problem(
                ProblemType.FORBIDDEN,
                phrase(
                    "The {subject} of an organization that has teams are its owners' alone.",
                    subject=subject,
                ),
                "Ask an owner of the organization.",
            )


def not_found(subject: str, name: str = "") -> Problem:
    """The problem for what does not exist, or may not be known to."""
    thing = phrase(subject)
    return Problem(
        ProblemType.NOT_FOUND,
        phrase("There is no {subject} '{name}'.", subject=thing, name=name)
        if name
        else phrase("There is no such {subject}.", subject=thing),
        "Check the name, or list what there is.",
    )
