"""What does a person see when a page cannot be shown? A sentence, and the next step."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from headgate.core.problems import Problem, ProblemType
from headgate.web.answers import as_problem, problem_headers

CSRF = Problem(
    ProblemType.FORBIDDEN,
    "This form was open for too long, or it was sent from another site.",
    "Go back, load the page again and send the form once more.",
)
NOT_FOUND = Problem(
    ProblemType.NOT_FOUND,
    "There is nothing at this address, or it is not for you.",
    "Check the address, or go on from the start page.",
)


def stranger(request: HttpRequest) -> HttpResponse:
    """401 with the way to sign in, in the place of the page that was asked for."""
    target = request.get_full_path() if request.method in {"GET", "HEAD"} else request.path
    return render(request, "site/stranger.html", {"next": target}, status=401)


def shown(request: HttpRequest, error: Exception) -> HttpResponse:
    """The page of a problem; a person who has to sign in first is shown how."""
    problem = as_problem(error)
    if problem.type is ProblemType.UNAUTHENTICATED:
        return stranger(request)
    template = (
        "site/problem_part.html" if request.headers.get("HX-Request") else "site/failure.html"
    )
    response = render(request, template, {"problem": problem}, status=problem.status)
    for name, value in problem_headers(problem).items():
        response[name] = value
    if problem.status < 500:  # what is a fault of ours Django logs, with where it happened
        response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001  # Django's mark: no second line in the log
    return response


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001  # Django's signature
    """The page for a form without its token."""
    return shown(request, CSRF)
