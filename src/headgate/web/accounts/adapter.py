"""Where does allauth touch our store? Whom it lets sign up, how it mails, how it keeps secrets."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext

from headgate.core.ids import new_id
from headgate.store import sealing
from headgate.store.models import Invitation, User
from headgate.store.services import audit
from headgate.store.services.alerts import mail
from headgate.store.services.audit import Action
from headgate.store.services.consumers import people
from headgate.web.accounts.limits import too_many_failed, too_many_tries
from headgate.web.api.requests import exchange
from headgate.web.site.signed_in import origin

SECOND_FACTOR = "second factor"
KNOWN_ALREADY = "account/email/account_already_exists"
LIMITED = {"too_many_login_attempts": too_many_failed, "rate_limited": too_many_tries}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Accounts are rows of ours, and mails leave through the outbox."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002  # allauth's signature
        return bool(settings.HEADGATE_SIGN_UP != "closed")

    def clean_email(self, email: str) -> str:
        """The address in lower case.

        Raises:
            ValidationError: only invited people may sign up here, and this is none's address.
        """
        email = email.strip().lower()
        is_signing_up = allauth_context.request.path == reverse("account_signup")
        if is_signing_up and settings.HEADGATE_SIGN_UP == "invited" and not is_invited(email):
            raise ValidationError(gettext("Only people who were invited may sign up here."))
        return email

    def new_user(self, request: HttpRequest) -> User:
        return User(id=new_id("usr"), created_at=origin(request).at)

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:  # noqa: FBT001, FBT002  # allauth's signature
        user.email = form.cleaned_data["email"].lower()
        user.language = getattr(request, "LANGUAGE_CODE", "")
        if (password := form.cleaned_data.get("password1")) is not None:
            user.set_password(password)
        else:
            user.set_unusable_password()
        if commit:
            user.save()
            audit.record(
                origin(request, user.email),
                Action.PERSON_CREATED,
                user.email,
                after=people.fields(user),
            )
        return user

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        """What is wrong with a form.

        Raises:
            Problem: TOO_MANY: it is not the form, there were too many tries.
        """
        if code in LIMITED:
            problem = LIMITED[code]()
            raise problem
        error: ValidationError = super().validation_error(code, *args)
        return error

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        request = allauth_context.request
        if template_prefix == KNOWN_ALREADY:
            make_password(email)  # as much work as for a new account: time tells nothing either
        subject = render_to_string(f"{template_prefix}_subject.txt", context, request)
        text = render_to_string(f"{template_prefix}_message.txt", context, request)
        mail.queue(origin(request), to=email, subject=subject, text=text.strip() + "\n")

    def get_client_ip(self, request: HttpRequest) -> str:
        return exchange(request).address

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:  # noqa: ARG002  # allauth's signature
        """Whose tries are counted: one account's, under whichever host name it is tried."""
        return str(credentials.get("email", "")).lower()

    def is_safe_url(self, url: str | None) -> bool:
        return bool(url) and str(url).startswith("/") and super().is_safe_url(url)


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Second factors are sealed: the database alone does not hold them."""

    def encrypt(self, text: str) -> str:
        return sealing.seal(SECOND_FACTOR, text.encode()).decode("ascii")

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.unseal(SECOND_FACTOR, encrypted_text.encode("ascii")).decode()


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """People who come from an OpenID provider."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:  # noqa: ARG002  # allauth's signature
        return bool(settings.HEADGATE_SIGN_UP != "closed")

    def new_user(self, request: HttpRequest, sociallogin: Any) -> User:  # noqa: ARG002  # allauth's signature
        return User(id=new_id("usr"), created_at=origin(request).at)


def is_invited(email: str) -> bool:
    """Whether an invitation to the address is open."""
    rows = Invitation.objects.filter(email=email.lower(), removed_at=None, accepted_at=None)
    return rows.exists()
