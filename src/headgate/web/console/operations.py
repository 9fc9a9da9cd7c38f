"""Which operations does a version have, and which policies hold for each, from which place?"""

import json
from collections.abc import Sequence
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from headgate.gateway.effective import Effective
from headgate.store.models import APIVersion, Operation
from headgate.store.services.actor import Scope
from headgate.store.services.catalog import apis
from headgate.store.services.gateway import policies
from headgate.web.console import scopes
from headgate.web.console.apis import address, back, operation_address
from headgate.web.console.pages import (
    Act,
    Part,
    Thing,
    allowed,
    badge,
    code,
    listed,
    show,
    text,
)
from headgate.web.console.sensitive import mark_acts, mark_fact
from headgate.web.site.listing import Column, Filter, Listing


@require_safe
def page(request: HttpRequest, api: str) -> HttpResponse:
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
def one(request: HttpRequest, api: str, operation: str) -> HttpResponse:
    """One operation: every policy that holds for it, with the place that it came from."""
    actor = allowed(request, Scope.READ)
    found = apis.get_version(actor, api)
    row = apis.operation(actor, api, operation)
    thing = Thing(
        title=f"{row.method} {row.path}",
        back=(back(), (found.path, address(found.path))),
        badges=((_("deprecated"), "warn"),) if row.is_deprecated else (),
        lead=row.summary,
        facts=(
            (_("Operation"), code(row.id)),
            (_("At the gateway"), code(f"{row.method} {found.base_path}{row.path}")),
            (_("The document asks for"), text(scopes.told(row.needs))),
            (_("Its own policy asks for"), text(scopes.own_told(actor, api, operation))),
            *mark_fact(found.api, row.id),
        ),
        acts=(
            Act(
                _("Policies of its own"),
                reverse("console_policies", args=["operation", f"{found.path}/{row.id}"]),
            ),
            Act(
                _("Scopes and roles"),
                reverse("console_scopes", args=[found.path, row.id]),
                Scope.WRITE,
            ),
            Act(
                _("Empty the cache"),
                f"{address(found.path, 'purge')}?{urlencode({'operation': row.id})}",
                Scope.WRITE,
            ),
            Act(
                _("Live traffic"),
                f"{reverse('console_traffic')}?api={found.api.name}&text={row.id}",
                Scope.TRAFFIC,
            ),
            *mark_acts(found.api, row.id),
        ),
        parts=[
            effective_part(gateway.name, found)
            for gateway, found in policies.effective_everywhere(actor, api, operation)
        ],
    )
    return show(request, actor, thing)


def effective_part(gateway: str, found: Sequence[Effective]) -> Part:
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
            for one in found
        ],
        _("None."),
        lead=_("As edited: what publishing the API would put in force, in order of action."),
    )


def _settings(settings: object) -> str:
    written = json.dumps(settings, ensure_ascii=False)
    return written if len(written) <= 300 else f"{written[:300]}…"
