"""Which operations of a snapshot does a call need a grant for, and what do their routes say?"""

from dataclasses import replace

from headgate.model.sensitive import SensitiveMark, mark_of
from headgate.model.snapshot import Snapshot, SnapshotAPI, SnapshotOperation

FLAG = "d"  # in the name of a route: `filter/tokens.zig`
MARK_WORD = "mark"  # of the route's metadata: `filter/grants.zig`
ASK_WORD = "ask"
ASK_SOMEWHERE = "in the developer portal"


def marked(snapshot: Snapshot) -> Snapshot:
    """The snapshot with each mark at the operations that it covers."""
    if not snapshot.marks:
        return snapshot
    by_api: dict[str, list[SensitiveMark]] = {}
    for mark in snapshot.marks:
        by_api.setdefault(mark.api, []).append(mark)
    apis = tuple(
        _marked_api(api, by_api[api.name]) if api.name in by_api else api for api in snapshot.apis
    )
    return replace(snapshot, apis=apis)


def _marked_api(api: SnapshotAPI, marks: list[SensitiveMark]) -> SnapshotAPI:
    return replace(api, operations=tuple(_marked(one, marks) for one in api.operations))


def _marked(operation: SnapshotOperation, marks: list[SensitiveMark]) -> SnapshotOperation:
    mark = mark_of(marks, operation.id, operation.method, operation.path)
    return operation if mark is None else replace(operation, mark=mark)


def flag(mark: SensitiveMark | None) -> str:
    """The letter in the name of the operation's route."""
    return "" if mark is None else FLAG


def words(mark: SensitiveMark | None) -> dict[str, str]:
    """What the route says: to the filter, and to whoever is refused."""
    if mark is None:
        return {}
    return {
        MARK_WORD: str(mark.row),
        ASK_WORD: f"at {mark.ask_at}" if mark.ask_at else ASK_SOMEWHERE,
    }
