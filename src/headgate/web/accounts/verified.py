"""Whose address is proved without a mail? That of a person whom an administrator has made."""

from allauth.account.models import EmailAddress

from headgate.store.models import User


def verify(user: User) -> None:
    """Take the person's address as theirs."""
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"verified": True, "primary": True}
    )
