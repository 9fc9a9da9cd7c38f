"""Which scopes and roles does an imported document ask for?"""

from typing import Any

import pytest

from headgate.model.scopes import ScopeNeeds
from tests.support.documents import imported

SCHEMES = {
    "oauth": {"type": "oauth2", "flows": {}},
    "oidc": {"type": "openIdConnect", "openIdConnectUrl": "https://login.example.com"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "basic": {"type": "http", "scheme": "Basic"},
    "bearer": {"type": "http", "scheme": "bearer"},
}


def needs(operation: dict[str, Any], **general: Any) -> ScopeNeeds:
    """Of the one operation of a document."""
    document = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "components": {"securitySchemes": SCHEMES},
        "paths": {"/a": {"get": {"responses": {"200": {"description": "ok"}}} | operation}},
    } | general
    return imported(document).operations[0].needs


@pytest.mark.parametrize(
    ("security", "expected"),
    [
        ([{"oauth": ["read", "write"]}], ScopeNeeds(("read write",))),
        ([{"oauth": ["read"]}, {"oidc": ["admin"]}], ScopeNeeds(("read", "admin"))),
        ([{"oauth": ["read"], "oidc": ["x"]}], ScopeNeeds(("read x",))),
        ([{"oauth": ["read"]}, {"key": []}], ScopeNeeds(("read",), is_for_tokens=True)),
        ([{"oauth": ["read"]}, {"basic": []}], ScopeNeeds(("read",), is_for_tokens=True)),
        ([{"bearer": ["clerk"]}], ScopeNeeds(("role:clerk",))),
        ([{"oauth": ["ä b"]}], ScopeNeeds(("%C3%A4%20b",))),
        ([{"oauth": ["read"]}, {"bearer": []}], ScopeNeeds()),
        ([{"oauth": ["read"]}, {}], ScopeNeeds()),
        ([{"key": []}], ScopeNeeds()),
        ([], ScopeNeeds()),
    ],
)
def test_one_requirement_suffices_and_of_it_every_scope(
    security: list[dict[str, list[str]]], expected: ScopeNeeds
) -> None:
    assert needs({"security": security}) == expected
    assert needs({}, security=security) == expected


def test_an_operations_own_security_goes_before_the_documents() -> None:
    general = [{"oauth": ["read"]}]
    assert needs({"security": [{"oauth": ["write"]}]}, security=general) == ScopeNeeds(("write",))
    assert needs({"security": []}, security=general) == ScopeNeeds()


def test_roles_are_read_beside_the_schemes() -> None:
    asked = {"x-required-roles": ["clerk", "chief"], "security": [{"oauth": ["read"]}]}
    assert needs(asked) == ScopeNeeds(("read",), ("clerk", "chief"))
    assert needs({}, **{"x-required-roles": ["clerk"]}) == ScopeNeeds(roles=("clerk",))
    assert needs({"x-required-roles": []}, **{"x-required-roles": ["clerk"]}) == ScopeNeeds()
    assert needs({"x-required-roles": "clerk"}) == ScopeNeeds()
