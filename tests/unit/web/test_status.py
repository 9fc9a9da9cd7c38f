"""Is what is wrong with a node said in words, with what to do about it?"""

from typing import Any

import pytest

from headgate.web.api.nodes import NodeOut
from headgate.web.api.status import ACCESS_LAG_MAX, troubles


def node(**more: Any) -> NodeOut:
    """A node that is well, but for `more`."""
    values: dict[str, Any] = dict.fromkeys(NodeOut.model_fields)
    well = {
        "id": "nod_1",
        "name": "edge",
        "gateway": "default",
        "is_stale": False,
        "seen_at": "2030-01-01T00:00:00Z",
        "seen_seconds_ago": 1.0,
        "revision_wanted": 3,
        "revision_seen": 3,
        "revision_live": 3,
        "revision_error": "",
        "access_lag": 0,
        "problems": [],
    }
    return NodeOut.model_validate(values | well | more)


def test_a_node_that_is_well_is_not_spoken_of() -> None:
    assert troubles(node()) == []
    assert troubles(node(access_lag=ACCESS_LAG_MAX)) == []


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"seen_at": None}, "never reported"),
        ({"is_stale": True, "seen_seconds_ago": 61.0}, "silent for 61 seconds"),
        ({"problems": ["The disk is full."]}, "The disk is full."),
        ({"revision_error": "no such cluster", "revision_live": 2}, "no such cluster"),
        ({"access_lag": ACCESS_LAG_MAX + 1}, "10,001 access changes behind"),
    ],
)
def test_what_is_wrong_is_said(wrong: dict[str, Any], word: str) -> None:
    (trouble,) = troubles(node(**wrong))
    assert word in trouble.detail
    assert "edge" in trouble.detail


def test_a_silent_nodes_old_words_are_not_repeated() -> None:
    silent = troubles(node(is_stale=True, problems=["The disk is full."], revision_error="x"))
    assert len(silent) == 1
