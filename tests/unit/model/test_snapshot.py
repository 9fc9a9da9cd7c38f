"""Does a snapshot survive its journey, and does a delta lead to the right one?"""

import pytest

from headgate.core.problems import Problem
from headgate.model.codec import as_json, from_json
from headgate.model.snapshot import (
    Snapshot,
    SnapshotAPI,
    SnapshotDelta,
    SnapshotOperation,
    Upstream,
    UpstreamHost,
    merge,
)
from headgate.model.tokens import TokenIssuer


def _api(row: int, name: str) -> SnapshotAPI:
    upstream = Upstream((UpstreamHost("127.0.0.1", 9000),))
    operations = (SnapshotOperation(row * 10, "list", "GET", "/pets"),)
    return SnapshotAPI(row, name, "v1", f"/{name}", upstream, operations)


def test_a_snapshot_reads_back_as_it_was_written() -> None:
    snapshot = Snapshot(3, "default", (_api(1, "a"), _api(2, "b")))
    assert from_json(Snapshot, as_json(snapshot)) == snapshot


def test_the_issuer_of_tokens_is_as_the_last_delta_says() -> None:
    issuer = TokenIssuer("https://apis.example.com", "https://apis.example.com/apis", "{}")
    first = merge(None, SnapshotDelta(0, 1, "default", issuer=issuer))
    assert from_json(Snapshot, as_json(first)).issuer == issuer
    assert merge(first, SnapshotDelta(1, 2, "default")).issuer is None


def test_a_text_that_is_no_snapshot_is_a_problem_with_places() -> None:
    with pytest.raises(Problem) as caught:
        from_json(Snapshot, b'{"revision": "three", "gateway": "default"}')
    assert caught.value.errors[0].pointer == "/revision"


def test_a_delta_adds_replaces_and_removes() -> None:
    before = Snapshot(1, "default", (_api(1, "a"), _api(2, "b")))
    after = merge(before, SnapshotDelta(1, 2, "default", (_api(3, "0"), _api(2, "bb")), (1,)))
    assert [api.name for api in after.apis] == ["0", "bb"]
    assert after.revision == 2


def test_a_complete_delta_forgets_what_was_before() -> None:
    before = Snapshot(1, "default", (_api(1, "a"),))
    assert merge(before, SnapshotDelta(0, 9, "default", (_api(2, "b"),))).apis == (_api(2, "b"),)


@pytest.mark.parametrize("before", [None, Snapshot(4, "default")])
def test_a_delta_from_another_revision_is_refused(before: Snapshot | None) -> None:
    with pytest.raises(ValueError, match="starts from revision 1"):
        merge(before, SnapshotDelta(1, 2, "default"))
