"""What is in compiled APIs, parsed once for each content, and which are needed no more?"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import sha256

from headgate.model.codec import as_json, from_json
from headgate.model.snapshot import SnapshotAPI
from headgate.store.models import APIRevision, APIVersion, Gateway, Revision
from headgate.store.services.actor import Actor
from headgate.store.services.gateway import contracts

PARSED_APIS_MAX = 4096  # compiled APIs kept parsed, by content: about 1 MB per 1,000 operations

_parsed_apis: dict[tuple[str, int], SnapshotAPI] = {}
"""By digest and row. Content never changes under its digest, so that nothing here grows old."""


def parsed(rows: Iterable[int]) -> tuple[SnapshotAPI, ...]:
    """Compiled APIs by row, ordered by name and version; parsed once for each content."""
    return tuple(sorted(parsed_by_row(rows).values(), key=lambda api: (api.name, api.version)))


def parsed_by_row(rows: Iterable[int]) -> dict[int, SnapshotAPI]:
    """Those of these rows that are kept."""
    keys = list(APIRevision.objects.filter(pk__in=list(rows)).values_list("sha256", "pk"))
    missing = [pk for digest, pk in keys if (digest, pk) not in _parsed_apis]
    if len(_parsed_apis) + len(missing) > PARSED_APIS_MAX:
        _parsed_apis.clear()
        missing = [pk for _, pk in keys]
    bodies = APIRevision.objects.filter(pk__in=missing).values_list("sha256", "pk", "body")
    found = {key: _parsed_apis[key] for key in keys if key in _parsed_apis}
    found |= {(digest, pk): from_json(SnapshotAPI, bytes(body)) for digest, pk, body in bodies}
    _parsed_apis.update(found)
    return {pk: api for (_, pk), api in found.items()}


def stored(version: APIVersion, api: SnapshotAPI, actor: Actor) -> APIRevision:
    """A compiled API's row; one for each content."""
    body = as_json(api)
    compiled, _ = APIRevision.objects.get_or_create(
        version=version,
        sha256=sha256(body).hexdigest(),
        defaults={"body": body, "contract": api.contract, "created_at": actor.at},
    )
    return compiled


def stand_by(default: APIVersion, live: Mapping[str, int], actor: Actor) -> dict[str, int]:
    """The other live versions of an API as they are beside a new default one; nothing else of
    them changes. Those that were no default already are left out."""
    found: dict[str, int] = {}
    others = APIVersion.objects.filter(api=default.api, pk__in=map(int, live)).exclude(
        pk=default.pk
    )
    for other in others:
        (compiled,) = parsed([live[str(other.pk)]])
        if compiled.is_default:
            changed = replace(compiled, is_default=False, version_by="")
            found[str(other.pk)] = stored(other, changed, actor).pk
    return found


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
