"""How is each node: what does it serve, how far is it behind, and what does Envoy say?"""

from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.store.models import Node
from headgate.store.services import feed
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.gateway import gateways, node_tokens, nodes
from headgate.web.console.gateways import has_state, node_state, report
from headgate.web.console.keys import RotateForm, overlap_seconds
from headgate.web.console.pages import (
    Act,
    Cell,
    FormPage,
    Part,
    Thing,
    allowed,
    carry_out,
    code,
    confirmed,
    link,
    listed,
    number,
    reveal,
    show,
    text,
    when,
)
from headgate.web.site.acts import Secret
from headgate.web.site.forms import SiteForm, form_view
from headgate.web.site.listing import Column, Filter, Listing
from headgate.web.site.tags import size


class NodeForm(SiteForm):
    """A node's name, and what it serves."""

    name = forms.CharField(
        label=gettext_lazy("Name"), help_text=gettext_lazy("Without '-'; it stays.")
    )
    gateway = forms.ChoiceField(label=gettext_lazy("Gateway"))


def back() -> tuple[str, str]:
    """The way to the list."""
    return _("Nodes"), reverse("console_nodes")


def _behind(row: Node, sequence: int) -> int | None:
    said = report(row)
    return None if said is None else max(0, sequence - said.access_sequence)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All nodes with their last report."""
    actor = allowed(request, Scope.READ)
    sequence = feed.last_sequence()
    names = [gateway.name for gateway in gateways.listed(actor)]
    listing: Listing[Node] = Listing(
        name="nodes",
        columns=_columns(actor, sequence),
        search=("name", "gateway__name"),
        filters=(
            Filter(
                "gateway",
                _("Gateway"),
                tuple((name, name) for name in names),
                lambda value: Q(gateway__name=value),
            ),
            Filter(
                "refused",
                _("Revision"),
                (("yes", _("refused")), ("no", _("accepted"))),
                lambda value: (
                    ~Q(state__revision_error="") & Q(state__isnull=False)
                    if value == "yes"
                    else Q(state__revision_error="")
                ),
            ),
        ),
        order="name",
    )
    return listed(
        request,
        actor,
        listing,
        nodes.visible(actor),
        title=_("Nodes"),
        empty=_("No node: nothing serves what is published."),
        acts=(Act(_("New node"), reverse("console_node_new"), Scope.ADMIN, "main"),),
    )


def _columns(actor: Actor, sequence: int) -> tuple[Column[Node], ...]:
    return (
        Column(
            "name",
            _("Name"),
            lambda row: (row.name, reverse("console_node", args=[row.name])),
            "link",
            "name",
        ),
        Column(
            "gateway",
            _("Gateway"),
            lambda row: (
                row.gateway.name,
                reverse("console_gateway", args=[row.gateway.name]),
            ),
            "link",
            "gateway__name",
        ),
        Column("state", _("State"), lambda row: node_state(row, actor), "badge"),
        Column(
            "live",
            _("Live revision"),
            lambda row: row.state.revision_live if has_state(row) else None,
            "number",
            "state__revision_live",
        ),
        Column("wanted", _("Wanted"), lambda row: row.gateway.revision, "number"),
        Column("behind", _("Access changes behind"), lambda row: _behind(row, sequence), "number"),
        Column(
            "reported",
            _("Last report"),
            lambda row: row.state.received_at if has_state(row) else None,
            "instant",
            "state__received_at",
        ),
        Column(
            "says",
            _("Envoy says"),
            lambda row: row.state.revision_error[:300] or None if has_state(row) else None,
        ),
    )


@require_safe
def one(request: HttpRequest, node: str) -> HttpResponse:
    """One node, as it last reported."""
    actor = allowed(request, Scope.READ)
    found = nodes.get(actor, node)
    said = report(found)
    facts: list[tuple[str, Cell]] = [
        (
            _("Gateway"),
            link(found.gateway.name, reverse("console_gateway", args=[found.gateway.name])),
        ),
        (_("Wanted revision"), number(found.gateway.revision)),
    ]
    parts: list[Part] = []
    if said is not None:
        facts += [
            (_("Live revision"), number(said.revision_live)),
            (_("Envoy refused it with"), text(said.revision_error)),
            (_("Access changes behind"), number(_behind(found, feed.last_sequence()))),
            (_("Last report"), when(found.state.received_at)),
            (_("Envoy"), text(f"{said.envoy_version} ({said.envoy_state})")),
            (_("Restarts of Envoy"), number(said.envoy_restarts)),
            (_("Agent"), text(said.agent_version)),
            (_("Records that wait"), text(f"{said.spool_segments:,}, {size(said.spool_bytes)}")),
            (_("Log lines not written"), number(said.log_write_failures)),
            (_("Rows without room"), number(said.table_dropped)),
            (_("Requests not validated"), number(said.unchecked)),
        ]
        parts.append(
            Part(
                _("What it complains about"),
                (_("In its words"),),
                [[text(problem)] for problem in said.problems],
                _("Nothing."),
            )
        )
    if actor.may(Scope.ADMIN):
        parts.append(
            Part(
                _("Tokens"),
                (_("Begins with"), _("Made"), _("Until")),
                [
                    [code(token.prefix), when(token.created_at), when(token.expires_at)]
                    for token in node_tokens.listed(actor, node)
                ],
                _("None: it cannot get anything new."),
            )
        )
    thing = Thing(
        title=node,
        back=(back(),),
        badges=(node_state(found, actor),),
        facts=facts,
        acts=(
            Act(_("New token"), reverse("console_node_rotate", args=[node]), Scope.ADMIN, "main"),
            Act(_("Forget it"), reverse("console_node_delete", args=[node]), Scope.ADMIN, "danger"),
        ),
        parts=parts,
    )
    return show(request, actor, thing)


@form_view
def new(request: HttpRequest) -> HttpResponse:
    """Make room for a node; the answer shows the token that lets it in."""
    actor = allowed(request, Scope.ADMIN, "node")
    form = NodeForm(request.POST or None)
    form.offer("gateway", [(one.name, one.name) for one in gateways.listed(actor)])
    return carry_out(
        request,
        FormPage(_("New node"), _("Make it"), (back(),)),
        form,
        lambda given: node_tokens.add(actor, **given),
        lambda made: _reveal(request, made, form.cleaned_data["name"]),
    )


def _reveal(request: HttpRequest, issued: Any, node: str) -> HttpResponse:
    then = reverse("console_node", args=[node])
    start = "headgate node --control-plane URL --token TOKEN"
    more = ((_("Start it with"), start),)
    return reveal(request, Secret(_("The node's token"), issued.secret.text, then, more))


@form_view
def rotate(request: HttpRequest, node: str) -> HttpResponse:
    """A new token for it."""
    actor = allowed(request, Scope.ADMIN, "node")
    nodes.get(actor, node)
    at = reverse("console_node", args=[node])
    title = _("New token for %(name)s") % {"name": node}
    return carry_out(
        request,
        FormPage(title, _("Make it"), (back(), (node, at))),
        RotateForm(request.POST or None),
        lambda given: node_tokens.rotate(actor, node, overlap_seconds=overlap_seconds(given)),
        lambda made: _reveal(request, made, node),
    )


@form_view
def delete(request: HttpRequest, node: str) -> HttpResponse:
    """Forget a node that is gone for good."""
    actor = allowed(request, Scope.ADMIN, "node")
    nodes.get(actor, node)
    form_page = FormPage(
        _("Forget %(name)s") % {"name": node},
        _("Forget the node"),
        (back(), (node, reverse("console_node", args=[node]))),
        lead=_("Its tokens end: if it still runs, it serves what it has and gets nothing new."),
    )
    return confirmed(
        request,
        form_page,
        node,
        lambda: nodes.delete(actor, node),
        (_("The node is forgotten."), back()[1]),
    )
