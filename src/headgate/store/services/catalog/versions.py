"""Which versions does an API have, and which one does its plain name mean?"""

from headgate.core.phrases import phrase
from headgate.store.models import APIVersion, Release
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.audit import Action
from headgate.store.services.catalog import apis
from headgate.store.services.transactions import change
from headgate.store.services.values import refused


def listed(actor: Actor, name: str) -> list[APIVersion]:
    """The versions of an API, the default one first, then the newest.

    Raises:
        Problem: NOT_FOUND.
    """
    actor.require_operator(Scope.READ, "API")
    rows = list(apis.find(name).versions.all())
    return sorted(rows, key=lambda row: (not row.is_default, -row.pk))


@change()
def make_default(actor: Actor, name: str) -> APIVersion:
    """Let an API's plain name mean the version `name` (`pets@v2`). In force when published.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; ALREADY_EXISTS: another API has
            its base path; CONFLICT: a release is under way.
    """
    actor.require_operator(Scope.WRITE, "API")
    row = apis.served(name)
    if row.is_default:
        return row
    before = apis.version(row.api)
    if Release.objects.filter(stable=before, removed_at=None).exists():
        raise refused(
            phrase("A release of '{name}' is under way.", name=row.api.name),
            phrase("Promote it or end it first: headgate promote {name}.", name=row.api.name),
        )
    row.base_path = apis.free_base_path(row.base_path, row)
    before.is_default, row.is_default = False, True
    before.save(update_fields=["is_default"])
    row.save(update_fields=["is_default"])
    audit.record(
        actor,
        Action.API_CHANGED,
        row.api.name,
        before={"default_version": before.name},
        after={"default_version": row.name},
    )
    return apis.served(row.api.name)
