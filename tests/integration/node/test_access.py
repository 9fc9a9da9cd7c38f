"""Are keys in force the moment the control plane has them, and still there when it is gone?"""

import dataclasses
import hashlib

import httpx2
import pytest

from headgate.gateway.filter import LIBRARIES
from headgate.model.access import (
    APIRow,
    ApplicationRow,
    CredentialRow,
    PlanRow,
    RowState,
    SubscriptionRow,
)
from headgate.node.settings import built_filter_folder
from tests.integration.node.conftest import Node
from tests.support.control_plane import Row, wait_until

pytestmark = pytest.mark.integration
KEY = "hg_" + "k" * 38


@pytest.fixture
def filtered(node: Node) -> Node:
    """A node whose Envoy runs the access filter, with one API and one application."""
    assert (built_filter_folder() / LIBRARIES[0]).is_file(), "run `make build` first"
    node.options = {"has_filter": True}
    node.state.change(*rows())
    node.start()
    node.publish(1)
    node.wait_live(1)
    wait_until(lambda: call(node, KEY) == 200)
    return node


def test_a_key_works_and_stops_as_soon_as_the_control_plane_says_so(filtered: Node) -> None:
    other = "hg_" + "o" * 38
    assert call(filtered, other) == 401
    row = credential(2, other, changed=10)
    filtered.state.change(row)
    wait_until(lambda: call(filtered, other) == 200)
    filtered.state.change(dataclasses.replace(row, changed=11, state=RowState.REVOKED))
    wait_until(lambda: call(filtered, other) == 401)


def test_keys_are_known_without_a_control_plane(filtered: Node) -> None:
    filtered.stop()
    filtered.state.set_down(True)
    filtered.start()
    wait_until(lambda: call(filtered, KEY) == 200)
    assert call(filtered, "hg_" + "z" * 38) == 401


def test_rows_of_another_store_replace_all_of_the_old_ones(filtered: Node) -> None:
    other = "hg_" + "o" * 38
    filtered.state.restart("g2")
    filtered.state.change(*rows(other))
    wait_until(lambda: call(filtered, other) == 200)
    assert call(filtered, KEY) == 401
    wait_until(lambda: filtered.state.reports[-1].access_generation == "g2")


def test_many_rows_come_in_pages(filtered: Node) -> None:
    filtered.state.page_rows_max = 100
    keys = [f"hg_{number:038d}" for number in range(1_000)]
    filtered.state.change(
        *(credential(10 + at, key, changed=100 + at) for at, key in enumerate(keys))
    )
    wait_until(lambda: call(filtered, keys[-1]) == 200)
    assert call(filtered, keys[0]) == 200
    wait_until(lambda: filtered.state.reports[-1].access_sequence == 1_099)


def test_counters_reach_the_control_plane_and_are_repeated_until_they_do(filtered: Node) -> None:
    filtered.state.set_down(True)
    for _ in range(5):
        assert call(filtered, KEY) == 200
    call(filtered, "hg_" + "z" * 38)
    filtered.state.set_down(False)
    upstream = filtered.upstream
    wait_until(lambda: _counted(filtered, "application", 1)[0] == upstream.calls)
    wait_until(lambda: sum(_counted(filtered, "operation", 10)) > upstream.calls)


def test_a_damaged_table_is_made_anew_and_said(filtered: Node) -> None:
    filtered.stop()
    (filtered.folder / "access.tbl").write_bytes(b"not a table")
    filtered.start()
    wait_until(lambda: call(filtered, KEY) == 200)
    assert any("damaged" in said for said in filtered.state.reports[-1].problems)
    assert (filtered.folder / "access.damaged").exists()


def rows(key: str = KEY) -> list[Row]:
    """One application that may call the API of row 1."""
    return [
        PlanRow(1, 1, "pln_000000000001", ()),
        APIRow(1, 2, (1,)),
        ApplicationRow(1, 3, "app_000000000001", "org_000000000001", RowState.ACTIVE),
        SubscriptionRow(1, 4, "sub_000000000001", 1, 1, 1, RowState.ACTIVE),
        credential(1, key, changed=5),
    ]


def credential(row: int, key: str, *, changed: int) -> CredentialRow:
    """The row of a key of application 1."""
    sha256 = hashlib.sha256(key.encode()).hexdigest()
    return CredentialRow(row, changed, f"key_{row:012d}", 1, sha256, RowState.ACTIVE)


def call(node: Node, key: str) -> int:
    """The status of one call with a key."""
    url = f"http://127.0.0.1:{node.port}/a1/r0"
    return httpx2.get(url, headers={"x-api-key": key}, timeout=60).status_code


def _counted(node: Node, kind: str, row: int) -> tuple[int, int]:
    found = (0, 0)
    for report in node.state.reports:
        for reading in report.counters:
            if (reading.kind, reading.row) == (kind, row):
                found = (reading.allowed, reading.rejected)
    return found
