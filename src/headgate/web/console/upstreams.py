"""Where do an API's requests go, with which limits? All of its upstream, by form or as YAML."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from headgate.model.codec import as_data, from_data
from headgate.model.snapshot import Upstream
from headgate.store.models import APIVersion
from headgate.store.services.actor import Scope
from headgate.store.services.catalog import apis, upstreams
from headgate.web.api.upstreams import UpstreamData, resolver, upstream_of
from headgate.web.console.apis import address, crumbs
from headgate.web.console.pages import Part, allowed, code, text
from headgate.web.console.setting_editor import Edited
from headgate.web.site.differences import differences
from headgate.web.site.forms import form_view


@form_view
def edit(request: HttpRequest, api: str) -> HttpResponse:
    """Hosts and weights, health, time limits, retries, TLS, connections."""
    actor = allowed(request, Scope.WRITE, "API")
    found = apis.get_version(actor, api)
    edited = Edited.of(request, UpstreamData.model_json_schema(), as_data(found.upstream))
    wanted: Upstream | None = None
    if edited.do and not edited.errors:
        wanted = edited.attempt(lambda: upstream_of(from_data(UpstreamData, edited.settings)))
    if wanted is not None:
        edited.settings = as_data(wanted)
        if edited.do == "preview":
            edited.attempt(lambda: upstreams.check_upstream(wanted, resolver()))
        if edited.do == "save" and edited.attempt(
            lambda: apis.update(actor, found.path, upstream=wanted, resolve=resolver())
        ):
            return _saved(request, found)
    is_looked_at = edited.do == "preview" and not edited.errors
    context = {
        "title": _("Upstream of %(name)s") % {"name": found.path},
        "back": crumbs(found),
        "cancel": address(found.path),
        "effect": _effect(as_data(found.upstream), edited.settings) if is_looked_at else None,
        **edited.context(),
    }
    return render(request, "console/upstream.html", context, status=edited.status)


def _saved(request: HttpRequest, found: APIVersion) -> HttpResponse:
    messages.success(request, _("Saved. Publish it to put it in force."))
    is_next = request.POST.get("then") == "publish"
    return redirect(address(found.path, "publish" if is_next else ""))


def _effect(before: Any, after: Any) -> Part:
    return Part(
        _("What would change"),
        (_("Setting"), _("Before"), _("After")),
        [
            [code(one.place), text(one.before), text(one.after)]
            for one in differences(before, after)
        ],
        _("Nothing."),
    )
