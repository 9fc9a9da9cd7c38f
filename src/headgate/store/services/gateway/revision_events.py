"""What is told of a gateway's new revision? Which versions it publishes, changes or takes away."""

from headgate.model.events import EventKind
from headgate.store.models import APIVersion, Revision
from headgate.store.services.alerts import event_log

VERSIONS_TOLD_MAX = 50


def tell(revision: Revision, before: int, *, is_back: bool) -> None:
    """Publish the event of a revision that follows the one numbered `before`."""
    gateway = revision.gateway
    present = gateway.revisions.filter(number=before).first()
    old, new = (present.apis if present else {}), revision.apis
    changed = sorted(int(row) for row in old.keys() | new.keys() if old.get(row) != new.get(row))
    versions = APIVersion.objects.filter(pk__in=changed[:VERSIONS_TOLD_MAX])
    event_log.publish(
        revision.created_at,
        EventKind.GATEWAY_ROLLED_BACK if is_back else EventKind.GATEWAY_PUBLISHED,
        subject=gateway.name,
        data={
            "gateway": gateway.name,
            "revision": revision.number,
            "revision_before": before,
            "note": revision.note,
            "versions": sorted(row.path for row in versions.select_related("api")),
        },
    )
