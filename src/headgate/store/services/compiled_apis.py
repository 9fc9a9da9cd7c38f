"""What is in compiled APIs, parsed once for each content, and which are needed no more?"""

from collections.abc import Iterable

from headgate.model.codec import from_json
from headgate.model.snapshot import SnapshotAPI
from headgate.store.models import APIRevision, Gateway, Revision
from headgate.store.services import contracts

PARSED_APIS_MAX = 4096  # compiled APIs kept parsed, by content: about 1 MB per 1,000 operations

_parsed_apis: dict[tuple[str, int], SnapshotAPI] = {}
"""By digest and row. Content never changes under its digest, so that nothing here grows old."""


def parsed(rows: Iterable[int]) -> tuple[SnapshotAPI, ...]:
    """Compiled APIs by row, ordered by name and version; parsed once for each content."""
    keys = list(APIRevision.objects.filter(pk__in=list(rows)).values_list("sha256", "pk"))
    missing = [pk for digest, pk in keys if (digest, pk) not in _parsed_apis]
    if len(_parsed_apis) + len(missing) > PARSED_APIS_MAX:
        _parsed_apis.clear()
        missing = [pk for _, pk in keys]
    bodies = APIRevision.objects.filter(pk__in=missing).values_list("sha256", "pk", "body")
    found = {key: _parsed_apis[key] for key in keys if key in _parsed_apis}
    found |= {(digest, pk): from_json(SnapshotAPI, bytes(body)) for digest, pk, body in bodies}
    _parsed_apis.update(found)
    return tuple(sorted(found.values(), key=lambda api: (api.name, api.version)))


def forget_old(served: Gateway, kept_max: int) -> None:
    """Drop revisions beyond the newest `kept_max` and the compiled APIs that nothing lists."""
    old = served.revisions.filter(number__lte=served.revision - kept_max)
    dropped = {pk for revision in old for pk in revision.apis.values()}
    if not dropped:
        old.delete()
        return
    old.delete()
    for kept in Revision.objects.values_list("apis", flat=True):
        dropped -= set(kept.values())
    APIRevision.objects.filter(pk__in=dropped).delete()
    contracts.forget_unused()
