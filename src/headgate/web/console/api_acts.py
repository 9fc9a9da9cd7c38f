"""What can be done with a version of an API? Publish it, take it off, change it, delete it."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from headgate.core.phrases import phrase
from headgate.core.problems import Problem
from headgate.model.codec import from_data
from headgate.model.snapshot import KeySource, Upstream
from headgate.store.models import APIVersion
from headgate.store.models.changelog import NOTE_CHARACTERS_MAX
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.catalog import apis, versions
from headgate.store.services.configuration.documents import upstream_from_url
from headgate.store.services.gateway import gateways, publishing, purging
from headgate.store.services.values import invalid
from headgate.web.api.upstreams import KeySourceData, key_sources_of, resolver
from headgate.web.console import hits
from headgate.web.console.apis import address, crumbs
from headgate.web.console.pages import FormPage, allowed, carry_out, confirmed
from headgate.web.site.forms import ConfirmForm, LinesField, SiteForm, form_view


class GatewayForm(SiteForm):
    """On which gateway."""

    gateway = forms.ChoiceField(label=gettext_lazy("Gateway"))

    def __init__(self, names: list[str], *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.offer("gateway", [(name, name) for name in names])


class PurgeForm(GatewayForm):
    """Also of which operation."""

    operation = forms.CharField(
        label=gettext_lazy("Operation"),
        required=False,
        help_text=gettext_lazy("Its id. Empty: all of the API."),
    )


class PublishForm(GatewayForm):
    """On which gateway, and what to say of it."""

    note = forms.CharField(
        label=gettext_lazy("For the changelog"),
        required=False,
        max_length=NOTE_CHARACTERS_MAX,
        help_text=gettext_lazy("Those who call the API read it beside the changes; Markdown."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class TakeOffForm(ConfirmForm):
    """From which gateway, and the name."""

    gateway = forms.ChoiceField(label=gettext_lazy("Gateway"))
    field_order = ("gateway", "typed")

    def __init__(self, name: str, names: list[str], *arguments: Any, **more: Any) -> None:
        super().__init__(name, *arguments, **more)
        self.offer("gateway", [(one, one) for one in names])


class SettingsForm(SiteForm):
    """Where it is served, and where its requests go."""

    title = forms.CharField(label=gettext_lazy("Title"), required=False)
    base_path = forms.CharField(
        label=gettext_lazy("Base path"),
        required=False,
        help_text=gettext_lazy("Such as /pets. In force when it is published."),
    )
    upstream = forms.CharField(
        label=gettext_lazy("Upstream"),
        help_text=gettext_lazy(
            "http:// or https:// address that requests go to. Changed, it stands for all of the"
            " upstream's settings, which have a page of their own; left as it is, they stay."
        ),
    )
    key_sources = LinesField(
        label=gettext_lazy("Where callers send the key"),
        required=False,
        help_text=gettext_lazy(
            "One a line, the first that holds one counts: header:NAME, bearer or query:NAME."
        ),
    )
    version_by = forms.CharField(
        label=gettext_lazy("How callers choose a version"),
        required=False,
        help_text=gettext_lazy(
            "header:x-api-version or query:version, for versions with one base path; of all"
            " versions of the API. Empty: they cannot."
        ),
    )
    is_open = forms.BooleanField(
        label=gettext_lazy("Everybody may call it, without a key. In force at once."),
        required=False,
    )


def _gateways(actor: Actor) -> list[str]:
    return [gateway.name for gateway in gateways.listed(actor)]


@form_view
def publish(request: HttpRequest, api: str) -> HttpResponse:
    """Make it live as it is now."""
    actor = allowed(request, Scope.WRITE, "API")
    found = apis.get_version(actor, api)
    names = _gateways(actor)
    initial = {"gateway": request.GET.get("gateway", names[0] if names else "")}
    form_page = FormPage(
        _("Publish %(name)s") % {"name": found.path},
        _("Publish"),
        crumbs(found),
        lead=_("As it is now: document, settings and policies. You can go back at any time."),
        hits=(hits.callers(actor, api=found.api.name, version=found.name),),
    )
    return carry_out(
        request,
        form_page,
        PublishForm(names, request.POST or None, initial=initial),
        lambda given: publishing.publish(actor, found.path, **given),
        lambda made: (_published(made), address(found.path)),
    )


def _published(revision: Any) -> str:
    return _("Revision %(n)s of %(gateway)s is on its way to the nodes.") % {
        "n": f"{revision.number:,}",
        "gateway": revision.gateway.name,
    }


@form_view
def unpublish(request: HttpRequest, api: str) -> HttpResponse:
    """Take it off a gateway."""
    actor = allowed(request, Scope.WRITE, "API")
    found = apis.get_version(actor, api)
    names = gateways.published_on(found)
    initial = {"gateway": request.GET.get("gateway", "")}
    form_page = FormPage(
        _("Unpublish %(name)s") % {"name": found.path},
        _("Take it off"),
        crumbs(found),
        lead=_("Its callers get 404 at once. It can be published again."),
        is_danger=True,
        hits=(hits.callers(actor, api=found.api.name, version=found.name),),
    )
    return carry_out(
        request,
        form_page,
        TakeOffForm(found.path, names, request.POST or None, initial=initial),
        lambda given: publishing.unpublish(actor, found.path, gateway=given["gateway"]),
        lambda made: (_published(made), address(found.path)),
    )


@form_view
def purge(request: HttpRequest, api: str) -> HttpResponse:
    """Declare void what a gateway has cached of it, or of one operation (`operation=`)."""
    actor = allowed(request, Scope.WRITE, "API")
    found = apis.get_version(actor, api)
    names = gateways.published_on(found)
    initial = {"operation": request.GET.get("operation", "")[:256]}
    form_page = FormPage(
        _("Empty the cache of %(name)s") % {"name": found.path},
        _("Empty it"),
        crumbs(found),
        lead=_("The upstream is asked again, and answers are stored anew. Drafts stay drafts."),
        hits=(hits.callers(actor, api=found.api.name, version=found.name),),
    )
    return carry_out(
        request,
        form_page,
        PurgeForm(names, request.POST or None, initial=initial),
        lambda given: purging.purge(actor, found.path, **given),
        lambda made: (_published(made), address(found.path)),
    )


@form_view
def edit(request: HttpRequest, api: str) -> HttpResponse:
    """Its title, base path, upstream, and who may call."""
    actor = allowed(request, Scope.WRITE, "API")
    found = apis.get_version(actor, api)
    shown = url_of(found.upstream)
    initial = {
        "title": found.api.title,
        "base_path": found.base_path,
        "upstream": shown,
        "key_sources": [f"{one.location}:{one.name}".rstrip(":") for one in found.key_sources],
        "version_by": found.api.version_by,
        "is_open": found.is_open,
    }

    def act(given: dict[str, Any]) -> APIVersion:
        typed = given.pop("upstream")
        upstream = None if typed == shown else upstream_of(typed)
        for name in ("base_path", "key_sources", "version_by"):
            if given[name] == initial[name]:
                given[name] = None
        if given["key_sources"] is not None:
            given["key_sources"] = _key_sources(given["key_sources"])
        return apis.update(actor, found.path, upstream=upstream, resolve=resolver(), **given)

    return carry_out(
        request,
        FormPage(_("Settings of %(name)s") % {"name": found.path}, _("Save"), crumbs(found)),
        SettingsForm(request.POST or None, initial=initial),
        act,
        lambda row: (_("Saved. Publish it to put it in force."), address(row.path)),
    )


def _key_sources(lines: list[str]) -> tuple[KeySource, ...]:
    """Places of keys as they are written in the form.

    Raises:
        Problem: INVALID_INPUT.
    """
    parts = [line.partition(":") for line in lines]
    given = [{"location": location, "name": name.strip()} for location, _colon, name in parts]
    try:
        return key_sources_of([from_data(KeySourceData, one) for one in given])
    except Problem as problem:
        raise invalid(problem.errors[0].message, "/key_sources") from problem


def url_of(upstream: Upstream) -> str:
    """The first address of an upstream, as people write it."""
    host = upstream.hosts[0]
    scheme = "https" if upstream.tls else "http"
    return f"{scheme}://{host.host}:{host.port}{upstream.path_prefix}"


def upstream_of(url: str) -> Upstream:
    """An upstream from an address.

    Raises:
        Problem: INVALID_INPUT.
    """
    try:
        return upstream_from_url(url)
    except ValueError as error:
        raise invalid(phrase("{error}.", error=error), "/upstream") from error


@form_view
def make_default(request: HttpRequest, api: str) -> HttpResponse:
    """Let the API's plain name mean this version."""
    actor = allowed(request, Scope.WRITE, "API")
    found = apis.get_version(actor, api)
    form_page = FormPage(
        _("Make %(name)s the default version") % {"name": found.path},
        _("Make it the default"),
        crumbs(found),
        lead=_("Calls without a version go to it, once both are published again."),
    )
    return carry_out(
        request,
        form_page,
        SiteForm(request.POST or None),
        lambda _given: versions.make_default(actor, found.path),
        lambda row: (_("It is the default. Publish it to put it in force."), address(row.path)),
    )


@form_view
def delete(request: HttpRequest, api: str) -> HttpResponse:
    """Delete an API, or one of its versions."""
    actor = allowed(request, Scope.WRITE, "API")
    found = apis.get_version(actor, api)
    lead = (
        _("The API goes with all of its versions, once it is published nowhere.")
        if found.is_default
        else _("This version goes, once it is published nowhere.")
    )
    form_page = FormPage(
        _("Delete %(name)s") % {"name": found.path},
        _("Delete it"),
        crumbs(found),
        lead=f"{lead} {_('This cannot be undone.')}",
        hits=(hits.callers(actor, api=found.api.name),),
    )
    return confirmed(
        request,
        form_page,
        found.path,
        lambda: apis.delete(actor, found.path),
        (_("It was deleted."), reverse("console_apis")),
    )
