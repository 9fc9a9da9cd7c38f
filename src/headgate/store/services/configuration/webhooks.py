"""How are webhooks written down as configuration? By their address, without ids and secrets.

One that an apply makes gets a secret that nobody has seen: `headgate webhook rotate` gives it one
that its receiver can be told.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from headgate.model.events import EventKind
from headgate.store.models import Webhook
from headgate.store.services.actor import Actor
from headgate.store.services.alerts import webhooks
from headgate.store.services.configuration.sources import Fields
from headgate.store.services.values import invalid


class Webhooks:
    """Webhooks, named `https://…`, or `organization https://…`.

    A further one with the same owner and address has `#2` behind it: a webhook's own address has
    no fragment.
    """

    name: ClassVar[str] = "webhook"

    def present(self) -> Iterator[tuple[str, Fields]]:
        for name, row in _named():
            yield (
                name,
                {
                    "team": row.team.name if row.team else "",
                    "types": row.kinds,
                    "description": row.description,
                    "allow_private": row.allow_private,
                    "is_enabled": row.disabled_at is None,
                },
            )

    def create(self, actor: Actor, name: str, fields: Fields) -> None:
        owner, url = _parts(name)
        made = webhooks.create(
            actor,
            url=url,
            organization=owner,
            team=fields.get("team") or None,
            kinds=_kinds(fields.get("types", ())),
            description=fields.get("description", ""),
            allow_private=fields.get("allow_private", False),
        )
        if fields.get("is_enabled") is False:
            webhooks.update(actor, made.webhook.id, is_enabled=False)

    def change(self, actor: Actor, name: str, fields: Fields) -> None:
        if "allow_private" in fields:
            raise invalid(
                "Whether a webhook may call private addresses cannot be changed.", "/allow_private"
            )
        if "team" in fields:
            raise invalid("Whose webhook it is cannot be changed.", "/team")
        webhooks.update(
            actor,
            _find(name).id,
            kinds=_kinds(fields["types"]) if "types" in fields else None,
            description=fields.get("description"),
            is_enabled=fields.get("is_enabled"),
        )

    def delete(self, actor: Actor, name: str) -> None:
        webhooks.delete(actor, _find(name).id)


def _named() -> Iterator[tuple[str, Webhook]]:
    """All webhooks by their names here, in the order in which they were made."""
    seen: dict[str, int] = {}
    rows = Webhook.objects.filter(removed_at=None).select_related("organization", "team")
    for row in rows.order_by("pk"):
        name = f"{row.organization.name} {row.url}" if row.organization else row.url
        seen[name] = number = seen.get(name, 0) + 1
        yield (name if number == 1 else f"{name}#{number}"), row


def _find(name: str) -> Webhook:
    return dict(_named())[name]


def _parts(name: str) -> tuple[str | None, str]:
    owner, space, url = name.rpartition(" ")
    return (owner if space else None), url.partition("#")[0]


def _kinds(words: Any) -> list[EventKind]:
    return [EventKind(word) for word in words]
