"""Who is refused for a while, why, and until when?"""

from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.model.access import BlockKind
from headgate.store.models import Application, Block
from headgate.store.services.actor import Scope
from headgate.store.services.gateway import blocks
from headgate.web.console import hits
from headgate.web.console.pages import (
    Act,
    Cell,
    FormPage,
    Thing,
    allowed,
    carry_out,
    code,
    link,
    listed,
    show,
    text,
    when,
)
from headgate.web.site.forms import SiteForm, form_view
from headgate.web.site.listing import Column, Filter, Listing

HOUR_SECONDS = int(timedelta(hours=1).total_seconds())
KINDS = {
    BlockKind.ADDRESS.value: gettext_lazy("address or network"),
    BlockKind.CREDENTIAL.value: gettext_lazy("key or client, by its id"),
    BlockKind.APPLICATION.value: gettext_lazy("application, by its id"),
    BlockKind.TOKEN.value: gettext_lazy("access token, by its jti"),
}


class BlockForm(SiteForm):
    """Whom, for how long, and why."""

    names = {"seconds": "hours"}  # noqa: RUF012  # a ClassVar of the base

    kind = forms.ChoiceField(
        label=gettext_lazy("What"),
        choices=tuple(KINDS.items()),
    )
    subject = forms.CharField(
        label=gettext_lazy("Which"), help_text=gettext_lazy("203.0.113.7, 203.0.113.0/24 or an id.")
    )
    hours = forms.IntegerField(
        label=gettext_lazy("For how many hours"),
        min_value=1,
        max_value=blocks.BLOCK_SECONDS_MAX // HOUR_SECONDS,
        initial=24,
    )
    reason = forms.CharField(
        label=gettext_lazy("Why"), help_text=gettext_lazy("For those who will ask.")
    )


def back() -> tuple[str, str]:
    """The way to the list."""
    return _("Blocks"), reverse("console_blocks")


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The blocks in force."""
    actor = allowed(request, Scope.READ)
    listing: Listing[Block] = Listing(
        name="blocks",
        columns=(
            Column(
                "subject",
                _("Who"),
                lambda row: (row.subject, reverse("console_block", args=[row.id])),
                "link",
                "subject",
            ),
            Column("kind", _("What"), lambda row: row.kind, sort="kind"),
            Column("reason", _("Why"), lambda row: row.reason[:200]),
            Column("created", _("Since"), lambda row: row.created_at, "instant", "created_at"),
            Column("until", _("Until"), lambda row: row.expires_at, "instant", "expires_at"),
        ),
        search=("subject", "reason", "id"),
        filters=(
            Filter(
                "kind",
                _("What"),
                tuple((kind, str(name)) for kind, name in KINDS.items()),
                lambda value: Q(kind=value),
            ),
        ),
    )
    return listed(
        request,
        actor,
        listing,
        blocks.visible(actor),
        title=_("Blocks"),
        lead=_("Every call of who stands here is refused until the block ends."),
        empty=_("Nobody is blocked."),
        acts=(Act(_("Block somebody"), reverse("console_block_new"), Scope.BLOCKS, "main"),),
    )


def _subject(block: Block) -> Cell:
    if block.kind == BlockKind.CREDENTIAL:
        kind = "console_client" if block.subject.startswith("cli_") else "console_key"
        return link(block.subject, reverse(kind, args=[block.subject]))
    if block.kind == BlockKind.APPLICATION:
        rows = Application.objects.filter(id=block.subject, removed_at=None)
        found = rows.select_related("organization").first()
        return hits.application_cell(found.path) if found else code(block.subject)
    return code(block.subject)


@require_safe
def one(request: HttpRequest, block: str) -> HttpResponse:
    """One block."""
    actor = allowed(request, Scope.READ)
    found = blocks.get(actor, block)
    thing = Thing(
        title=_("Block of %(who)s") % {"who": found.subject},
        back=(back(),),
        facts=(
            (_("Id"), code(found.id)),
            (_("What"), text(found.kind)),
            (_("Who"), _subject(found)),
            (_("Why"), text(found.reason)),
            (_("Since"), when(found.created_at)),
            (_("Until"), when(found.expires_at)),
        ),
        acts=(
            Act(_("Lift it"), reverse("console_block_lift", args=[block]), Scope.BLOCKS, "main"),
        ),
    )
    return show(request, actor, thing)


@form_view
def new(request: HttpRequest) -> HttpResponse:
    """Block somebody."""
    actor = allowed(request, Scope.BLOCKS, "block")
    initial = {name: request.GET.get(name, "")[:100] for name in ("kind", "subject")}

    def act(given: dict[str, Any]) -> Block:
        return blocks.create(
            actor,
            kind=BlockKind(given["kind"]),
            subject=given["subject"],
            seconds=given["hours"] * HOUR_SECONDS,
            reason=given["reason"],
        )

    return carry_out(
        request,
        FormPage(
            _("Block somebody"),
            _("Block"),
            (back(),),
            lead=_("It holds at once, and can be lifted at any time."),
        ),
        BlockForm(request.POST or None, initial=initial),
        act,
        lambda made: (_("The block is in force."), reverse("console_block", args=[made.id])),
    )


@form_view
def lift(request: HttpRequest, block: str) -> HttpResponse:
    """End it before its time."""
    actor = allowed(request, Scope.BLOCKS, "block")
    found = blocks.get(actor, block)
    form_page = FormPage(
        _("Lift the block of %(who)s") % {"who": found.subject},
        _("Lift it"),
        (back(), (found.subject, reverse("console_block", args=[block]))),
        lead=_("Calls are let through again at once. It was made because: %(why)s")
        % {"why": found.reason},
    )
    return carry_out(
        request,
        form_page,
        SiteForm(request.POST or None),
        lambda _given: blocks.lift(actor, block),
        lambda _done: (_("The block is lifted."), back()[1]),
    )
