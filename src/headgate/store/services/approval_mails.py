"""What do both sides read about a request for a subscription? A mail at each step."""

from collections.abc import Iterable

from django.utils import translation
from django.utils.translation import gettext as _

from headgate.access.approval import RequestState
from headgate.store.models import SubscriptionRequest, User
from headgate.store.services import mail, notices
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.roles import SCOPES, Role

DECIDING = tuple(role for role in Role if Scope.KEYS in SCOPES[role])


def asked(actor: Actor, row: SubscriptionRequest) -> None:
    """To those who decide, and to those who asked."""
    for user in _deciding():
        with translation.override(notices.language_of(user)):
            lines = [
                _("%(person)s asks for the plan %(plan)s, for the application %(application)s.")
                % _names(row),
                row.reason,
                _("Decide here:"),
                notices.address(f"/console/approvals/{row.id}"),
            ]
            _send(actor, user, _("A request for %(plan)s waits for you") % _names(row), lines)
    for user in _asking(row):
        with translation.override(notices.language_of(user)):
            lines = [
                _("You have asked for the plan %(plan)s, for the application %(application)s.")
                % _names(row),
                _("You will get a mail as soon as somebody has decided. Until then:"),
                _own_page(row),
            ]
            _send(actor, user, _("Your request for %(plan)s is on its way") % _names(row), lines)


def decided(actor: Actor, row: SubscriptionRequest) -> None:
    """To those who asked, and to those who decide."""
    for user in _asking(row):
        with translation.override(notices.language_of(user)):
            _send(actor, user, _told(row), [f"{_told(row)}.", row.word, _own_page(row)])
    for user in _deciding():
        with translation.override(notices.language_of(user)):
            by = _("By %(by)s.") % {"by": row.decided_by}
            where = notices.address(f"/console/approvals/{row.id}")
            _send(actor, user, _told(row), [f"{_told(row)}.", by, row.word, where])


def _told(row: SubscriptionRequest) -> str:
    if row.state == RequestState.GRANTED:
        return _("The request of %(application)s for %(plan)s is granted") % _names(row)
    if row.state == RequestState.DECLINED:
        return _("The request of %(application)s for %(plan)s is declined") % _names(row)
    return _("The request of %(application)s for %(plan)s is withdrawn") % _names(row)


def _names(row: SubscriptionRequest) -> dict[str, str]:
    return {
        "person": row.asked_by,
        "plan": row.plan.path,
        "application": row.application.path,
    }


def _deciding() -> Iterable[User]:
    rows = User.objects.filter(role__in=DECIDING, is_active=True, removed_at=None)
    return rows.order_by("pk")[: notices.RECIPIENTS_MAX]


def _asking(row: SubscriptionRequest) -> Iterable[User]:
    """Whoever asked, if they still belong there; otherwise those who can act for it."""
    able = notices.those_who_act(row.application.organization)
    own = able.filter(pk=row.user_id) if row.user_id else able.none()
    return list(own) or list(able[: notices.RECIPIENTS_MAX])


def _own_page(row: SubscriptionRequest) -> str:
    owner = row.application.organization.name
    return notices.address(f"/applications/{owner}/{row.application.name}")


def _send(actor: Actor, user: User, subject: str, lines: Iterable[str]) -> None:
    mail.queue(actor, to=user.email, subject=subject, text=notices.text_of(lines))
