"""Which keys do other authorization servers have, which clients and certificates are trusted?"""

from django.db import models
from django.db.models import CASCADE

from headgate.store.models.consumers import KIND_CHARACTERS_MAX, Credential

URL_CHARACTERS_MAX = 500
ERROR_CHARACTERS_MAX = 300


class ForeignIssuer(models.Model):
    """An issuer that `jwt` policies name, and its keys as they were last fetched.

    `jwks` is a JWK Set as JSON text, empty before the first success. `tried_at` is the last try,
    `error` what went wrong with it.
    """

    issuer = models.CharField(max_length=URL_CHARACTERS_MAX, unique=True)
    jwks_url = models.CharField(max_length=URL_CHARACTERS_MAX, blank=True)
    jwks = models.TextField(blank=True)
    fetched_at = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField()
    error = models.CharField(max_length=ERROR_CHARACTERS_MAX, blank=True)


class ClientCertificate(models.Model):
    """A name on client certificates of an authority that speaks for an application."""

    credential = models.OneToOneField(
        Credential, on_delete=CASCADE, primary_key=True, related_name="client_certificate"
    )
    issuer = models.CharField(max_length=URL_CHARACTERS_MAX)
    kind = models.CharField(max_length=KIND_CHARACTERS_MAX)
    name = models.CharField(max_length=URL_CHARACTERS_MAX)


class ForeignClient(models.Model):
    """A client of another issuer whose tokens speak for an application."""

    credential = models.OneToOneField(
        Credential, on_delete=CASCADE, primary_key=True, related_name="foreign_client"
    )
    issuer = models.CharField(max_length=URL_CHARACTERS_MAX)
    client = models.CharField(max_length=URL_CHARACTERS_MAX)
