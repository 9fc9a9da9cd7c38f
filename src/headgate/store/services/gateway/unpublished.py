"""Which APIs were changed and not published since? Asked of the last changes, not of all APIs."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from headgate.model.codec import as_json
from headgate.store.models import APIRevision, APIVersion, AuditEntry, Gateway
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.audit import Action
from headgate.store.services.gateway import edited, gateways

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

    Looks at no more than `COMPILED_MAX` versions, all at once: comparing means compiling.

    Raises:
        Problem: FORBIDDEN without the scope `read`; NOT_FOUND for an organization's actor.
    """
    actor.require_operator(Scope.READ, "API")
    live = gateways.live_versions()
    found: list[Unpublished] = []
    changed = _changed()[:COMPILED_MAX]
    behind = outdated(changed)
    for version in changed:
        if version.pk not in live:
            found.append(Unpublished(version, ""))
        found += [Unpublished(version, gateway.name) for gateway in behind.get(version.pk, ())]
    return found


def outdated_on(version: APIVersion) -> list[Gateway]:
    """The gateways, by name, on which the version is live otherwise than as it is edited."""
    return outdated([version]).get(version.pk, [])


def outdated(versions: Sequence[APIVersion]) -> dict[int, list[Gateway]]:
    """The same of each of these versions, by its row; those that are up to date are left out."""
    served = [
        (version.pk, one.gateway, compiled)
        for one in gateways.serving()
        for version in versions
        if (compiled := one.apis.get(str(version.pk))) is not None
    ]
    rows = APIRevision.objects.filter(pk__in={compiled for _, _, compiled in served})
    live = dict(rows.values_list("pk", "sha256"))
    asked = {row for row, _, _ in served}
    wanted = {
        api.row: sha256(as_json(api)).hexdigest()
        for api in edited.compile_apis([version for version in versions if version.pk in asked])
    }
    found: dict[int, list[Gateway]] = {}
    for row, gateway, compiled in served:
        if live.get(compiled) != wanted[row]:
            found.setdefault(row, []).append(gateway)
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
