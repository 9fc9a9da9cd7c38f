"""What ends soon that the reader's own applications use, and what is to be done about it?"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from headgate.model.access import CredentialKind
from headgate.store.models import Credential
from headgate.store.services.actor import Scope
from headgate.web.portal.applications import key_state
from headgate.web.portal.places import address_of
from headgate.web.site.signed_in import member


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The notices of the organization that was chosen."""
    from headgate.store.services.alerts import notice_board  # the query engine: see reports.py

    actor = member(request)
    context = {
        "endings": notice_board.endings(actor),
        "keys": [(key, *_act(key), key_state(key, actor.at)) for key in notice_board.keys(actor)],
        "may_change": actor.may(Scope.KEYS),
    }
    return render(request, "portal/notices.html", context)


def _act(key: Credential) -> tuple[str, str]:
    """What to do about a key, and where."""
    if key.kind == CredentialKind.OAUTH_CLIENT:
        return _("Look at it"), address_of(key.application)
    return _("Replace"), address_of(key.application, "portal_key_rotate", key.id)
