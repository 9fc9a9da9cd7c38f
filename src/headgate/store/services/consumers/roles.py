"""What may a person do? A role stands for scopes, in the console and in an organization."""

from enum import StrEnum

from headgate.store.services.actor import Scope, implied


class Role(StrEnum):
    """A person's role in the console: over everything that this installation holds."""

    ADMIN = "admin"  # everything, people included
    PUBLISHER = "publisher"  # APIs, products, plans, policies; sees traffic
    OPERATOR = "operator"  # consumers, keys, blocks; sees traffic
    BILLING = "billing"  # sees consumers, plans and traffic
    SECURITY = "security"  # blocks callers; sees traffic and the audit log
    AUDITOR = "auditor"  # sees everything, changes nothing


class MemberRole(StrEnum):
    """A person's role in one organization."""

    OWNER = "owner"  # its people, its audit log, and all that a developer may
    DEVELOPER = "developer"  # its applications, subscriptions and keys
    VIEWER = "viewer"  # sees them, and their numbers


class TeamRole(StrEnum):
    """A person's role in one team. What they may do with its applications says `MemberRole`."""

    MAINTAINER = "maintainer"  # also says who is in the team, and what it is called
    MEMBER = "member"


SCOPES: dict[Role, frozenset[Scope]] = {
    Role.ADMIN: implied({Scope.ADMIN}),
    Role.PUBLISHER: implied({Scope.WRITE, Scope.TRAFFIC}),
    Role.OPERATOR: implied({Scope.KEYS, Scope.BLOCKS, Scope.TRAFFIC}),
    Role.BILLING: implied({Scope.READ, Scope.TRAFFIC}),
    Role.SECURITY: implied({Scope.BLOCKS, Scope.TRAFFIC, Scope.AUDIT}),
    Role.AUDITOR: implied({Scope.READ, Scope.TRAFFIC, Scope.AUDIT}),
}
MEMBER_SCOPES: dict[MemberRole, frozenset[Scope]] = {
    MemberRole.OWNER: implied({Scope.KEYS, Scope.TRAFFIC, Scope.AUDIT, Scope.MEMBERS}),
    MemberRole.DEVELOPER: implied({Scope.KEYS, Scope.TRAFFIC}),
    MemberRole.VIEWER: implied({Scope.READ, Scope.TRAFFIC}),
}
DECIDING = tuple(role for role in Role if Scope.KEYS in SCOPES[role])
"""The roles whose holders say yes or no to what organizations ask for."""
