"""How far is somebody on the way to the first call? From an account to a key that was used."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from headgate.store.models import User
from headgate.store.services.consumers import applications, credentials, subscriptions
from headgate.web.site.signed_in import member, membership


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `address` is where it is done."""

    title: str
    text: str
    address: str
    is_done: bool


def progress(request: HttpRequest) -> list[Step]:
    """The steps in their order; none for somebody who has done them all."""
    done = _done(request)
    if all(done):
        return []
    texts = (
        (
            _("Sign up"),
            _("With your e-mail address. It takes a minute."),
            reverse("account_signup"),
        ),
        (
            _("Name your organization"),
            _("A company, a team or just you. Colleagues can join it."),
            reverse("portal_organization_new"),
        ),
        (
            _("Make an application"),
            _("The program that will call. It holds your keys."),
            reverse("portal_application_new"),
        ),
        (
            _("Subscribe it to a product"),
            _("Choose a plan below; you see its limits before."),
            reverse("portal_products"),
        ),
        (
            _("Take a key and call"),
            _("Send it with each call. Your report shows what came of it."),
            reverse("portal_applications"),
        ),
    )
    return [Step(*text, is_done) for text, is_done in zip(texts, done, strict=True)]


def _done(request: HttpRequest) -> tuple[bool, ...]:
    if not isinstance(request.user, User):
        return (False,) * 5
    if membership(request) is None:
        return (True, False, False, False, False)
    actor = member(request)
    return (
        True,
        True,
        applications.visible(actor).exists(),
        subscriptions.visible(actor).exists(),
        credentials.visible(actor).filter(last_used_at__isnull=False).exists(),
    )
