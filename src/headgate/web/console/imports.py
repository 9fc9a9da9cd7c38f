"""How does a document come in? Chosen, looked at, confirmed: nothing is stored before the last.

Between the steps the document stays with the browser (a hidden field), so that what is confirmed
is what was looked at, and nothing is kept for those who go away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from headgate.catalog.changes import Change
from headgate.catalog.document import FILES_MAX, SOURCE_BYTES_MAX, DocumentSource, Fetcher
from headgate.core.phrases import phrase
from headgate.core.problems import DependencyError, Detail, Problem
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.catalog import import_preview, imports
from headgate.store.services.catalog.import_preview import Preview
from headgate.store.services.gateway import gateways, publishing
from headgate.store.services.traffic import questions
from headgate.store.services.values import invalid
from headgate.traffic.queries import GroupBy
from headgate.web.api.documents import DocumentFiles, DocumentURL, source_and_fetcher
from headgate.web.api.upstreams import resolver
from headgate.web.console import hits
from headgate.web.console.api_acts import upstream_of
from headgate.web.console.apis import address, back
from headgate.web.console.pages import Part, allowed, badge, code, number, prose, text
from headgate.web.site.acts import REFUSED
from headgate.web.site.forms import NOT_TO_MEND, SiteForm, form_view
from headgate.web.site.words import change_kind, refusal, said

PASTED = "openapi.yaml"  # JSON is read as well
SHOWN_MAX = 200  # differences of one import
CALLED_WITHIN = timedelta(days=30)
BEGINNINGS = ("openapi", "swagger")


class ManyFiles(forms.ClearableFileInput):
    """Several files at once."""

    allow_multiple_selected = True


class ImportForm(SiteForm):
    """The document, and how the API is served."""

    names = {"document": "text", "files": "upload", "entry": "text"}  # noqa: RUF012  # a ClassVar of the base

    name = forms.CharField(
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("A new one, or that of an API whose document is to be replaced."),
    )
    version = forms.CharField(
        label=gettext_lazy("Version"),
        required=False,
        help_text=gettext_lazy(
            "Empty: the default version. Another one than the API has is a new version of it."
        ),
    )
    upload = forms.FileField(
        label=gettext_lazy("Files"),
        required=False,
        widget=ManyFiles(attrs={"accept": ".json,.yaml,.yml"}),
        help_text=gettext_lazy("OpenAPI 3.0, 3.1 or Swagger 2.0, with what it refers to."),
    )
    text = forms.CharField(
        label=gettext_lazy("Or paste it"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "class": "code", "spellcheck": "false"}),
    )
    url = forms.CharField(label=gettext_lazy("Or its address"), required=False)
    upstream = forms.CharField(
        label=gettext_lazy("Upstream"),
        required=False,
        help_text=gettext_lazy("Where requests go: http:// or https://. A new API needs one."),
    )
    base_path = forms.CharField(
        label=gettext_lazy("Base path"),
        required=False,
        help_text=gettext_lazy("Empty: /NAME for a new API, else as it is."),
    )
    allow_remote_refs = forms.BooleanField(
        label=gettext_lazy("Fetch references that lead to other hosts"), required=False
    )
    allow_private = forms.BooleanField(
        label=gettext_lazy("The address is one that only this machine's network can see"),
        required=False,
        help_text=gettext_lazy("For administrators."),
    )
    source = forms.CharField(required=False, widget=forms.HiddenInput)


@dataclass(frozen=True, slots=True)
class _Chosen:
    source: DocumentSource
    fetch: Fetcher | None


@form_view
def page(request: HttpRequest) -> HttpResponse:
    """Choose; look; confirm."""
    actor = allowed(request, Scope.WRITE, "API")
    reference = request.GET.get("api", "")[:127]
    name, _at, version = reference.partition("@")
    initial = {"name": name, "version": version}
    data = request.POST if request.method == "POST" else None
    form = ImportForm(data, request.FILES if data else None, initial=initial)
    if not form.is_bound or not form.is_valid():
        return _first(request, form)
    try:
        chosen = _chosen(actor, request, form.cleaned_data)
        if "confirm" in request.POST or "publish" in request.POST:
            return _confirmed(request, actor, form.cleaned_data, chosen)
        found = import_preview.preview(
            actor,
            name=form.cleaned_data["name"],
            version=form.cleaned_data["version"] or None,
            source=chosen.source,
            allow_remote_refs=form.cleaned_data["allow_remote_refs"],
            fetch=chosen.fetch,
        )
    except Problem as problem:
        if problem.type in NOT_TO_MEND:
            raise
        return _first(request, form, problem)
    except DependencyError as error:
        form.add_error(None, said(str(error)))
        return _first(request, form)
    return _second(request, actor, form, chosen, found)


def _first(request: HttpRequest, form: ImportForm, problem: Problem | None = None) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "back": (back(),), "problem": problem}
    status = REFUSED if form.is_bound else 200
    return render(request, "console/import.html", context, status=status)


def _second(
    request: HttpRequest, actor: Actor, form: ImportForm, chosen: _Chosen, found: Preview
) -> HttpResponse:
    source = chosen.source
    carried = {"files": dict(source.files), "entry": source.entry, "url": source.url}
    breaking = sum(change.is_breaking for change in found.changes)
    described = found.document.description
    context = {
        "form": form,
        "given": form.cleaned_data,
        "source": orjson.dumps(carried).decode(),
        "back": (back(),),
        "preview": found,
        "format": described.format,
        "title": described.title,
        "operations": len(found.document.operations),
        "breaking": breaking,
        "parts": [{"part": part, "acts": ()} for part in _parts(actor, found)],
        "gateways": [gateway.name for gateway in gateways.listed(actor)],
    }
    return render(request, "console/import_preview.html", context)


def _parts(actor: Actor, found: Preview) -> list[Part]:
    parts = [_problems(found.document.warnings)]
    if found.compared is None:
        return parts
    parts.append(_changes(actor, found))
    parts.append(hits.callers(actor, api=found.compared.api.name, version=found.compared.name))
    rows = [
        [
            code(one.operation),
            text(", ".join(one.kinds)),
            badge(_("kept"), "good") if one.is_kept else badge(_("lost: no such operation"), "bad"),
        ]
        for one in found.policies
    ]
    heads = (_("Operation"), _("Policies of its own"), _("After the import"))
    parts.append(Part(_("Policies"), heads, rows, _("No operation has policies of its own.")))
    return parts


def _problems(warnings: tuple[Detail, ...]) -> Part:
    return Part(
        _("What the document does wrong"),
        (_("Where"), _("Line"), _("What")),
        [[code(one.pointer), number(one.line), prose(one.message)] for one in warnings],
        _("Nothing was found."),
        lead=_("It can be imported all the same.") if warnings else "",
    )


def _differing(change: Change) -> list[str]:
    return [said(one.words) for one in change.differences] or [change.title]


def _changes(actor: Actor, found: Preview) -> Part:
    called = _called(actor, found)
    rows = [
        [
            code(change.operation),
            badge(*change_kind(change.kind)),
            badge(_("breaking"), "bad") if change.is_breaking else text(None),
            text("; ".join(_differing(change))),
            number(called.get(change.operation)),
        ]
        for change in found.changes[:SHOWN_MAX]
    ]
    lead = _("Compared with the document of %(name)s.") % {
        "name": found.compared.path if found.compared else ""
    }
    if len(found.changes) > SHOWN_MAX:
        more = _("The first %(shown)s of %(all)s.") % {
            "shown": SHOWN_MAX,
            "all": f"{len(found.changes):,}",
        }
        lead = f"{lead} {more}"
    heads = (_("Operation"), _("Change"), "", _("In words"), _("Calls in 30 days"))
    return Part(_("Differences"), heads, rows, _("None: the operations are the same."), lead=lead)


def _called(actor: Actor, found: Preview) -> dict[str, int]:
    """Calls of each operation in the last thirty days."""
    if found.compared is None or not actor.may(Scope.TRAFFIC):
        return {}
    filters = questions.request_filter(
        actor,
        since=actor.at - CALLED_WITHIN,
        api=found.compared.api.name,
        version=found.compared.name,
    )
    rows = questions.stats(actor, GroupBy.OPERATION, filters)
    return {row.key[-1]: row.requests for row in rows}


def _chosen(actor: Actor, request: HttpRequest, given: dict[str, Any]) -> _Chosen:
    """The document, whichever way it came.

    Raises:
        Problem: none was given, or it cannot be had.
    """
    remote = given["allow_remote_refs"]
    if given["source"]:
        carried = _carried(given["source"])
        document = DocumentFiles.model_construct(files=dict(carried.files), entry=carried.entry)
        source, fetch = source_and_fetcher(actor, document, allow_remote_refs=remote)
        return _Chosen(DocumentSource(source.files, source.entry, carried.url), fetch)
    if given["url"]:
        if not given["url"].startswith(("http://", "https://")):
            raise invalid("An address begins with http:// or https://.", "/url")
        address = DocumentURL.model_construct(
            url=given["url"], allow_private=given["allow_private"]
        )
        return _Chosen(*source_and_fetcher(actor, address, allow_remote_refs=remote))
    files = _uploaded(request.FILES.getlist("upload"))
    if given["text"].strip():
        files = {PASTED: given["text"]}
    if not files:
        raise invalid("There is no document: choose a file, paste a text or give an address.")
    document = DocumentFiles.model_construct(files=files, entry=_entry(files))
    return _Chosen(*source_and_fetcher(actor, document, allow_remote_refs=remote))


def _carried(text: str) -> DocumentSource:
    try:
        body = orjson.loads(text)
        files = {str(name): str(value) for name, value in body["files"].items()}
        return DocumentSource(files, str(body["entry"]), str(body["url"]))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise invalid("The form was changed on its way; choose the document again.") from error


def _uploaded(files: "Sequence[UploadedFile[Any]]") -> dict[str, str]:
    if len(files) > FILES_MAX:
        raise invalid(phrase("These are more than {most} files.", most=FILES_MAX), "/upload")
    found = {}
    for file in files:
        if (file.size or 0) > SOURCE_BYTES_MAX:
            raise invalid(
                phrase(
                    "{name} has more than {most:,} bytes.", name=file.name, most=SOURCE_BYTES_MAX
                ),
                "/upload",
            )
        try:
            found[str(file.name)] = file.read().decode()
        except UnicodeDecodeError as error:
            raise invalid(
                phrase("{name} is not text in UTF-8.", name=file.name), "/upload"
            ) from error
    return found


def _entry(files: dict[str, str]) -> str:
    """The file that begins the document: the one that says which OpenAPI it is."""
    for name, body in files.items():
        head = body[:5000].lstrip("\ufeff \t\r\n{")
        lines = (line.strip(" \t\"'{,") for line in head.split("\n"))
        if any(line.startswith(BEGINNINGS) for line in lines):
            return name
    return next(iter(files))


def _confirmed(
    request: HttpRequest, actor: Actor, given: dict[str, Any], chosen: _Chosen
) -> HttpResponse:
    imported = imports.import_document(
        actor,
        name=given["name"],
        version=given["version"] or None,
        source=chosen.source,
        upstream=upstream_of(given["upstream"]) if given["upstream"] else None,
        base_path=given["base_path"] or None,
        update=True,
        allow_remote_refs=given["allow_remote_refs"],
        fetch=chosen.fetch,
        resolve=resolver(),
    )
    path = imported.version.path
    messages.success(request, _("%(name)s is imported.") % {"name": path})
    if "publish" in request.POST:
        gateway = request.POST.get("gateway", "")[:63]
        try:
            made = publishing.publish(actor, path, gateway=gateway)
        except Problem as problem:  # it is imported: said where it can be published again
            messages.error(request, refusal(problem))
            return redirect(f"{address(path, 'publish')}?gateway={gateway}")
        told = _("Revision %(n)s of %(gateway)s is on its way to the nodes.")
        messages.success(request, told % {"n": f"{made.number:,}", "gateway": gateway})
    return redirect(reverse("console_api", args=[path]))
