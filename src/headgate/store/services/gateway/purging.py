"""How is what a gateway has cached declared void? By a number in the operation's route.

What was stored under an earlier number is never given again. The number travels in a revision
that changes nothing else: drafts of policies, upstreams and documents stay drafts.
"""

from dataclasses import replace

from django.db.models import F

from headgate.model.codec import from_json
from headgate.model.snapshot import SnapshotAPI
from headgate.store.models import APIRevision, Revision
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.catalog import apis
from headgate.store.services.gateway import compiled_apis, gateways, publishing
from headgate.store.services.gateway.gateways import DEFAULT_GATEWAY
from headgate.store.services.transactions import change
from headgate.store.services.values import refused


@change()
def purge(
    actor: Actor, api: str, *, operation: str = "", gateway: str = DEFAULT_GATEWAY
) -> Revision:
    """Declare void what a gateway has cached of an API, or of one of its operations.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND; CONFLICT: the API is not
            published there.
    """
    actor.require_operator(Scope.WRITE, "API")
    served = publishing.locked(gateway)
    version = apis.served(api)
    wanted = gateways.live_apis(served)
    live = wanted.get(str(version.pk))
    if live is None:
        raise refused(
            gateways.not_published(api, gateway),
            "Nothing of it is cached there; there is nothing to do.",
        )
    rows = version.operations.filter(removed_at=None)
    if operation:
        rows = rows.filter(id=operation)
    if not rows.update(cache_purges=F("cache_purges") + 1) and operation:
        raise not_found("operation", operation)
    purges = dict(rows.values_list("pk", "cache_purges"))
    compiled = from_json(SnapshotAPI, bytes(APIRevision.objects.get(pk=live).body))
    changed = tuple(
        replace(one, purged=purges.get(one.row, one.purged)) for one in compiled.operations
    )
    row = compiled_apis.stored(version, replace(compiled, operations=changed), actor)
    present = served.revisions.get(number=served.revision)
    return publishing.advance(
        actor,
        served,
        wanted | {str(version.pk): row.pk},
        Action.CACHE_PURGED,
        f"purge the cache of {api} {operation}".strip(),
        as_in=present,
    )
