"""What do both sides read about a request for a subscription? A mail at each step."""

from collections.abc import Iterable

from django.utils import translation
from django.utils.translation import gettext as _

from headgate.access.approval import RequestState
from headgate.store.models import Application, SubscriptionRequest, User
from headgate.store.services.actor import Actor
from headgate.store.services.alerts import notices
from headgate.store.services.alerts.mail_choices import MailKind
from headgate.store.services.consumers.roles import DECIDING


def asked(actor: Actor, row: SubscriptionRequest) -> None:
    """To those who decide, and to those who asked."""
    for user in deciding():
        with translation.override(notices.language_of(user)):
            lines = [
                _("%(person)s asks for the plan %(plan)s, for the application %(application)s.")
                % _names(row),
                row.reason,
                _("Decide here:"),
                notices.address(f"/console/approvals/{row.id}"),
            ]
            subject = _("A request for %(plan)s waits for you") % _names(row)
            notices.tell(actor, user, MailKind.APPROVALS, subject, lines)
    for user in asking(row.application, row.user_id):
        with translation.override(notices.language_of(user)):
            lines = [
                _("You have asked for the plan %(plan)s, for the application %(application)s.")
                % _names(row),
                _("You will get a mail as soon as somebody has decided. Until then:"),
                _own_page(row),
            ]
            subject = _("Your request for %(plan)s is on its way") % _names(row)
            notices.tell(actor, user, MailKind.SUBSCRIPTIONS, subject, lines)


def decided(actor: Actor, row: SubscriptionRequest) -> None:
    """To those who asked, and to those who decide."""
    for user in asking(row.application, row.user_id):
        with translation.override(notices.language_of(user)):
            lines = [f"{_told(row)}.", row.word, _own_page(row)]
            notices.tell(actor, user, MailKind.SUBSCRIPTIONS, _told(row), lines)
    for user in deciding():
        with translation.override(notices.language_of(user)):
            by = _("By %(by)s.") % {"by": row.decided_by}
            where = notices.address(f"/console/approvals/{row.id}")
            lines = [f"{_told(row)}.", by, row.word, where]
            notices.tell(actor, user, MailKind.APPROVALS, _told(row), lines)


def deciding() -> Iterable[User]:
    """Those who may grant what organizations ask for."""
    rows = User.objects.filter(role__in=DECIDING, is_active=True, removed_at=None)
    return rows.order_by("pk")[: notices.RECIPIENTS_MAX]


def asking(application: Application, user_row: int | None) -> Iterable[User]:
    """Whoever asked, if the application is still theirs; otherwise those who can act for it."""
    found = notices.recipients(application.organization, [application])
    able = [user for user, _theirs in found]
    return [user for user in able if user.pk == user_row] or able


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


def _own_page(row: SubscriptionRequest) -> str:
    owner = row.application.organization.name
    return notices.address(f"/applications/{owner}/{row.application.name}")
