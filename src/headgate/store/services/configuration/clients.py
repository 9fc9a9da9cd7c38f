"""How are OAuth clients written down as configuration? By name, without ids and secrets.

One that an apply makes has no secret yet: `headgate client rotate` gives it its first. An apply
changes clients and never takes one away from an application that stays.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar

from headgate.access.clients import Grant
from headgate.store.models import OAuthClient
from headgate.store.services.actor import Actor
from headgate.store.services.configuration.sources import Fields
from headgate.store.services.consumers import applications
from headgate.store.services.oauth import clients
from headgate.store.services.values import UNSET, invalid


class Clients:
    """OAuth clients, named `organization/application client`."""

    name: ClassVar[str] = "client"

    def present(self) -> Iterator[tuple[str, Fields]]:
        rows = OAuthClient.objects.filter(
            credential__revoked_at=None, credential__application__removed_at=None
        ).select_related("credential__application__organization")
        for row in rows.order_by("pk"):
            credential = row.credential
            expiry = credential.expires_at
            yield (
                f"{credential.application.path} {credential.name}",
                {
                    "scopes": row.scopes,
                    "is_public": row.is_public,
                    "has_device_flow": Grant.DEVICE_CODE.value in row.grants,
                    "token_seconds": row.token_seconds,
                    "expires_at": expiry.isoformat() if expiry else None,
                },
            )

    def create(self, actor: Actor, name: str, fields: Fields) -> None:
        application, _, client = name.partition(" ")
        expiry = fields.get("expires_at")
        given = {field: fields[field] for field in fields if field != "expires_at"}
        clients.create(
            actor,
            application=application,
            name=client,
            expires_at=datetime.fromisoformat(expiry) if expiry else None,
            has_secret=False,
            **given,
        )

    def change(self, actor: Actor, name: str, fields: Fields) -> None:
        if "is_public" in fields:
            raise invalid("Whether a client is public cannot be changed.", "/is_public")
        expiry = fields.get("expires_at")
        clients.update(
            actor,
            self._find(actor, name).id,
            scopes=fields.get("scopes"),
            has_device_flow=fields.get("has_device_flow"),
            token_seconds=fields.get("token_seconds"),
            expires_at=(
                UNSET
                if "expires_at" not in fields
                else datetime.fromisoformat(expiry)
                if expiry
                else None
            ),
        )

    def delete(self, actor: Actor, name: str) -> None:
        clients.revoke(actor, self._find(actor, name).id)

    def _find(self, actor: Actor, name: str) -> OAuthClient:
        application, _, client = name.partition(" ")
        rows = clients.visible(actor).filter(credential__name=client, credential__revoked_at=None)
        return rows.get(credential__application=applications.find(actor, application))
