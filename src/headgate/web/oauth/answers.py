"""How does the authorization server refuse? As RFC 6749 §5.2 has it, in JSON."""

import orjson
from django.http import HttpResponse

CHALLENGE = 'Basic realm="headgate"'
RETRY_SECONDS = 10
TOO_MANY_FAILURES = "Too many failed requests come from this address. Wait a minute."


def refused(error: str, description: str, status: int) -> HttpResponse:
    """An error by its name, with a sentence for people."""
    body = orjson.dumps({"error": error, "error_description": description})
    return dressed(HttpResponse(body, status=status, content_type="application/json"))


def unavailable(description: str, status: int) -> HttpResponse:
    """Not now: 429 for who asks too often, 503 when it is us."""
    return refused("temporarily_unavailable", description, status)


def dressed(response: HttpResponse) -> HttpResponse:
    """Header fields of RFC 6749 §5.1 and §5.2: nothing is kept, and how to authenticate."""
    response["Cache-Control"] = "no-store"
    response["Pragma"] = "no-cache"
    if response.status_code == 401:
        response["WWW-Authenticate"] = CHALLENGE
    if response.status_code in {429, 503}:
        response["Retry-After"] = str(RETRY_SECONDS)
    # Django would write a second line about it
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001  # Django's mark
    return response
