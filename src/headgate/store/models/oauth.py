"""What does the authorization server remember? Clients, secrets, keys, and grants under way.

No access token is kept: it carries what it says, signed. Of everything secret here there is a
hash (what callers send) or a sealed copy (what we sign with).
"""

from django.db import models
from django.db.models import CASCADE

from headgate.store.models.consumers import (
    PREFIX_CHARACTERS,
    SHA256_HEX_CHARACTERS,
    Credential,
)
from headgate.store.models.rows import ID_CHARACTERS, TITLE_CHARACTERS_MAX

DECISION_CHARACTERS = 8
KEY_ID_CHARACTERS = 43  # a SHA-256 in base64url (RFC 7638)
SUBJECT_CHARACTERS_MAX = 64


class OAuthClient(models.Model):
    """What an application may ask tokens for. Name, state and expiry stand in its credential.

    A public client has no secret: it is a program in its user's hands (RFC 6749 §2.1).
    """

    credential = models.OneToOneField(
        Credential, on_delete=CASCADE, primary_key=True, related_name="oauth_client"
    )
    is_public = models.BooleanField(default=False)
    grants = models.JSONField(default=list)
    scopes = models.JSONField(default=list)
    token_seconds = models.PositiveIntegerField()

    @property
    def id(self) -> str:
        """The client id, `cli_…`."""
        return self.credential.id

    @property
    def client_id(self) -> str:
        """The same under the name that RFC 6749 has for it."""
        return self.credential.id


class ClientSecret(models.Model):
    """The SHA-256 of a secret. Two at once are valid while one replaces the other."""

    client = models.ForeignKey(OAuthClient, on_delete=CASCADE, related_name="secrets")
    prefix = models.CharField(max_length=PREFIX_CHARACTERS)
    sha256 = models.CharField(max_length=SHA256_HEX_CHARACTERS, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)


class SigningKey(models.Model):
    """A key pair that signs tokens from `signs_at` on, until a later one does.

    `ends_at`: when the last token that it signed has ended; None while none follows it.
    """

    key_id = models.CharField(max_length=KEY_ID_CHARACTERS, unique=True)
    public = models.JSONField()
    sealed = models.BinaryField()
    created_at = models.DateTimeField()
    signs_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)


class DeviceGrant(models.Model):
    """A device that waits for a person's decision (RFC 8628). Gone once it has its token.

    `user_code_hmac` is keyed: the few characters that a person types would not hide in a hash.
    """

    client = models.ForeignKey(OAuthClient, on_delete=CASCADE, related_name="device_grants")
    device_code_sha256 = models.CharField(max_length=SHA256_HEX_CHARACTERS, unique=True)
    user_code_hmac = models.CharField(max_length=SHA256_HEX_CHARACTERS, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    polled_at = models.DateTimeField(null=True, blank=True)
    decision = models.CharField(max_length=DECISION_CHARACTERS)
    subject = models.CharField(max_length=SUBJECT_CHARACTERS_MAX, blank=True)
    decided_by = models.CharField(max_length=TITLE_CHARACTERS_MAX, blank=True)


class RefreshGrant(models.Model):
    """What a device may have renewed. One row however often it is: only the last token counts.

    `former_sha256` is good for moments after a renewal, in case its answer was lost.
    `token_digest`: of the last access token, to block it when the grant is taken back.
    """

    id = models.CharField(max_length=ID_CHARACTERS, primary_key=True)
    client = models.ForeignKey(OAuthClient, on_delete=CASCADE, related_name="refresh_grants")
    sha256 = models.CharField(max_length=SHA256_HEX_CHARACTERS)
    former_sha256 = models.CharField(max_length=SHA256_HEX_CHARACTERS, blank=True)
    subject = models.CharField(max_length=SUBJECT_CHARACTERS_MAX)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField()
    renewed_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    token_digest = models.CharField(max_length=32, blank=True)
    token_expires_at = models.DateTimeField(null=True, blank=True)
