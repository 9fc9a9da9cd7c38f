"""What does the access filter read of a verified token, and in which headers does it find it?

Whoever verifies tokens before it (Envoy's `jwt_authn`, the introspector) takes these headers from
every request on its routes first, and the access filter removes them afterwards: neither callers
nor upstreams ever see them count. The filter's side: `filter/tokens.zig`.
"""

FACTS = {
    "iss": "x-headgate-issuer",
    "sub": "x-headgate-subject",
    "jti": "x-headgate-jti",
}
"""Claim → header."""

CLIENT_HEADERS = ("x-headgate-client", "x-headgate-client-2")
"""The claims that name the client; the first that is there counts."""

CLAIM_HEADERS = tuple(f"x-headgate-claim-{number}" for number in range(1, 5))
"""The claims that limits of the API count by, in the order of their names (`gateway/claims.py`)."""

REQUIRED_HEADERS = tuple(f"x-headgate-required-{number}" for number in range(1, 5))
"""The claims that a JSON Web Token must have, in the order of the policy's setting."""

SCOPE_HEADERS = ("x-headgate-scope", "x-headgate-scope-2")
ROLE_HEADERS = ("x-headgate-roles", "x-headgate-roles-2")
"""The claims that grant scopes and roles: a text, or a list as Base64 of its JSON."""
