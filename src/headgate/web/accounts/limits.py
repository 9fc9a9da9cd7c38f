"""What does somebody see who tries too often? When it may be tried again.

allauth counts (`ACCOUNT_RATE_LIMITS`), in the store (`store/tries.py`). Fails closed: where a limit
cannot be read or written, nobody gets in.
"""

from django.http import HttpRequest, HttpResponse

from headgate.core.problems import Problem, ProblemType

MINUTE_SECONDS = 60
FAILED_SECONDS = 300  # the longest of the limits: waiting so long is always enough


def too_many_tries() -> Problem:
    """The problem for whatever is done too often."""
    return Problem(
        ProblemType.TOO_MANY,
        "Too many tries.",
        "Wait a minute, then try again.",
        retry_after_seconds=MINUTE_SECONDS,
    )


def too_many_failed() -> Problem:
    """The problem for wrong passwords and second factors; it is the right one's as well."""
    return Problem(
        ProblemType.TOO_MANY,
        "Too many failed tries to sign in.",
        "Wait five minutes, then try again.",
        retry_after_seconds=FAILED_SECONDS,
    )


def too_many(request: HttpRequest) -> HttpResponse:
    """The page for one who tried too often; allauth asks for it as `handler429`."""
    from headgate.web.site.failures import shown  # its templates need Django to be ready

    return shown(request, too_many_tries())
