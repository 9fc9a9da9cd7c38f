"""How does a version of an API end? Deprecated, with callers told; retired, once nobody is hit."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.store.models import APIVersion
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.catalog import apis, lifecycle
from headgate.store.services.traffic import callers as service
from headgate.store.services.traffic.callers import CallersReport
from headgate.web.console import hits
from headgate.web.console.apis import address, crumbs, end_acts, end_facts
from headgate.web.console.pages import (
    Cell,
    FormPage,
    Part,
    Thing,
    allowed,
    carry_out,
    confirmed,
    number,
    show,
    text,
    when,
)
from headgate.web.site.forms import (
    DayField,
    SiteForm,
    end_of,
    form_view,
    last_day,
)


class DeprecateForm(SiteForm):
    """What its callers are told."""

    names = {"sunset_at": "until"}  # noqa: RUF012  # a ClassVar of the base

    until = DayField(
        label=gettext_lazy("Last day"),
        required=False,
        help_text=gettext_lazy("It ends with this day (UTC); answers say so as Sunset."),
    )
    successor = forms.CharField(
        label=gettext_lazy("Where to go"),
        required=False,
        help_text=gettext_lazy("A version, such as v2 of the same API or shop@v3."),
    )
    link = forms.CharField(
        label=gettext_lazy("A page about it"),
        required=False,
        help_text=gettext_lazy("Its address; answers name it as Link."),
    )
    retires_at_sunset = forms.BooleanField(
        label=gettext_lazy("Retire it by itself after the last day"), required=False
    )


@require_safe
def callers(request: HttpRequest, api: str) -> HttpResponse:
    """Who still calls a version, when last, and how they leave."""
    actor = allowed(request, Scope.TRAFFIC, "API")
    found = service.report(actor, api)
    rows = [
        [
            _caller(one.organization, one.application),
            number(one.calls),
            when(one.last_call_at),
        ]
        for one in found.callers
    ]
    more = ""
    if found.dropped:
        more = _("And %(n)s more with fewer calls.") % {"n": f"{found.dropped:,}"}
    thing = Thing(
        title=_("Who still calls %(name)s") % {"name": found.version.path},
        back=crumbs(found.version),
        facts=_outlook(found),
        acts=end_acts(found.version),
        parts=(
            Part(
                _("Callers of the last 30 days"),
                (_("Application"), _("Calls"), _("Last call")),
                rows,
                _("Nobody called it."),
                lead=more,
            ),
        ),
    )
    return show(request, actor, thing)


def _caller(organization: str, application: str) -> Cell:
    if not application:
        return text(_("without a key"))
    path = application if "/" in application else f"{organization}/{application}"
    return hits.application_cell(path)


def _outlook(found: CallersReport) -> list[tuple[str, Cell]]:
    told = end_facts(found.version)
    if found.burn_down is None:
        return told
    said = found.burn_down.calls
    words = {
        "projected": _("at this pace on the day below"),
        "reached": _("nobody has called for a week"),
        "too_early": _("too early to say"),
        "not_falling": _("calls are not falling"),
        "too_far": _("not within a year at this pace"),
    }
    told.append((_("When nobody will call it"), text(words[said.outlook])))
    if said.zero_on is not None:
        told.append((_("On"), text(said.zero_on.isoformat())))
    return told


@form_view
def deprecate(request: HttpRequest, api: str) -> HttpResponse:
    """Tell its callers that it will end."""
    actor = allowed(request, Scope.WRITE, "API")
    found = apis.get_version(actor, api)
    initial = {
        "until": last_day(found.sunset_at),
        "successor": found.successor,
        "link": found.link,
        "retires_at_sunset": found.retires_at_sunset,
    }

    def act(given: dict[str, Any]) -> Any:
        until = given.pop("until")
        return lifecycle.deprecate(actor, found.path, sunset_at=end_of(until), **given)

    form_page = FormPage(
        _("Deprecate %(name)s") % {"name": found.path},
        _("Deprecate it"),
        crumbs(found),
        lead=_(
            "Every answer says so from now on, and those who call are told. It goes on working."
        ),
        hits=_hits(actor, found),
    )
    return carry_out(
        request,
        form_page,
        DeprecateForm(request.POST or None, initial=initial),
        act,
        lambda _moved: (_("It is deprecated; its callers are told."), address(found.path)),
    )


def _hits(actor: Actor, found: APIVersion) -> tuple[Part, ...]:
    return (hits.callers(actor, api=found.api.name, version=found.name),)


@form_view
def undeprecate(request: HttpRequest, api: str) -> HttpResponse:
    """Take a deprecation back."""
    actor = allowed(request, Scope.WRITE, "API")
    found = apis.get_version(actor, api)
    form_page = FormPage(
        _("Take back the deprecation of %(name)s") % {"name": found.path},
        _("Take it back"),
        crumbs(found),
        lead=_("Answers say nothing of an end any more."),
    )
    return carry_out(
        request,
        form_page,
        SiteForm(request.POST or None),
        lambda _given: lifecycle.undeprecate(actor, found.path),
        lambda _moved: (_("It is published as before."), address(found.path)),
    )


@form_view
def retire(request: HttpRequest, api: str) -> HttpResponse:
    """Answer 410 to every call from now on."""
    actor = allowed(request, Scope.WRITE, "API")
    found = apis.get_version(actor, api)
    form_page = FormPage(
        _("Retire %(name)s") % {"name": found.path},
        _("Retire it"),
        crumbs(found),
        lead=_("Every call is answered 410 with where to go. Publishing brings it back."),
        hits=_hits(actor, found),
    )
    return confirmed(
        request,
        form_page,
        found.path,
        lambda: lifecycle.retire(actor, found.path, confirm=found.path),
        (_("It is retired."), address(found.path)),
    )
