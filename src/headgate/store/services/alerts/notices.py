"""Which mails tell people what concerns them? Written in their language, sent by the outbox.

A mail names the address of the sites and never holds a secret: whoever reads it must sign in.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from headgate.store.environment import public_url
from headgate.store.models import Application, Installation, Invitation, Organization, User
from headgate.store.services.actor import Actor
from headgate.store.services.alerts import mail, mail_choices
from headgate.store.services.alerts.mail_choices import MailKind
from headgate.store.services.consumers import reach
from headgate.store.services.consumers.roles import MemberRole

RECIPIENTS_MAX = 100  # of one organization's notice; owners first
LANGUAGE_DEFAULT = "en"


def address(path: str = "/") -> str:
    """A page of the sites as people reach it; empty before anybody has said where that is."""
    origin = public_url()
    if not origin:
        origin = Installation.objects.values_list("issuer", flat=True).first() or ""
    return f"{origin}{path}" if origin else ""


def invited(actor: Actor, invitation: Invitation) -> None:
    """To an address that is asked to join an organization."""
    user = User.objects.filter(email=invitation.email).first()
    with translation.override(language_of(user)):
        names = {"organization": _called(invitation.organization), "person": actor.name}
        lines = [
            _("%(person)s invites you to join %(organization)s.") % names,
            _("Sign in or sign up with this e-mail address, and you will find the invitation:"),
            address("/organization/new"),
            _("It ends on %(day)s. If you do not expect it, do nothing.")
            % {"day": day(invitation.expires_at)},
        ]
        subject = _("You are invited to join %(organization)s") % names
        mail.queue(actor, to=invitation.email, subject=subject, text=text_of(lines))


def tell(actor: Actor, user: User, kind: MailKind, subject: str, lines: Iterable[str]) -> bool:
    """A mail of a kind that can be turned off, in the language in force; false: it is unwanted.

    It says how to get no more of them: in its text, and for mail programs (RFC 8058).
    """
    if not mail_choices.wants(user, kind):
        return False
    less = address(f"/mails/less/{mail_choices.token_of(user, kind)}")
    foot = f"-- \n{_('No more mails of this kind:')} {less}" if less else ""
    text = text_of([*lines, foot])
    mail.queue(actor, to=user.email, subject=subject, text=text, unsubscribe=less)
    return True


def language_of(user: User | None) -> str:
    """The language of a mail to a person."""
    return (user.language if user else "") or LANGUAGE_DEFAULT


def those_who_act(organization: Organization) -> QuerySet[User]:
    """The owners and developers of an organization, who can do something about a notice."""
    roles = (MemberRole.OWNER, MemberRole.DEVELOPER)
    rows = User.objects.filter(
        is_active=True,
        memberships__organization=organization,
        memberships__removed_at=None,
        memberships__role__in=roles,
    )
    return rows.order_by("-memberships__role", "pk")


def recipients(
    organization: Organization, applications: Iterable[Application]
) -> list[tuple[User, list[Application]]]:
    """Who is told of these applications of an organization, each with those that are theirs."""
    found = reach.readers(those_who_act(organization), organization, applications)
    return found[:RECIPIENTS_MAX]


def text_of(lines: Iterable[str]) -> str:
    """Paragraphs; empty ones are left out."""
    return "\n\n".join(line for line in lines if line) + "\n"


def day(at: datetime) -> str:
    """A day in UTC, the same in every language."""
    return at.strftime("%Y-%m-%d")


def _called(organization: Organization) -> str:
    return organization.title or organization.name
