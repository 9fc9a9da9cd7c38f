"""Which URLs does Django answer?"""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from headgate.core.problems import Problem, ProblemType
from headgate.web import docs, problem_pages
from headgate.web.accounts.limits import too_many
from headgate.web.answers import INTERNAL, problem_response
from headgate.web.api import api
from headgate.web.api.requests import request_id
from headgate.web.authentication import is_for_programs
from headgate.web.oauth import device_page, views
from headgate.web.site import assets, failures


def no_such_url(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """The answer to a URL that is not here."""
    if not is_for_programs(request.path):
        return failures.shown(request, failures.NOT_FOUND)
    problem = Problem(
        ProblemType.NOT_FOUND,
        f"There is nothing at {request.path}.",
        "See /api/v1/docs for the URLs that exist.",
    )
    return problem_response(problem, request_id(request))


def failed(request: HttpRequest) -> HttpResponse:
    """The answer when a view outside the REST API failed; Django has logged why."""
    if not is_for_programs(request.path):
        return failures.shown(request, INTERNAL)
    return problem_response(INTERNAL, request_id(request))


urlpatterns = [
    path("", include("headgate.web.portal.urls")),
    path("console", include("headgate.web.console.urls")),
    path("account/", include("headgate.web.accounts.urls")),
    path("site/", include("headgate.web.site.urls")),
    path("static/<path:name>", assets.serve),
    path("api/v1/openapi.json", docs.openapi_json),
    path("api/v1/docs", docs.page),
    path("api/v1/docs.css", docs.style),
    path("api/v1/", include(api.urls[0])),
    path("problems/", problem_pages.index),
    path("problems/style.css", problem_pages.style),
    path("problems/<slug:name>", problem_pages.page),
    path(".well-known/oauth-authorization-server", views.metadata),
    path(".well-known/openid-configuration", views.metadata),
    path("oauth/jwks.json", views.jwks),
    path("oauth/token", views.token),
    path("oauth/revoke", views.revoke),
    path("oauth/introspect", views.introspect),
    path("oauth/device_authorization", views.device_authorization),
    path("oauth/device", device_page.page),
    path("oauth/device.css", device_page.style),
]
handler404 = no_such_url
handler429 = too_many
handler500 = failed
