"""With which settings does this process run? Read-only: they come from the environment."""

import platform

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

import headgate
from headgate.store import environment
from headgate.store.services.actor import Scope
from headgate.store.services.oauth import token_issuer
from headgate.web.console.pages import Cell, Part, Thing, allowed, badge, code, show, text


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The settings, secrets hidden."""
    actor = allowed(request, Scope.AUDIT)
    thing = Thing(
        title=_("Settings"),
        back=(),
        lead=_(
            "Of the web process, read once as it starts. They are changed where it is started, as"
            " docs/settings.md says; jobs and nodes may run with others."
        ),
        facts=(
            ("Headgate", text(headgate.__version__)),
            ("Python", text(platform.python_version())),
            (_("Database"), text(connection.vendor)),
            (_("Known to clients as"), code(token_issuer.url())),
        ),
        parts=(
            Part(
                _("Environment"),
                (_("Name"), _("Value"), _("Whence")),
                [[code(one.name), code(one.value), _whence(one)] for one in environment.shown()],
                lead=_("Passwords and secrets are not shown."),
            ),
        ),
    )
    return show(request, actor, thing)


def _whence(one: environment.Said) -> Cell:
    if not one.is_known:
        return badge(_("nothing reads it: misspelt?"), "warn")
    return badge(_("default")) if one.is_default else badge(_("set"), "info")
