"""Which releases run, how do both versions do, and how did earlier ones end?"""

from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.store.models import Release
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.catalog import apis
from headgate.store.services.gateway import gateways, releases
from headgate.web.console.pages import (
    Act,
    FormPage,
    Part,
    Thing,
    allowed,
    carry_out,
    code,
    link,
    listed,
    number,
    show,
    text,
    when,
)
from headgate.web.site.forms import LinesField, SiteForm, form_view
from headgate.web.site.listing import Column, Filter, Listing


class ReleaseForm(SiteForm):
    """How much of an API's traffic another version gets."""

    gateway = forms.ChoiceField(label=gettext_lazy("Gateway"))
    percent = forms.FloatField(
        label=gettext_lazy("Per cent of all calls"), min_value=0, max_value=100, initial=0
    )
    header = forms.CharField(
        label=gettext_lazy("Also calls with the header"),
        required=False,
        help_text=gettext_lazy("name=value"),
    )
    applications = LinesField(
        label=gettext_lazy("Also all calls of the applications"),
        required=False,
        help_text=gettext_lazy("One a line, as organization/name."),
    )
    mirror_percent = forms.FloatField(
        label=gettext_lazy("Per cent of calls to copy to it, without waiting for the answer"),
        min_value=0,
        max_value=100,
        initial=0,
    )
    abort_if = forms.CharField(
        label=gettext_lazy("End it by itself if"),
        required=False,
        help_text=gettext_lazy("Such as error_ratio > 0.05 or latency_ms_p95 > 2x."),
    )

    def __init__(self, names: list[str], *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.offer("gateway", [(name, name) for name in names])


def back() -> tuple[str, str]:
    """The way to the list."""
    return _("Releases"), reverse("console_releases")


def _state(row: Release) -> tuple[str, str]:
    if row.removed_at is None:
        return _("running"), "info"
    return (row.outcome or _("ended"), "good" if row.outcome == "promoted" else "")


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All releases, newest first."""
    actor = allowed(request, Scope.READ)
    listing: Listing[Release] = Listing(
        name="releases",
        columns=(
            Column(
                "candidate",
                _("Version"),
                lambda row: (
                    f"{row.candidate.api.name}@{row.candidate.name}",
                    reverse("console_release", args=[row.id]),
                ),
                "link",
                "candidate__api__name",
            ),
            Column("gateway", _("Gateway"), lambda row: row.gateway.name, sort="gateway__name"),
            Column(
                "percent",
                _("Per cent"),
                lambda row: row.percent_hundredths / 100,
                "number",
                "percent_hundredths",
            ),
            Column("state", _("State"), _state, "badge"),
            Column("reason", _("Why it ended"), lambda row: row.reason or None),
            Column("created", _("Begun"), lambda row: row.created_at, "instant", "created_at"),
            Column("ended", _("Ended"), lambda row: row.removed_at, "instant", "removed_at"),
        ),
        search=("candidate__api__name", "candidate__name", "gateway__name"),
        filters=(
            Filter(
                "state",
                _("State"),
                (("running", _("running")), ("ended", _("ended"))),
                lambda value: Q(removed_at__isnull=value == "running"),
            ),
        ),
    )
    return listed(
        request,
        actor,
        listing,
        releases.visible(actor),
        title=_("Releases"),
        lead=_("A further version gets a share of an API's traffic until it is made the default."),
        empty=_("No release was ever begun. Import a further version of an API, and release it."),
    )


@require_safe
def one(request: HttpRequest, release: str) -> HttpResponse:
    """One release, with the numbers of both versions beside each other."""
    actor = allowed(request, Scope.READ)
    found = _find(actor, release)
    candidate = f"{found.candidate.api.name}@{found.candidate.name}"
    at = [release]
    acts = (
        Act(_("Change its share"), reverse("console_release_change", args=at), Scope.WRITE, "main"),
        Act(_("Promote"), reverse("console_release_promote", args=at), Scope.WRITE),
        Act(_("End it"), reverse("console_release_abort", args=at), Scope.WRITE, "danger"),
    )
    thing = Thing(
        title=candidate,
        back=(back(),),
        badges=(_state(found),),
        facts=(
            (_("Gateway"), link(found.gateway.name, _gateway(found))),
            (_("Beside"), code(f"{found.stable.api.name}@{found.stable.name}")),
            (_("Per cent of all calls"), number(found.percent_hundredths / 100)),
            (_("Calls with the header"), code(_header(found))),
            (_("Applications"), number(len(found.applications))),
            (_("Per cent copied"), number(found.mirror_hundredths / 100)),
            (_("Ends by itself if"), code(found.abort_if)),
            (_("This share since"), when(found.since)),
            (_("Ended"), when(found.removed_at)),
            (_("Why"), text(found.reason)),
        ),
        acts=acts if found.removed_at is None else (),
        parts=(_numbers(actor, found),) if actor.may(Scope.TRAFFIC) else (),
    )
    return show(request, actor, thing)


def _header(found: Release) -> str:
    return f"{found.header}={found.value}" if found.header else ""


def _gateway(found: Release) -> str:
    return reverse("console_gateway", args=[found.gateway.name])


def _numbers(actor: Actor, found: Release) -> Part:
    rows = []
    for version in (found.stable, found.candidate):
        measured, requests = releases.measured(actor, found, version)
        told = ", ".join(f"{name} {value:.4g}" for name, value in measured.items())
        rows.append([code(version.name), number(requests), text(told)])
    return Part(
        _("Both versions since this share"),
        (_("Version"), _("Calls"), _("Numbers")),
        rows,
    )


def _find(actor: Actor, release: str) -> Release:
    found = releases.visible(actor).filter(id=release).first()
    if found is None:
        raise not_found("release", release)
    return found


@form_view
def start(request: HttpRequest, api: str) -> HttpResponse:
    """Give a further version a share."""
    actor = allowed(request, Scope.WRITE, "API")
    version = apis.get_version(actor, api)
    names = [gateway.name for gateway in gateways.listed(actor)]
    return carry_out(
        request,
        FormPage(
            _("Release %(name)s") % {"name": version.path},
            _("Begin the release"),
            ((version.path, reverse("console_api", args=[version.path])),),
            lead=_("It is published as it is now, and gets what you choose. It can be ended."),
        ),
        ReleaseForm(names, request.POST or None),
        lambda given: releases.start(actor, version.path, **given)[0],
        _to_release,
    )


def _to_release(row: Release) -> tuple[str, str]:
    return _("The share is on its way."), reverse("console_release", args=[row.id])


@form_view
def change(request: HttpRequest, release: str) -> HttpResponse:
    """Another share."""
    actor = allowed(request, Scope.WRITE, "API")
    found = _find(actor, release)
    reference = f"{found.candidate.api.name}@{found.candidate.name}"
    initial = {
        "gateway": found.gateway.name,
        "percent": found.percent_hundredths / 100,
        "header": _header(found),
        "applications": releases.application_paths(found),
        "mirror_percent": found.mirror_hundredths / 100,
        "abort_if": found.abort_if,
    }
    return carry_out(
        request,
        FormPage(
            _("Share of %(name)s") % {"name": reference},
            _("Save"),
            (back(), (reference, reverse("console_release", args=[release]))),
        ),
        ReleaseForm([found.gateway.name], request.POST or None, initial=initial),
        lambda given: releases.start(actor, reference, **given)[0],
        _to_release,
    )


@form_view
def promote(request: HttpRequest, release: str) -> HttpResponse:
    """Make the candidate the default version."""
    actor = allowed(request, Scope.WRITE, "API")
    found = _find(actor, release)
    name = f"{found.candidate.api.name}@{found.candidate.name}"
    form_page = FormPage(
        _("Promote %(name)s") % {"name": name},
        _("Promote"),
        (back(), (name, reverse("console_release", args=[release]))),
        lead=_(
            "It becomes the default version and gets all traffic. The version before stays"
            " published and stands by."
        ),
        hits=(_numbers(actor, found),),
    )
    return carry_out(
        request,
        form_page,
        SiteForm(request.POST or None),
        lambda _given: releases.promote(actor, name, gateway=found.gateway.name),
        lambda _made: (_("It is the default version now."), back()[1]),
    )


class ReasonForm(SiteForm):
    """A word for those who will ask."""

    reason = forms.CharField(label=gettext_lazy("Why"), required=False)


@form_view
def abort(request: HttpRequest, release: str) -> HttpResponse:
    """Take the candidate's share away."""
    actor = allowed(request, Scope.WRITE, "API")
    found = _find(actor, release)
    name = f"{found.candidate.api.name}@{found.candidate.name}"
    form_page = FormPage(
        _("End the release of %(name)s") % {"name": name},
        _("End it"),
        (back(), (name, reverse("console_release", args=[release]))),
        lead=_("Everybody gets the default version; a release can be begun again."),
        is_danger=True,
        hits=(_numbers(actor, found),),
    )
    return carry_out(
        request,
        form_page,
        ReasonForm(request.POST or None),
        lambda given: releases.abort(actor, name, gateway=found.gateway.name, **given),
        lambda _made: (_("The release has ended."), back()[1]),
    )
