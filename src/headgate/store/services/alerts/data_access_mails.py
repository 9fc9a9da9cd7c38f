"""What do people read about access to sensitive data? The owner is asked, the asker is told.

The owner is asked if the address is that of a person with a role in the console, and did not ask
themselves; otherwise all are who have the right to decide.
"""

from collections.abc import Iterable

from django.utils import translation
from django.utils.translation import gettext as _

from headgate.access.data_access import AccessStep
from headgate.store.models import AccessRequest, User
from headgate.store.services.actor import Actor
from headgate.store.services.alerts import approval_mails, notices
from headgate.store.services.alerts.mail_choices import MailKind
from headgate.store.services.consumers import sensitive_marks
from headgate.store.services.consumers.roles import Role


def asked(actor: Actor, row: AccessRequest) -> None:
    """To those who decide."""
    for user in _deciding(row):
        with translation.override(notices.language_of(user)):
            lines = [
                _(
                    "%(person)s asks for access to %(place)s, for the application %(application)s"
                    " and %(days)s days."
                )
                % _names(row),
                row.reason,
                _("Decide here:"),
                notices.address(f"/console/access/{row.id}"),
            ]
            subject = _("A request for %(place)s waits for you") % _names(row)
            notices.tell(actor, user, MailKind.APPROVALS, subject, lines)


def told(actor: Actor, row: AccessRequest, step: AccessStep) -> None:
    """To those who asked, of what others did or time has done."""
    if step not in _STEPS:
        return
    for user in approval_mails.asking(row.application, row.user_id):
        with translation.override(notices.language_of(user)):
            subject = _STEPS[step]() % _names(row)
            word = row.word if step in {AccessStep.GRANT, AccessStep.REFUSE} else row.end_word
            end = _("It ends by itself at %(until)s.") % _names(row)
            again = _("Ask anew if you still need it:")
            lines = [f"{subject}.", word, end if step is AccessStep.GRANT else again, _page(row)]
            notices.tell(actor, user, MailKind.DATA_ACCESS, subject, lines)


def ending(actor: Actor, row: AccessRequest) -> None:
    """To those who asked: soon it is over."""
    for user in approval_mails.asking(row.application, row.user_id):
        with translation.override(notices.language_of(user)):
            subject = _("The access of %(application)s to %(place)s ends soon") % _names(row)
            lines = [
                _("It ends by itself at %(until)s; calls are refused from then on.") % _names(row),
                _("Ask anew in time if you still need it:"),
                _page(row),
            ]
            notices.tell(actor, user, MailKind.DATA_ACCESS, subject, lines)


_STEPS = {
    AccessStep.GRANT: lambda: _("The access of %(application)s to %(place)s is granted"),
    AccessStep.REFUSE: lambda: _("The access of %(application)s to %(place)s is refused"),
    AccessStep.REVOKE: lambda: _("The access of %(application)s to %(place)s is revoked"),
    AccessStep.LAPSE: lambda: _("The access of %(application)s to %(place)s has ended"),
}


def _names(row: AccessRequest) -> dict[str, object]:
    return {
        "person": row.asked_by,
        "place": row.mark.place,
        "application": row.application.path,
        "days": row.days,
        "until": f"{row.until:%Y-%m-%d %H:%M} UTC" if row.until else "",
    }


def _deciding(row: AccessRequest) -> Iterable[User]:
    found = User.objects.filter(
        email=row.mark.owner, role__in=list(Role), is_active=True, removed_at=None
    )
    owner = list(found)
    if any(user.pk != row.user_id for user in owner):
        return owner
    return [user for user in approval_mails.deciding() if user.pk != row.user_id] or owner


def _page(row: AccessRequest) -> str:
    return notices.address(sensitive_marks.asked_at(row.mark))
