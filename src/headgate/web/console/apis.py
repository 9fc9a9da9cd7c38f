"""Which APIs are there, where are they live, and what holds for each operation?"""

import json

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from headgate.store.models import API, APIVersion, Gateway, Operation
from headgate.store.services import apis, gateways, policies, publishing, versions
from headgate.store.services.actor import Actor, Scope, not_found
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
from headgate.web.site.listing import Column, Filter, Listing, count_of

OPERATIONS_SHOWN_MAX = 20
NOWHERE = "-"  # no gateway has this name


def back() -> tuple[str, str]:
    """The way to the list."""
    return _("APIs"), reverse("console_apis")


def address(reference: str, act: str = "") -> str:
    """The page of a version, or of something to do with it."""
    return reverse(f"console_api_{act}" if act else "console_api", args=[reference])


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
    thing = Thing(
        title=found.api.title or found.path,
        back=(back(),),
        badges=_badges(actor, found, live),
        facts=(
            (_("Name"), code(found.path)),
            (_("Version"), text(found.name)),
            (_("Base path"), code(found.base_path or "/")),
            (_("Upstream"), code(f"{upstream}{found.upstream.path_prefix}")),
            (_("Who may call"), text(_("everybody") if found.is_open else _("subscribers"))),
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
            _gateways(actor, found, live),
            hits.callers(actor, api=found.api.name, version=found.name),
            _versions(actor, found),
            _operations(found),
        ),
    )
    return show(request, actor, thing)


def _badges(actor: Actor, found: APIVersion, live: set[int]) -> list[tuple[str, str]]:
    badges = [(_("live"), "good") if live else (_("not published"), "")]
    if found.is_default:
        badges.append((_("default version"), "info"))
    served = gateways.visible(actor).filter(pk__in=live)
    if any(publishing.has_unpublished_changes(found, gateway) for gateway in served):
        badges.append((_("unpublished changes"), "warn"))
    return badges


def _acts(found: APIVersion) -> list[Act]:
    path = found.path
    acts = [
        Act(_("Publish"), address(path, "publish"), Scope.WRITE, "main"),
        Act(_("New document"), f"{reverse('console_import')}?api={path}", Scope.WRITE),
        Act(_("Settings"), address(path, "edit"), Scope.WRITE),
        Act(_("Policies"), reverse("console_policies", args=["api", path])),
        Act(
            _("Live traffic"),
            f"{reverse('console_traffic')}?api={found.api.name}",
            Scope.TRAFFIC,
        ),
    ]
    if not found.is_default:
        acts.append(Act(_("Make it the default"), address(path, "default"), Scope.WRITE))
    acts.append(Act(_("Delete"), address(path, "delete"), Scope.WRITE, "danger"))
    return acts


def _gateways(actor: Actor, found: APIVersion, live: set[int]) -> Part:
    rows = []
    for gateway in gateways.listed(actor):
        query = f"?gateway={gateway.name}"
        is_live = gateway.pk in live
        state = badge(_("not published"))
        if is_live:
            is_changed = publishing.has_unpublished_changes(found, gateway)
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


@require_safe
def operations(request: HttpRequest, api: str) -> HttpResponse:
    """All operations of a version."""
    actor = allowed(request, Scope.READ)
    found = apis.get_version(actor, api)
    rows = found.operations.filter(removed_at=None).prefetch_related("policies")
    methods = sorted(rows.order_by().values_list("method", flat=True).distinct())
    listing: Listing[Operation] = Listing(
        name="operations",
        columns=(
            Column(
                "id",
                _("Operation"),
                lambda row: (row.id, operation_address(api, row.id)),
                "link",
                "id",
            ),
            Column("method", _("Method"), lambda row: row.method, "mono", "method"),
            Column("path", _("Path"), lambda row: row.path, "mono", "path"),
            Column("summary", _("Summary"), lambda row: row.summary or None, sort="summary"),
            Column(
                "policies",
                _("Policies of its own"),
                lambda row: ", ".join(use.kind for use in row.policies.all()) or None,
            ),
            Column(
                "deprecated", _("Deprecated"), lambda row: _("yes") if row.is_deprecated else None
            ),
        ),
        search=("id", "path", "summary"),
        filters=(
            Filter(
                "method",
                _("Method"),
                tuple((method, method) for method in methods),
                lambda value: Q(method=value),
            ),
            Filter(
                "own",
                _("Policies"),
                (("yes", _("with its own")), ("no", _("without its own"))),
                lambda value: (
                    Q(pk__in=_with_policies(found))
                    if value == "yes"
                    else ~Q(pk__in=_with_policies(found))
                ),
            ),
        ),
        order="path",
    )
    return listed(
        request,
        actor,
        listing,
        rows,
        title=_("Operations of %(name)s") % {"name": found.path},
        empty=_("The document has no operations."),
        acts=(Act(_("To the API"), address(found.path)),),
    )


def _with_policies(found: APIVersion) -> list[int]:
    rows = found.operations.filter(removed_at=None, policies__isnull=False)
    return list(rows.order_by().values_list("pk", flat=True).distinct())


@require_safe
def operation(request: HttpRequest, api: str, operation: str) -> HttpResponse:
    """One operation: every policy that holds for it, with the place that it came from."""
    actor = allowed(request, Scope.READ)
    found = apis.get_version(actor, api)
    row = found.operations.filter(id=operation, removed_at=None).first()
    if row is None:
        raise not_found("operation", f"{api} {operation}")
    thing = Thing(
        title=f"{row.method} {row.path}",
        back=(back(), (found.path, address(found.path))),
        badges=((_("deprecated"), "warn"),) if row.is_deprecated else (),
        lead=row.summary,
        facts=(
            (_("Operation"), code(row.id)),
            (_("At the gateway"), code(f"{row.method} {found.base_path}{row.path}")),
        ),
        acts=(
            Act(
                _("Policies of its own"),
                reverse("console_policies", args=["operation", f"{found.path}/{row.id}"]),
            ),
            Act(
                _("Live traffic"),
                f"{reverse('console_traffic')}?api={found.api.name}&text={row.id}",
                Scope.TRAFFIC,
            ),
        ),
        parts=[
            effective_part(actor, api, operation, gateway.name)
            for gateway in gateways.listed(actor)
        ],
    )
    return show(request, actor, thing)


def effective_part(actor: Actor, api: str, operation: str, gateway: str) -> Part:
    """The policies that would hold on a gateway, in the order in which they act."""
    return Part(
        _("Policies on the gateway %(name)s") % {"name": gateway},
        (_("Policy"), _("Attached to"), _("In force"), _("Settings")),
        [
            [
                code(one.use.kind),
                text(one.place),
                badge(_("replaced by %(place)s") % {"place": one.replaced_by}, "")
                if one.replaced_by
                else badge(_("in force"), "good"),
                code(_settings(one.use.settings)),
            ]
            for one in policies.effective_for(actor, api, operation, gateway=gateway)
        ],
        _("None."),
        lead=_("As edited: what publishing the API would put in force, in order of action."),
    )


def _settings(settings: object) -> str:
    written = json.dumps(settings, ensure_ascii=False)
    return written if len(written) <= 300 else f"{written[:300]}…"
