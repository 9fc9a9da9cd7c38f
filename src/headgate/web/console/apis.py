"""Which APIs are there, where is each live, who calls it, and what can be done with it?"""

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from headgate.catalog.lifecycle import Step, steps
from headgate.model.lifecycle import Lifecycle
from headgate.store.models import API, APIVersion, Gateway, Operation
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.catalog import apis, versions
from headgate.store.services.gateway import gateways, policies, unpublished
from headgate.store.services.values import count_of
from headgate.web.console import hits
from headgate.web.console.pages import (
    Act,
    Cell,
    Part,
    Thing,
    allowed,
    badge,
    code,
    link,
    listed,
    number,
    show,
    text,
    when,
)
from headgate.web.console.sensitive import mark_acts, mark_fact
from headgate.web.site.listing import Column, Filter, Listing
from headgate.web.site.words import lifecycle_name

OPERATIONS_SHOWN_MAX = 20
NOWHERE = "-"  # no gateway has this name


def back() -> tuple[str, str]:
    """The way to the list."""
    return _("APIs"), reverse("console_apis")


def address(reference: str, act: str = "") -> str:
    """The page of a version, or of something to do with it."""
    return reverse(f"console_api_{act}" if act else "console_api", args=[reference])


def crumbs(found: APIVersion) -> tuple[tuple[str, str], ...]:
    """The way to a page below a version's own."""
    return back(), (found.path, address(found.path))


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All APIs."""
    actor = allowed(request, Scope.READ)
    live = gateways.live_versions()
    operations = Operation.objects.filter(
        removed_at=None, version__is_default=True, version__removed_at=None
    )
    rows = apis.visible(actor).annotate(operations_count=count_of(operations, "version__api"))
    names = [gateway.name for gateway in gateways.listed(actor)]
    listing: Listing[API] = Listing(
        name="apis",
        columns=(
            Column("name", _("Name"), lambda row: (row.name, address(row.name)), "link", "name"),
            Column("title", _("Title"), lambda row: row.title or None, sort="title"),
            Column("base_path", _("Base path"), _base_path, "mono"),
            Column(
                "versions",
                _("Versions"),
                lambda row: ", ".join(sorted(one.name for one in row.versions.all())),
            ),
            Column(
                "operations",
                _("Operations"),
                lambda row: row.operations_count,  # type: ignore[attr-defined]  # annotated
                "number",
                "operations_count",
            ),
            Column("live", _("Live on"), lambda row: _live_badge(row, live), "badge"),
            Column("created", _("Imported"), lambda row: row.created_at, "instant", "created_at"),
        ),
        search=("name", "title"),
        filters=(
            Filter(
                "live",
                _("Live on"),
                (*((name, name) for name in names), (NOWHERE, _("nowhere"))),
                lambda value: _is_live_on(value, live),
            ),
        ),
        order="name",
    )
    return listed(
        request,
        actor,
        listing,
        rows,
        title=_("APIs"),
        empty=_("No API yet. Import an OpenAPI document to begin."),
        acts=(Act(_("Import an API"), reverse("console_import"), Scope.WRITE, "main"),),
    )


def _base_path(api: API) -> str:
    return apis.version(api).base_path or "/"


def _live_badge(api: API, live: dict[int, list[Gateway]]) -> tuple[str, str]:
    found = {gateway.name for one in api.versions.all() for gateway in live.get(one.pk, ())}
    return (", ".join(sorted(found)), "good") if found else (_("nowhere"), "")


def _is_live_on(name: str, live: dict[int, list[Gateway]]) -> Q:
    if name == NOWHERE:
        return ~Q(versions__pk__in=list(live))
    rows = [row for row, found in live.items() if any(one.name == name for one in found)]
    return Q(pk__in=APIVersion.objects.filter(pk__in=rows).values("api"))


@require_safe
def one(request: HttpRequest, api: str) -> HttpResponse:
    """One version of an API: where it is live, who calls it, and what it is made of."""
    actor = allowed(request, Scope.READ)
    found = apis.get_version(actor, api)
    document = found.document
    upstream = ", ".join(f"{host.host}:{host.port}" for host in found.upstream.hosts)
    live = {gateway.pk for gateway in gateways.live_versions().get(found.pk, ())}
    outdated = {gateway.pk for gateway in unpublished.outdated_on(found)}
    thing = Thing(
        title=found.api.title or found.path,
        back=(back(),),
        badges=_badges(found, live, outdated),
        facts=(
            (_("Name"), code(found.path)),
            (_("Version"), text(found.name)),
            *end_facts(found),
            (_("Base path"), code(found.base_path or "/")),
            (_("Upstream"), code(f"{upstream}{found.upstream.path_prefix}")),
            (_("Who may call"), text(_("everybody") if found.is_open else _("subscribers"))),
            *mark_fact(found.api),
            (
                _("Key in"),
                text(", ".join(f"{key.location} {key.name}" for key in found.key_sources)),
            ),
            (_("Document"), text(f"{document.format}, {document.sha256[:12]}")),
            (_("Imported"), when(document.imported_at)),
            (_("Policies"), text(", ".join(u.kind for u in policies.of_api(actor, api)) or None)),
        ),
        acts=_acts(found),
        parts=(
            _gateways(actor, found, live, outdated),
            hits.callers(actor, api=found.api.name, version=found.name),
            _versions(actor, found),
            _operations(found),
        ),
    )
    return show(request, actor, thing)


def _badges(found: APIVersion, live: set[int], outdated: set[int]) -> list[tuple[str, str]]:
    badges = [(_("live"), "good") if live else (_("not published"), "")]
    if found.is_default:
        badges.append((_("default version"), "info"))
    if outdated:
        badges.append((_("unpublished changes"), "warn"))
    return badges


def _acts(found: APIVersion) -> list[Act]:
    path = found.path
    acts = [
        Act(_("Publish"), address(path, "publish"), Scope.WRITE, "main"),
        Act(_("New document"), f"{reverse('console_import')}?api={path}", Scope.WRITE),
        Act(_("Settings"), address(path, "edit"), Scope.WRITE),
        Act(_("Upstream"), address(path, "upstream"), Scope.WRITE),
        Act(_("Policies"), reverse("console_policies", args=["api", path])),
        Act(
            _("Live traffic"),
            f"{reverse('console_traffic')}?api={found.api.name}",
            Scope.TRAFFIC,
        ),
    ]
    if not found.is_default:
        acts.append(Act(_("Make it the default"), address(path, "default"), Scope.WRITE))
        acts.append(Act(_("Release"), address(path, "release"), Scope.WRITE))
    acts += [
        Act(_("Who still calls"), address(path, "callers"), Scope.TRAFFIC),
        Act(_("Empty the cache"), address(path, "purge"), Scope.WRITE),
        *end_acts(found),
        *mark_acts(found.api),
        Act(_("Delete"), address(path, "delete"), Scope.WRITE, "danger"),
    ]
    return acts


def end_acts(found: APIVersion) -> list[Act]:
    """What can be done in its state."""
    can = steps(Lifecycle(found.lifecycle))
    titles = (
        (Step.DEPRECATE, _("Deprecate"), "deprecate", ""),
        (Step.UNDEPRECATE, _("Take the deprecation back"), "undeprecate", ""),
        (Step.RETIRE, _("Retire"), "retire", "danger"),
    )
    return [
        Act(title, address(found.path, name), Scope.WRITE, kind)
        for step, title, name, kind in titles
        if step in can
    ]


def end_facts(found: APIVersion) -> list[tuple[str, Cell]]:
    """What is said of its end, if anything is."""
    told = [(_("State"), text(lifecycle_name(found.lifecycle)))]
    if found.deprecated_at is not None:
        told.append((_("Deprecated since"), when(found.deprecated_at)))
    if found.sunset_at is not None:
        told.append((_("Ends"), when(found.sunset_at)))
    if found.successor:
        told.append((_("Where to go"), text(found.successor)))
    return told


def _gateways(actor: Actor, found: APIVersion, live: set[int], outdated: set[int]) -> Part:
    rows = []
    for gateway in gateways.listed(actor):
        query = f"?gateway={gateway.name}"
        is_live = gateway.pk in live
        state = badge(_("not published"))
        if is_live:
            is_changed = gateway.pk in outdated
            state = (
                badge(_("live, with unpublished changes"), "warn")
                if is_changed
                else badge(_("live"), "good")
            )
        act = Cell("")
        if actor.may(Scope.WRITE):
            word, where = (_("Unpublish"), "unpublish") if is_live else (_("Publish"), "publish")
            act = link(word, address(found.path, where) + query)
        rows.append(
            [
                link(gateway.name, reverse("console_gateway", args=[gateway.name])),
                state,
                number(gateway.revision),
                act,
            ]
        )
    heads = (_("Gateway"), _("State"), _("Revision of the gateway"), "")
    return Part(_("Gateways"), heads, rows, _("There is no gateway."))


def _versions(actor: Actor, found: APIVersion) -> Part:
    rows = versions.listed(actor, found.api.name)
    live = gateways.live_versions()
    further = f"{reverse('console_import')}?api={found.api.name}"
    return Part(
        _("Versions"),
        (_("Version"), _("Base path"), _("Live on"), _("Imported")),
        [
            [
                link(row.name, address(row.path)),
                code(row.base_path or "/"),
                text(", ".join(gateway.name for gateway in live.get(row.pk, ()))),
                when(row.document.imported_at),
            ]
            for row in rows
        ],
        acts=(Act(_("New version"), further, Scope.WRITE),),
    )


def _operations(found: APIVersion) -> Part:
    rows = found.operations.filter(removed_at=None).order_by("path", "method", "pk")
    total = rows.count()
    return Part(
        _("Operations (%(n)s)") % {"n": f"{total:,}"},
        (_("Operation"), _("Method"), _("Path"), _("Summary")),
        [
            [
                link(row.id, operation_address(found.path, row.id)),
                code(row.method),
                code(row.path),
                text(row.summary),
            ]
            for row in rows[:OPERATIONS_SHOWN_MAX]
        ],
        _("None."),
        more=(_("All operations, with search"), address(found.path, "operations")),
    )


def operation_address(reference: str, operation: str) -> str:
    """The page of an operation."""
    return reverse("console_operation", args=[reference, operation])
