"""Which scopes and roles does an operation need, and how is that written for the filter?

A scope stands for a right that a caller was given; a role is one by the name `role:NAME`. The
catalog reads from a document what an operation needs, the policy `scopes` says something else,
the gateway writes it into the operation's route.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

SCOPE_CHARACTERS_MAX = 64
GRANTED_MAX = 50  # scopes and roles of one client or credential
GRANTED_CHARACTERS_MAX = 512  # of all of them, with the spaces between: as long as a table's row
ALTERNATIVES_MAX = 16  # sets of scopes of which one suffices, and roles of which one suffices
ROLE_PREFIX = "role:"
SCOPE_PATTERN = r"[\x21\x23-\x5b\x5d-\x7e]+"
"""Source: RFC 6749 §3.3."""

_SCOPE = re.compile(SCOPE_PATTERN)


@dataclass(frozen=True, slots=True)
class ScopeNeeds:
    """What a caller must have been given.

    `any_of` are sets of scopes, each as words between spaces: one set suffices. Of the `roles`
    one suffices, too; where both are named both are needed. `is_for_tokens`: the document lets
    callers in by a key that needs no scope, so that `any_of` is asked of tokens alone.
    """

    any_of: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    is_for_tokens: bool = False

    def __bool__(self) -> bool:
        return bool(self.any_of or self.roles)

    @property
    def text(self) -> str:
        """For the filter (`filter/scopes.zig`): a line is a set of words, and one line of each
        group must be covered. A tab before the first group: keys pass it."""
        roles = [ROLE_PREFIX + role for role in self.roles]
        groups = ["\n".join(lines) for lines in (self.any_of, roles) if lines]
        return ("\t" if self.is_for_tokens and self.any_of else "") + "\n\n".join(groups)

    @property
    def scope(self) -> str:
        """The attribute `scope` of a challenge (RFC 6750 §3): the first set that would do."""
        return self.any_of[0] if self.any_of else ""

    @property
    def sentence(self) -> str:
        """The same for people: `the scopes read write, or admin; one of the roles clerk`."""
        parts = []
        if self.any_of:
            parts.append("the scopes " + ", or ".join(self.any_of))
        if self.roles:
            parts.append("one of the roles " + ", ".join(self.roles))
        return "; ".join(parts)


def scope_error(scope: str) -> str | None:
    """What is wrong with one scope or role; None if nothing is."""
    if len(scope) > SCOPE_CHARACTERS_MAX:
        return f"A scope has at most {SCOPE_CHARACTERS_MAX} characters"
    if _SCOPE.fullmatch(scope) is None:
        return 'A scope is visible ASCII, without spaces, " and \\'
    return None


def granted_error(scopes: Collection[str]) -> str | None:
    """What is wrong with the scopes that something is given; None if nothing is."""
    if len(scopes) > GRANTED_MAX:
        return f"There are at most {GRANTED_MAX} scopes"
    for scope in scopes:
        if (error := scope_error(scope)) is not None:
            return error
    if len(" ".join(scopes)) > GRANTED_CHARACTERS_MAX:
        return f"All scopes together have at most {GRANTED_CHARACTERS_MAX} characters"
    return None


def in_order(scopes: Iterable[str]) -> list[str]:
    """Each scope once, in the order of the alphabet."""
    return sorted(set(scopes))
