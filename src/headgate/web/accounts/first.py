"""How does the first administrator get in? With the token of the data folder, once.

Whoever can read `admin.token` owns the installation already: it is asked for here so that nobody
else who reaches the port can be the first. As soon as there is an administrator, the page is gone.
"""

from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from headgate.core.problems import Problem, ProblemType
from headgate.store.services.actor import Scope
from headgate.store.services.consumers import people, tokens
from headgate.store.services.consumers.roles import Role
from headgate.store.tries import SharedLimit
from headgate.web.accounts.limits import too_many_tries
from headgate.web.accounts.verified import verify
from headgate.web.site.signed_in import open_to_all, origin

TRIES_PER_MINUTE = 20  # of one address
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
_tries = SharedLimit("first", TRIES_PER_MINUTE)


@open_to_all
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The form, and what it does; 404 once there is an administrator."""
    if not people.is_empty():
        raise Http404
    if request.method != "POST":
        return render(request, "account/first.html")
    try:
        return _made(request)
    except Problem as problem:
        given = {"error": problem.detail, "email": request.POST.get("email", "")}
        return render(request, "account/first.html", given, status=problem.status)


def _made(request: HttpRequest) -> HttpResponse:
    here = origin(request)
    if not _tries.take(here.address, here.at):
        raise too_many_tries()
    try:
        actor = tokens.authenticate(
            request.POST.get("token", "").strip(),
            at=here.at,
            address=here.address,
            request_id=here.request_id,
        )
        actor.require_operator(Scope.ADMIN)
    except Problem as problem:
        raise Problem(
            ProblemType.FORBIDDEN,
            "This is not an administrator's token. The first one stands in the file admin.token"
            " of the data folder.",
            "Copy it from there.",
        ) from problem
    user = people.create(
        actor,
        email=request.POST.get("email", ""),
        password=request.POST.get("password", ""),
        role=Role.ADMIN,
    )
    verify(user)
    login(request, user, backend=BACKEND)
    return redirect("/console")
