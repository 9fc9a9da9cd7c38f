"""What does each gateway serve, since when, and how does one go back?"""

from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.model.codec import from_data
from headgate.model.node import NodeReport
from headgate.store.models import APIVersion, Gateway, Node
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.gateway import gateways, nodes, policies, publishing, rollbacks
from headgate.store.services.values import count_of
from headgate.web.console import hits
from headgate.web.console.pages import (
    Act,
    Cell,
    FormPage,
    Part,
    Thing,
    allowed,
    badge,
    carry_out,
    code,
    link,
    listed,
    number,
    show,
    text,
    when,
)
from headgate.web.site.forms import NameField, SiteForm, form_view
from headgate.web.site.listing import Column, Filter, Listing, counted

CHANGES_SHOWN_MAX = 12  # of one revision


class TitleForm(SiteForm):
    """What people read of it."""

    title = forms.CharField(label=gettext_lazy("Title"), required=False)


class GatewayForm(TitleForm):
    """With a name that stays."""

    name = NameField()
    field_order = ("name", "title")


def back() -> tuple[str, str]:
    """The way to the list."""
    return _("Gateways"), reverse("console_gateways")


def address(name: str) -> str:
    """The page of one."""
    return reverse("console_gateway", args=[name])


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All gateways."""
    actor = allowed(request, Scope.READ)
    rows = gateways.visible(actor).annotate(
        nodes_count=count_of(Node.objects.filter(removed_at=None), "gateway")
    )
    live: dict[int, int] = {}
    for found in gateways.live_versions().values():
        for gateway in found:
            live[gateway.pk] = live.get(gateway.pk, 0) + 1
    listing: Listing[Gateway] = Listing(
        name="gateways",
        columns=(
            Column("name", _("Name"), lambda row: (row.name, address(row.name)), "link", "name"),
            Column("title", _("Title"), lambda row: row.title or None, sort="title"),
            Column("revision", _("Revision"), lambda row: row.revision, "number", "revision"),
            Column("apis", _("Published"), lambda row: live.get(row.pk, 0), "number"),
            counted("nodes", _("Nodes")),
            Column("created", _("Made"), lambda row: row.created_at, "instant", "created_at"),
        ),
        search=("name", "title"),
        filters=(
            Filter(
                "serving",
                _("Serves"),
                (("something", _("something")), ("nothing", _("nothing"))),
                lambda value: Q(revision__gt=0) if value == "something" else Q(revision=0),
            ),
        ),
        order="name",
    )
    return listed(
        request,
        actor,
        listing,
        rows,
        title=_("Gateways"),
        empty=_("No gateway."),
        acts=(Act(_("New gateway"), reverse("console_gateway_new"), Scope.ADMIN, "main"),),
    )


@require_safe
def one(request: HttpRequest, gateway: str) -> HttpResponse:
    """One gateway: its nodes, what is live, and its revisions."""
    actor = allowed(request, Scope.READ)
    found = gateways.get(actor, gateway)
    kinds = ", ".join(use.kind for use in policies.of_gateway(actor, gateway))
    thing = Thing(
        title=found.title or found.name,
        back=(back(),),
        facts=(
            (_("Name"), code(found.name)),
            (_("Live revision"), number(found.revision)),
            (_("Policies"), text(kinds)),
            (_("Nodes that divide shared rates"), number(found.rate_nodes)),
            (_("Made"), when(found.created_at)),
        ),
        acts=(
            Act(_("Policies"), reverse("console_policies", args=["gateway", gateway])),
            hits.events_of(gateway),
            Act(_("Change title"), reverse("console_gateway_edit", args=[gateway]), Scope.ADMIN),
        ),
        parts=(_nodes(actor, found), _live(found), _revisions(actor, found)),
    )
    return show(request, actor, thing)


def _nodes(actor: Actor, found: Gateway) -> Part:
    rows = nodes.visible(actor).filter(gateway=found).order_by("name")
    return Part(
        _("Nodes"),
        (_("Name"), _("State"), _("Live revision"), _("Last report"), _("Envoy says")),
        [
            [
                link(row.name, reverse("console_node", args=[row.name])),
                badge(*node_state(row, actor)),
                number(row.state.revision_live if has_state(row) else None),
                when(row.state.received_at if has_state(row) else None),
                text(row.state.revision_error[:300] if has_state(row) else None),
            ]
            for row in rows
        ],
        _("None: nothing serves what is published here."),
    )


def has_state(node: Node) -> bool:
    """Whether it has ever reported."""
    return hasattr(node, "state")


def node_state(node: Node, actor: Actor) -> tuple[str, str]:
    """The badge of a node, from its last report."""
    if not has_state(node):
        return _("never reported"), "bad"
    if nodes.is_stale(node.state, actor.at):
        return _("silent"), "bad"
    if node.state.revision_error:
        return _("refused a revision"), "bad"
    if node.state.envoy_state != "serving":
        return node.state.envoy_state, "warn"
    if node.state.revision_live != node.gateway.revision:
        return _("behind"), "warn"
    return _("serving"), "good"


def report(node: Node) -> NodeReport | None:
    """Its last report."""
    return from_data(NodeReport, node.state.report) if has_state(node) else None


def _live(found: Gateway) -> Part:
    rows = APIVersion.objects.filter(pk__in=map(int, gateways.live_apis(found)))
    return Part(
        _("Published here"),
        (_("API"), _("Version"), _("Base path")),
        [
            [
                link(row.path, reverse("console_api", args=[row.path])),
                text(row.name),
                code(row.base_path or "/"),
            ]
            for row in rows.select_related("api").order_by("api__name", "name")[:50]
        ],
        _("Nothing yet."),
        more=(_("All APIs"), f"{reverse('console_apis')}?live={found.name}"),
    )


def _revisions(actor: Actor, found: Gateway) -> Part:
    rows = []
    for one in rollbacks.described(actor, found.name).items:
        row = one.revision
        last = badge(_("live"), "good") if one.is_current else Cell("")
        if not one.is_current and actor.may(Scope.ADMIN):
            last = link(
                _("Go back to it"), reverse("console_rollback", args=[found.name, row.number])
            )
        rows.append(
            [
                text(f"{row.number:,}"),
                when(row.created_at),
                text(row.actor),
                text(row.note),
                text(told(one)),
                last,
            ]
        )
    return Part(
        _("Revisions"),
        (_("Number"), _("Made"), _("By"), _("Note"), _("What changed"), ""),
        rows,
        _("Nothing was ever published."),
        lead=_("The last %(n)s are kept.") % {"n": publishing.REVISIONS_KEPT_MAX},
    )


def told(one: rollbacks.DescribedRevision) -> str:
    """What a revision changed, in a line."""
    if one.is_first_known:
        return _("the first that is kept")
    found = [
        f"{change.api} {change.kind}" + (f" ({', '.join(change.what)})" if change.what else "")
        for change in one.apis
    ]
    more = f" … ({len(found)})" if len(found) > CHANGES_SHOWN_MAX else ""
    return "; ".join([*found[:CHANGES_SHOWN_MAX], *one.others]) + more


@form_view
def new(request: HttpRequest) -> HttpResponse:
    """Make one."""
    actor = allowed(request, Scope.ADMIN, "gateway")
    return carry_out(
        request,
        FormPage(_("New gateway"), _("Make it"), (back(),)),
        GatewayForm(request.POST or None),
        lambda given: gateways.create(actor, **given),
        lambda made: (_("The gateway was made. Give it a node."), address(made.name)),
    )


@form_view
def edit(request: HttpRequest, gateway: str) -> HttpResponse:
    """Change its title."""
    actor = allowed(request, Scope.ADMIN, "gateway")
    found = gateways.get(actor, gateway)
    return carry_out(
        request,
        FormPage(_("Change the title"), _("Save"), (back(), (gateway, address(gateway)))),
        TitleForm(request.POST or None, initial={"title": found.title}),
        lambda given: gateways.update(actor, gateway, **given),
        lambda _row: (_("Saved."), address(gateway)),
    )


@form_view
def rollback(request: HttpRequest, gateway: str, revision: int) -> HttpResponse:
    """Serve again what a kept revision served, of the whole gateway or of one API."""
    actor = allowed(request, Scope.ADMIN, "gateway")
    gateways.get(actor, gateway)
    api = request.GET.get("api", "")[:127]
    later = [
        one
        for one in rollbacks.described(actor, gateway, api=api).items
        if one.revision.number > revision
    ]
    what = f"{api}, {gateway}" if api else gateway
    form_page = FormPage(
        _("Go back to revision %(n)s of %(name)s") % {"n": f"{revision:,}", "name": what},
        _("Go back to it"),
        (back(), (gateway, address(gateway))),
        lead=_(
            "A new revision with the content of that one goes live. Documents, settings and"
            " policies stay as edited; releases that run end. The present revision is kept:"
            " you can come back."
        ),
        is_danger=True,
        hits=(
            Part(
                _("What is taken back"),
                (_("Revision"), _("Made"), _("By"), _("What it changed")),
                [
                    [
                        text(f"{one.revision.number:,}"),
                        when(one.revision.created_at),
                        text(one.revision.actor),
                        text(told(one)),
                    ]
                    for one in later
                ],
                _("Nothing."),
            ),
        ),
    )
    return carry_out(
        request,
        form_page,
        SiteForm(request.POST or None),
        lambda _given: rollbacks.rollback(actor, gateway, revision=revision, api=api),
        _rolled_back,
    )


def _rolled_back(made: Any) -> tuple[str, str]:
    said = _("Revision %(n)s is on its way to the nodes.") % {"n": f"{made.number:,}"}
    return said, address(made.gateway.name)
