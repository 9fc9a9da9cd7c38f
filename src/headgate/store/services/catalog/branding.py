"""How does the portal look, and which pages of text does it have? An operator's to say."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from headgate.core.colours import is_colour
from headgate.core.ids import new_id
from headgate.core.phrases import phrase
from headgate.store.models import Branding, TextPage
from headgate.store.models.branding import TEXT_CHARACTERS_MAX
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.transactions import change
from headgate.store.services.values import as_fields, check_name, check_text, invalid, refused

LOGO_BYTES_MAX = 100_000
PAGES_MAX = 200
POSITION_MAX = 1_000
LOGO_TYPES = {  # by how a file of it begins
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"<svg": "image/svg+xml",
    b"<?xml": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Look:
    """How the portal looks. `accent` is `#rrggbb` or empty, like all that is Headgate's own."""

    name: str = ""
    welcome: str = ""
    accent: str = ""
    logo: bytes = b""
    logo_type: str = ""


def look() -> Look:
    """How it looks now; open to everybody."""
    row = Branding.objects.first()
    if row is None:
        return Look()
    return Look(row.name, row.welcome, row.accent, bytes(row.logo), row.logo_type)


@change()
def set_look(
    actor: Actor,
    *,
    name: str | None = None,
    welcome: str | None = None,
    accent: str | None = None,
    logo: bytes | None = None,
) -> Look:
    """Change what is not None; empty is Headgate's own.

    Raises:
        Problem: FORBIDDEN without the scope `write`; INVALID_INPUT.
    """
    actor.require_operator(Scope.WRITE, "look of the portal")
    row = Branding.objects.first() or Branding()
    before = _fields(row)
    if name is not None:
        check_text(name, TITLE_CHARACTERS_MAX, "/name")
        row.name = name
    if welcome is not None:
        check_text(welcome, TEXT_CHARACTERS_MAX, "/welcome")
        row.welcome = welcome
    if accent is not None:
        if accent and not is_colour(accent.lower()):
            raise invalid("The colour is not written as #0b5c4a.", "/accent")
        row.accent = accent.lower()
    if logo is not None:
        row.logo, row.logo_type = logo, _logo_type(logo)
    if _fields(row) != before:
        row.save()
        audit.record(actor, Action.LOOK_CHANGED, "portal", before=before, after=_fields(row))
    return look()


def pages() -> QuerySet[TextPage]:
    """The pages of text in their order; open to everybody."""
    return TextPage.objects.filter(removed_at=None).order_by("position", "title")


def page(name: str) -> TextPage:
    """One page.

    Raises:
        Problem: NOT_FOUND.
    """
    found = pages().filter(name=name).first()
    if found is None:
        raise not_found("page", name)
    return found


@change()
def put_page(
    actor: Actor,
    name: str,
    *,
    title: str | None = None,
    text: str | None = None,
    position: int | None = None,
) -> TextPage:
    """Make a page, or change what is not None. Position 0 keeps it out of the navigation.

    Raises:
        Problem: FORBIDDEN without the scope `write`; INVALID_INPUT; CONFLICT: too many.
    """
    actor.require_operator(Scope.WRITE, "page")
    row = pages().filter(name=name).first()
    is_new = row is None
    if row is None:
        check_name(name)
        if pages().count() >= PAGES_MAX:
            raise refused(
                phrase("There are {most} pages already.", most=PAGES_MAX), "Delete one first."
            )
        row = TextPage(id=new_id("pag"), created_at=actor.at, name=name, title=title or name)
    before = {} if is_new else as_fields(row, "title", "text", "position")
    if title is not None:
        check_text(title, TITLE_CHARACTERS_MAX, "/title")
        row.title = title or name
    if text is not None:
        check_text(text, TEXT_CHARACTERS_MAX, "/text")
        row.text = text
    if position is not None:
        if not 0 <= position <= POSITION_MAX:
            raise invalid(phrase("The position is 0 to {most}.", most=POSITION_MAX), "/position")
        row.position = position
    after = as_fields(row, "title", "text", "position")
    if after != before:
        row.save()
        action = Action.PAGE_CREATED if is_new else Action.PAGE_CHANGED
        audit.record(actor, action, name, before=before or None, after=after)
    return row


@change()
def delete_page(actor: Actor, name: str) -> None:
    """Take a page away.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND.
    """
    actor.require_operator(Scope.WRITE, "page")
    row = page(name)
    row.removed_at = actor.at
    row.save()
    audit.record(actor, Action.PAGE_DELETED, name, before=as_fields(row, "title", "text"))


def _logo_type(logo: bytes) -> str:
    if not logo:
        return ""
    if len(logo) > LOGO_BYTES_MAX:
        raise invalid(
            phrase("The logo is larger than {most:,} bytes.", most=LOGO_BYTES_MAX), "/logo"
        )
    beginning = logo.lstrip()[:16]
    for start, media_type in LOGO_TYPES.items():
        if beginning.startswith(start):
            return media_type
    raise invalid("The logo is no PNG, JPEG or SVG.", "/logo")


def _fields(row: Branding) -> dict[str, Any]:
    return as_fields(row, "name", "welcome", "accent", "logo_type") | {"bytes": len(row.logo)}
