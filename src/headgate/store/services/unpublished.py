"""Which APIs were changed and not published since? Asked of the last changes, not of all APIs."""

from dataclasses import dataclass

from headgate.store.models import APIVersion, AuditEntry
from headgate.store.services import gateways, publishing
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.audit import Action

CHANGES = (
    Action.API_IMPORTED,
    Action.API_REIMPORTED,
    Action.API_CHANGED,
    Action.POLICIES_CHANGED,
)
LOOKED_AT_MAX = 100  # entries of the audit log
COMPILED_MAX = 20  # APIs that are compared with what is live


@dataclass(frozen=True, slots=True)
class Unpublished:
    """A version that differs from what is live on a gateway; without one: live nowhere."""

    version: APIVersion
    gateway: str


def changes(actor: Actor) -> list[Unpublished]:
    """Versions changed lately whose change is not live, the one changed last first.

    Looks at no more than `COMPILED_MAX` versions: comparing means compiling.

    Raises:
        Problem: FORBIDDEN without the scope `read`; NOT_FOUND for an organization's actor.
    """
    actor.require_operator(Scope.READ, "API")
    live = gateways.live_versions()
    found: list[Unpublished] = []
    for version in _changed()[:COMPILED_MAX]:
        served = live.get(version.pk, [])
        if not served:
            found.append(Unpublished(version, ""))
        found += [
            Unpublished(version, gateway.name)
            for gateway in served
            if publishing.has_unpublished_changes(version, gateway)
        ]
    return found


def _changed() -> list[APIVersion]:
    """The versions that the last entries speak of, in their order, each once."""
    entries = AuditEntry.objects.filter(action__in=CHANGES).order_by("-row")
    subjects = entries.values_list("subject", flat=True)[:LOOKED_AT_MAX]
    paths = list(dict.fromkeys(subject.partition(" ")[0] for subject in subjects))
    names = {path.partition("@")[0] for path in paths}
    rows = APIVersion.objects.filter(api__name__in=names, removed_at=None).select_related("api")
    by_path = {row.path: row for row in rows}
    return [by_path[path] for path in paths if path in by_path]
