"""Who is meant by a name, and what is the name of an id that stands in a record?"""

from collections.abc import Iterable
from typing import Any

from django.db.models import Manager

from headgate.core.phrases import phrase
from headgate.core.problems import Problem, ProblemType
from headgate.store.models import Application, Organization, Plan
from headgate.store.services.actor import Actor, not_found
from headgate.store.services.consumers import reach

IDS_PER_STATEMENT = 500  # below SQLite's limit of parameters
_NAMED: dict[str, tuple[Manager[Any], tuple[str, ...]]] = {
    "org_": (Organization.objects, ("name",)),
    "app_": (Application.objects, ("organization__name", "name")),
    "pln_": (Plan.objects, ("product__name", "name")),
}
"""How ids begin, whose they are, and what people call these by."""


def organization_id(actor: Actor, name: str) -> str:
    """The id of an organization by its name or id; former ones too: their records remain.

    Raises:
        Problem: NOT_FOUND, also for one that the actor may not know of.
    """
    rows = Organization.objects.filter(name=name) | Organization.objects.filter(id=name)
    found = rows.order_by("-row").first()
    if found is None or actor.organization not in {None, found.name}:
        raise not_found("organization", name)
    return found.id


def application_id(actor: Actor, name: str) -> str:
    """The id of an application by `acme/demo`, `demo` where that is unambiguous, or its id.

    Raises:
        Problem: NOT_FOUND; CONFLICT when several organizations have one of that name.
    """
    owner, _, own = name.rpartition("/")
    rows = Application.objects.filter(name=own)
    if owner:
        rows = rows.filter(organization__name=owner)
    else:
        rows = rows | Application.objects.filter(id=name)
    rows = reach.within(actor, rows)
    ids = list(rows.filter(removed_at=None).order_by("-row").values_list("id", flat=True)[:2])
    if len(ids) > 1:
        raise Problem(
            ProblemType.CONFLICT,
            phrase("Several organizations have an application '{name}'.", name=name),
            phrase("Write it with its organization, like acme/{own}.", own=own),
        )
    if not ids:
        ids = list(rows.order_by("-row").values_list("id", flat=True)[:1])
    if not ids:
        raise not_found("application", name)
    return ids[0]


def plan_id(name: str) -> str:
    """The id of a plan by `basic/free` or its id.

    Raises:
        Problem: NOT_FOUND.
    """
    product, _, own = name.rpartition("/")
    rows = Plan.objects.filter(name=own, product__name=product) | Plan.objects.filter(id=name)
    found = rows.order_by("-row").values_list("id", flat=True).first()
    if found is None:
        raise not_found("plan", name)
    return found


def names(ids: Iterable[str]) -> dict[str, str]:
    """What people call organizations, applications and plans; unknown ids stay as they are."""
    wanted = sorted({value for value in ids if value})
    found = {value: value for value in wanted}
    for prefix, (rows, path) in _NAMED.items():
        own = [value for value in wanted if value.startswith(prefix)]
        for start in range(0, len(own), IDS_PER_STATEMENT):
            some = rows.filter(id__in=own[start : start + IDS_PER_STATEMENT])
            found.update((row[0], "/".join(row[1:])) for row in some.values_list("id", *path))
    return found
