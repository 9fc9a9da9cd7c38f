"""Which small acts does every page offer? Light or dark, the language, and the organization."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from headgate.store.models import User
from headgate.web.site.context import THEME_COOKIE, THEMES
from headgate.web.site.signed_in import choose, open_to_all, organizations

YEAR_SECONDS = 365 * 86_400


@open_to_all
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Light, dark, or as the system says; kept in a cookie that tells nothing else."""
    response = back(request)
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        response.set_cookie(
            THEME_COOKIE,
            chosen,
            max_age=YEAR_SECONDS,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    else:
        response.delete_cookie(THEME_COOKIE)
    return response


@open_to_all
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """The language of the pages, and of the mails to the person."""
    response = back(request)
    chosen = request.POST.get("language", "")
    if chosen in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            chosen,
            max_age=YEAR_SECONDS,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        if isinstance(request.user, User):
            request.user.language = chosen
            request.user.save(update_fields=["language"])
    return response


@require_POST
def organization(request: HttpRequest) -> HttpResponse:
    """Choose the organization that pages speak of; one of the person's own."""
    chosen = request.POST.get("organization", "")
    if chosen in {one.organization.id for one in organizations(request)}:
        choose(request, chosen)
    return back(request)


def back(request: HttpRequest) -> HttpResponseRedirect:
    """Where the form says that it came from, if that is a page of ours."""
    target = request.POST.get("next", "/")
    is_ours = url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    return HttpResponseRedirect(target if is_ours and target.startswith("/") else "/")
