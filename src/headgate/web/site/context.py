"""What does every template know? Who is looking, where they are, and how the page is dressed."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from headgate.store.models import User
from headgate.store.services.consumers.roles import SCOPES, Role
from headgate.web.site import brand
from headgate.web.site.signed_in import membership, organizations

THEMES = ("light", "dark")
THEME_COOKIE = "headgate_theme"


def page(request: HttpRequest) -> dict[str, Any]:
    """The context that all pages share."""
    theme = request.COOKIES.get(THEME_COOKIE, "")
    user = getattr(request, "user", None)
    is_person = isinstance(user, User)
    rights = _rights(user)
    return {
        "theme": theme if theme in THEMES else "",
        "is_console": request.path.startswith("/console"),
        "may_console": bool(rights),
        "may": rights,
        "membership": membership(request) if is_person else None,
        "memberships": organizations(request) if is_person else [],
        "brand": brand.shown(),
        "may_sign_up": settings.HEADGATE_SIGN_UP != "closed",
    }


def _rights(user: object) -> dict[str, bool]:
    """The scopes of a person in the console, for what is shown; the services decide."""
    if not isinstance(user, User) or user.role not in set(Role):
        return {}
    return {scope.value: True for scope in SCOPES[Role(user.role)]}
