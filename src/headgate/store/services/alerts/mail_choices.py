"""Which kinds of mail does a person want? All, until they say otherwise.

What concerns an account's safety (codes, changed passwords, new sign-in factors) and what somebody
has asked for by name (an invitation) has no kind: it is always sent.
"""

from collections.abc import Iterable
from enum import StrEnum

from django.core import signing

from headgate.store.models import User
from headgate.store.services.actor import not_found
from headgate.store.services.transactions import change

SALT = "headgate.mails"
TOKEN_CHARACTERS_MAX = 200


class MailKind(StrEnum):
    """A kind of mail that can be turned off."""

    KEYS_ENDING = "keys-ending"  # keys and OAuth clients that end soon
    SUBSCRIPTIONS = "subscriptions"  # what became of a request for a plan
    DATA_ACCESS = "data-access"  # what became of a request for sensitive data, and its end
    APPROVALS = "approvals"  # requests that wait for somebody who may decide
    API_ENDINGS = "api-endings"  # versions and operations that one calls end


def wants(user: User, kind: MailKind) -> bool:
    """Whether the person gets mails of the kind."""
    return kind not in user.mails_off


def offered(user: User) -> list[MailKind]:
    """The kinds that the person may get at all."""
    return [kind for kind in MailKind if kind is not MailKind.APPROVALS or user.role]


@change()
def choose(user: User, wanted: Iterable[MailKind]) -> None:
    """Send the person these kinds of mail, and none of the others that are offered."""
    _keep(user, {*user.mails_off} - {*offered(user)} | {*offered(user)} - {*wanted})


@change()
def end(token: str) -> tuple[User, MailKind]:
    """Send no more mails of the kind to the person that a token names; again changes nothing.

    Raises:
        Problem: NOT_FOUND: it is no token of ours.
    """
    user, kind = of_token(token)
    _keep(user, {*user.mails_off, kind})
    return user, kind


def of_token(token: str) -> tuple[User, MailKind]:
    """Whose mails of which kind a token ends.

    Raises:
        Problem: NOT_FOUND: it is no token of ours.
    """
    try:
        user_id, kind = signing.loads(token[:TOKEN_CHARACTERS_MAX], salt=SALT)
    except signing.BadSignature as error:
        raise not_found("mail of ours") from error
    user = User.objects.filter(id=user_id, removed_at=None).first()
    if user is None or kind not in set(MailKind):
        raise not_found("mail of ours")
    return user, MailKind(kind)


def token_of(user: User, kind: MailKind) -> str:
    """What ends mails of the kind to the person, and does nothing else; it does not expire."""
    return signing.dumps([user.id, kind], salt=SALT)


def _keep(user: User, off: Iterable[str]) -> None:
    user.mails_off = sorted({*off} & {*MailKind})
    user.save(update_fields=["mails_off"])
