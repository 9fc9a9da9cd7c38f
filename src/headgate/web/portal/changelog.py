"""What has changed for those who call an API? A page, and the same as Atom and JSON."""

from typing import Any

import orjson
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import feedgenerator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.store.services.catalog import catalogue, changelog, states
from headgate.store.services.catalog.changelog import Entry, EntryKind
from headgate.store.services.values import invalid
from headgate.web.api.changelog import show
from headgate.web.portal.reference import context_of, found_for
from headgate.web.site.signed_in import open_to_all
from headgate.web.site.words import change_kind, said

ENTRIES_PER_PAGE = 20
FEED_ENTRIES = 30
KINDS = {
    EntryKind.PUBLISHED: (gettext_lazy("published for the first time"), "good"),
    EntryKind.CHANGED: (gettext_lazy("changed"), "info"),
    EntryKind.AGAIN: (gettext_lazy("published again, as before"), "good"),
    EntryKind.ROLLED_BACK: (gettext_lazy("taken back to an earlier publication"), "warn"),
    EntryKind.DEPRECATED: (gettext_lazy("deprecated"), "warn"),
    EntryKind.UNDEPRECATED: (gettext_lazy("not deprecated any more"), "good"),
    EntryKind.RETIRED: (gettext_lazy("retired"), "bad"),
}


@open_to_all
@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    """The changelog of an API, all its versions together."""
    found = found_for(name)
    rows = changelog.entries(found.version.api)
    wanted = request.GET.get("format", "")
    if wanted == "json":
        items = [show(one).model_dump() for one in changelog.read(rows)]
        return HttpResponse(
            orjson.dumps({"changelog": items}, option=orjson.OPT_UTC_Z | orjson.OPT_INDENT_2),
            content_type="application/json",
        )
    if wanted:
        raise invalid("There is the format json, and the Atom feed.", "/format")
    shown = Paginator(rows, ENTRIES_PER_PAGE).get_page(request.GET.get("page"))
    live = catalogue.published()
    entries = [_shown(one, live) for one in changelog.read(shown.object_list)]
    context = context_of(found) | {"entries": entries, "page": shown, "is_changelog": True}
    return render(request, "portal/reference/changelog.html", context)


@open_to_all
@require_safe
def feed(request: HttpRequest, name: str) -> HttpResponse:
    """The newest entries as Atom. Source: RFC 4287."""
    found = found_for(name)
    address = request.build_absolute_uri(reverse("portal_changelog", args=[name]))
    made = feedgenerator.Atom1Feed(
        title=_("Changelog of %(name)s") % {"name": found.index.title},
        link=address,
        description="",
        feed_url=request.build_absolute_uri(),
    )
    for one in changelog.read(changelog.entries(found.version.api)[:FEED_ENTRIES]):
        made.add_item(
            title=title_of(one),
            link=f"{address}#{one.id}",
            description="\n".join(_lines(one)),
            unique_id=f"urn:headgate:changelog:{one.id}",
            updateddate=one.at,
            pubdate=one.at,
        )
    return HttpResponse(made.writeString("utf-8"), content_type=made.content_type)


def title_of(entry: Entry) -> str:
    """An entry in a few words."""
    title = f"{entry.version.name}: {KINDS[entry.kind][0]}"
    return f"{title} ({_('breaking')})" if entry.is_breaking else title


def _shown(entry: Entry, live: frozenset[int]) -> dict[str, Any]:
    word, kind = KINDS[entry.kind]
    name = entry.data.get("successor", "")
    successor = states.named(name) if name else None
    return {
        "entry": entry,
        "word": word,
        "kind": kind,
        "successor": successor if successor and successor.pk in live else None,
        "changes": [(change, *change_kind(change.kind)) for change in entry.changes],
    }


def _lines(entry: Entry) -> list[str]:
    """What an entry says, as plain text."""
    lines = [entry.note] if entry.note else []
    for change in entry.changes:
        words = "; ".join(said(one.words) for one in change.differences)
        mark = f" ({_('breaking')})" if change.is_breaking else ""
        lines.append(f"{change.title}: {words or change_kind(change.kind)[0]}{mark}")
    if entry.dropped:
        lines.append(_("… and %(more)s more places.") % {"more": f"{entry.dropped:,}"})
    return lines
