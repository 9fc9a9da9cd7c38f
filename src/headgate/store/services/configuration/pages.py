"""How is the portal's look, and how are its pages, written down and applied?"""

import base64
import binascii
from collections.abc import Iterator
from typing import ClassVar

from headgate.core.phrases import phrase
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import branding
from headgate.store.services.configuration.sources import Fields
from headgate.store.services.values import invalid

LOOK = "look"


class Portals:
    """The one look of the portal, named `look`; never pruned."""

    name: ClassVar[str] = "portal"

    def present(self) -> Iterator[tuple[str, Fields]]:
        look = branding.look()
        if look != branding.Look():
            yield (
                LOOK,
                {
                    "title": look.name,
                    "welcome": look.welcome,
                    "accent": look.accent,
                    "logo": base64.b64encode(look.logo).decode(),
                },
            )

    def create(self, actor: Actor, name: str, fields: Fields) -> None:
        if name != LOOK:
            raise invalid(phrase("There is one portal, named '{look}'.", look=LOOK), "/name")
        self.change(actor, name, fields)

    def change(self, actor: Actor, name: str, fields: Fields) -> None:  # noqa: ARG002  # there is one
        branding.set_look(
            actor,
            name=fields.get("title"),
            welcome=fields.get("welcome"),
            accent=fields.get("accent"),
            logo=_bytes(fields["logo"]) if "logo" in fields else None,
        )

    def delete(self, actor: Actor, name: str) -> None:  # noqa: ARG002  # there is one
        branding.set_look(actor, name="", welcome="", accent="", logo=b"")


class TextPages:
    """Pages of the portal."""

    name: ClassVar[str] = "page"

    def present(self) -> Iterator[tuple[str, Fields]]:
        for row in branding.pages():
            yield row.name, {"title": row.title, "text": row.text, "position": row.position}

    def create(self, actor: Actor, name: str, fields: Fields) -> None:
        self.change(actor, name, fields)

    def change(self, actor: Actor, name: str, fields: Fields) -> None:
        branding.put_page(
            actor,
            name,
            title=fields.get("title"),
            text=fields.get("text"),
            position=fields.get("position"),
        )

    def delete(self, actor: Actor, name: str) -> None:
        branding.delete_page(actor, name)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise invalid("The logo is not written in base64.", "/logo") from error
