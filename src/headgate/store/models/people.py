"""Who signs in? People, the organizations that they belong to, and who is asked to join one."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import CASCADE, SET_NULL, UniqueConstraint

from headgate.store.models.consumers import Organization, Team
from headgate.store.models.rows import TITLE_CHARACTERS_MAX, Row, live_unique

EMAIL_CHARACTERS_MAX = 254
ROLE_CHARACTERS_MAX = 16
LANGUAGE_CHARACTERS_MAX = 8


class UserManager(BaseUserManager["User"]):
    """Finds people by their address, whatever its case."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, Row):
    """A person with an account. `email` is in lower case; `role`: theirs in the console, or none;
    `mails_off`: the kinds of mail that they do not want.

    The password is Django's salted hash; second factors are allauth's rows, sealed.
    """

    email = models.EmailField(max_length=EMAIL_CHARACTERS_MAX, unique=True)
    name = models.CharField(max_length=TITLE_CHARACTERS_MAX, blank=True)
    role = models.CharField(max_length=ROLE_CHARACTERS_MAX, blank=True)
    language = models.CharField(max_length=LANGUAGE_CHARACTERS_MAX, blank=True)
    is_active = models.BooleanField(default=True)
    mails_off = models.JSONField(default=list)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.name or self.email


class Membership(Row):
    """A person's place in an organization."""

    organization = models.ForeignKey(Organization, on_delete=CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=CASCADE, related_name="memberships")
    role = models.CharField(max_length=ROLE_CHARACTERS_MAX)

    class Meta:
        constraints = (live_unique("membership", "organization", "user"),)


class TeamPlace(Row):
    """A member's place in a team of their organization. It ends with the membership."""

    team = models.ForeignKey(Team, on_delete=CASCADE, related_name="places")
    membership = models.ForeignKey(Membership, on_delete=CASCADE, related_name="places")
    role = models.CharField(max_length=ROLE_CHARACTERS_MAX)

    class Meta:
        constraints = (live_unique("team_place", "team", "membership"),)


class Invitation(Row):
    """An address is asked to join, perhaps a team as well. Whoever has proved that the address is
    theirs may accept."""

    organization = models.ForeignKey(Organization, on_delete=CASCADE, related_name="invitations")
    email = models.EmailField(max_length=EMAIL_CHARACTERS_MAX, db_index=True)
    role = models.CharField(max_length=ROLE_CHARACTERS_MAX)
    team = models.ForeignKey(Team, on_delete=SET_NULL, null=True, blank=True, related_name="+")
    invited_by = models.ForeignKey(User, on_delete=SET_NULL, null=True, related_name="+")
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            UniqueConstraint(
                fields=["organization", "email"],
                condition=models.Q(removed_at=None, accepted_at=None),
                name="store_invitation_open",
            ),
        )


class Mail(Row):
    """One mail on its way. What is in it is sealed, and deleted once it was sent or given up."""

    to = models.EmailField(max_length=EMAIL_CHARACTERS_MAX)
    subject = models.CharField(max_length=TITLE_CHARACTERS_MAX)
    sealed = models.BinaryField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, db_index=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=TITLE_CHARACTERS_MAX, blank=True)
