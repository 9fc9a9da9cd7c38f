"""Which program is asking? A bearer token, read before anything else is looked at.

Fails closed: whatever is for programs and not listed as open needs a token, also URLs that do
not exist, so that a stranger learns nothing about what is here. Pages have people who sign in
instead (`web/site/signed_in.py`). Source: RFC 6750.
"""

from headgate.core.clock import Clock
from headgate.core.problems import PAGES_PATH, Problem, ProblemType
from headgate.store.services.consumers import tokens
from headgate.web.answers import REALM, send_problem
from headgate.web.exchange import ASGIApp, Receive, Scope, Send, exchange_of
from headgate.web.threads import in_thread

OPEN_PATHS = frozenset(
    {
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/api/v1/docs",
        "/api/v1/docs.css",
        "/api/v1/health",
        "/api/v1/openapi.json",
        "/oauth/device",
        "/oauth/device.css",
        "/oauth/device_authorization",
        "/oauth/introspect",
        "/oauth/jwks.json",
        "/oauth/revoke",
        "/oauth/token",
    }
)
"""Answered to everyone: whether we are up, and what the API is; nothing of what is in it.

So are the pages that explain problems (`web/problem_pages.py`), below `PAGES_PATH`.

Those under /oauth ask for other credentials: a client's, or a token in a form.
"""
PROGRAM_PATHS = ("/api/", "/node/", "/oauth/", "/.well-known/", PAGES_PATH)
FIELD_BYTES_MAX = 300  # of an Authorization field that is looked at; a token has 42
NO_TOKEN = Problem(
    ProblemType.UNAUTHENTICATED,
    "This URL needs a token.",
    "Send `Authorization: Bearer hgt_…`; the first token stands in the file admin.token of the "
    "data folder.",
)


def is_for_programs(path: str) -> bool:
    """Whether a path is one of those that tokens open, and no page of the two sites."""
    return path.startswith(PROGRAM_PATHS) or f"{path}/" in PROGRAM_PATHS


class Authentication:
    """Lets requests with a good token pass, with their actor in the exchange."""

    def __init__(self, app: ASGIApp, *, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if not is_for_programs(path) or path in OPEN_PATHS or path.startswith(PAGES_PATH):
            await self._app(scope, receive, send)
            return
        exchange = exchange_of(scope)
        text = bearer_token(scope)
        if text is None:
            await send_problem(send, NO_TOKEN, exchange.request_id)
            return
        try:
            exchange.actor = await in_thread(
                tokens.authenticate,
                text,
                at=self._clock.now(),
                address=exchange.address,
                request_id=exchange.request_id,
            )
        except Problem as problem:
            field = f'{REALM}, error="invalid_token"'
            await send_problem(send, problem, exchange.request_id, {"www-authenticate": field})
            return
        await self._app(scope, receive, send)


def bearer_token(scope: Scope) -> str | None:
    """The token in the Authorization field; None when there is none."""
    for name, value in scope["headers"]:
        if name == b"authorization" and len(value) <= FIELD_BYTES_MAX:
            scheme, _, token = value.decode("latin-1").partition(" ")
            if scheme.lower() == "bearer" and token.strip():
                return str(token.strip())
    return None
