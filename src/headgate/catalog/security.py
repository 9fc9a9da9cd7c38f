"""Which scopes and roles does a document ask of the callers of an operation?

`security` lists requirements of which one suffices; of that one every scheme with all of its
scopes is needed. Without a `security` of its own an operation has the document's, `[]` and `{}`
need nothing. What stands at a scheme that has no scopes is a role. `x-required-roles` (of an
operation or of the document) lists roles of which one is needed, whatever the scheme.

Source: OpenAPI 3.1.1, "Security Requirement Object".
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import quote

from headgate.catalog.document import SECURITY_MAX
from headgate.catalog.library import File, Library
from headgate.catalog.operations import Place, follow
from headgate.model.scopes import (
    ALTERNATIVES_MAX,
    GRANTED_MAX,
    ROLE_PREFIX,
    SCOPE_CHARACTERS_MAX,
    ScopeNeeds,
    scope_error,
)

ROLES = "x-required-roles"
_WITH_SCOPES = frozenset({"oauth2", "openIdConnect"})
_OF_KEYS = frozenset({"apiKey", "basic", "mutualTLS"})


class SecurityReader:
    """What the operations of one document need, its schemes looked up once."""

    def __init__(self, library: Library, entry: File) -> None:
        self._general = entry.root
        self._schemes = _schemes(library, entry)

    def needs(self, operation: Mapping[str, Any]) -> ScopeNeeds:
        """Of one operation. What can be in no token stays, percent-encoded: fails closed."""
        own = operation.get("security")
        requirements = self._general.get("security") if own is None else own
        roles = operation.get(ROLES, self._general.get(ROLES))
        return self._of(requirements, tuple(_words(roles))[:ALTERNATIVES_MAX])

    def _of(self, requirements: object, roles: tuple[str, ...]) -> ScopeNeeds:
        listed = requirements[:SECURITY_MAX] if isinstance(requirements, list) else []
        alternatives: list[str] = []
        is_for_tokens = False
        for item in listed:
            if not isinstance(item, dict):
                continue
            words = self._needed(item)
            if words:
                alternatives.append(" ".join(words))
            elif item and all(self._schemes.get(name) in _OF_KEYS for name in item):
                is_for_tokens = True
            else:
                return ScopeNeeds(roles=roles)  # a way in that needs no scope
        distinct = tuple(dict.fromkeys(alternatives))[:ALTERNATIVES_MAX]
        return ScopeNeeds(distinct, roles, is_for_tokens and bool(distinct))

    def _needed(self, requirement: Mapping[str, Any]) -> list[str]:
        found: dict[str, None] = {}
        for name, given in islice(requirement.items(), SECURITY_MAX):
            is_scope = self._schemes.get(name, "oauth2") in _WITH_SCOPES
            for word in _words(given):
                found[word if is_scope else ROLE_PREFIX + word] = None
        return list(islice(found, GRANTED_MAX))


def _words(given: object) -> Iterator[str]:
    if isinstance(given, list):
        for one in given:
            if isinstance(one, str) and one:
                yield one if scope_error(one) is None else quote(one)[:SCOPE_CHARACTERS_MAX]


def _schemes(library: Library, entry: File) -> dict[str, str]:
    """Type by name, of OpenAPI 3 and of Swagger 2.0."""
    components = entry.root.get("components")
    listed = components.get("securitySchemes") if isinstance(components, dict) else None
    at = ((None, "components"), "securitySchemes")
    if not isinstance(listed, dict):
        listed, at = entry.root.get("securityDefinitions"), (None, "securityDefinitions")  # type: ignore[assignment]  # a shorter path
    return dict(_types(library, entry, listed.items(), at)) if isinstance(listed, dict) else {}


def _types(
    library: Library, entry: File, listed: Iterable[tuple[str, Any]], at: Any
) -> Iterator[tuple[str, str]]:
    for name, scheme in listed:
        found = follow(library, Place(scheme, entry, (at, name)))
        kind = found.value.get("type") if found is not None else None
        if kind == "http" and str(found and found.value.get("scheme")).lower() == "basic":
            kind = "basic"
        if isinstance(kind, str):
            yield name, kind
