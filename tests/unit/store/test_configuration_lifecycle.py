"""States of versions are written down and come back, with no change at a second apply."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headgate.core.problems import Problem
from headgate.model.lifecycle import Lifecycle, Notice
from headgate.model.snapshot import merge
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import apis, imports, lifecycle
from headgate.store.services.configuration import desired_state
from headgate.store.services.configuration.desired_state import ChangeAction
from headgate.store.services.gateway import publishing
from tests.support.store import AT, import_api, source

SUNSET = datetime(2027, 6, 30, tzinfo=UTC)
DEPRECATED = {
    "state": "deprecated",
    "deprecated_at": "2026-11-21T09:00:00+00:00",
    "sunset_at": "2027-06-30T00:00:00+00:00",
    "successor": "pets@v2",
    "link": "https://example.com/moving",
    "retires_at_sunset": True,
}


@pytest.fixture
def documents(admin: Actor) -> list[dict[str, Any]]:
    """An export with a deprecated version and its successor."""
    import_api(admin)
    imports.import_document(admin, name="pets", version="v2", source=source(), base_path="/pets-v2")
    publishing.publish(admin, "pets")
    publishing.publish(admin, "pets@v2")
    lifecycle.deprecate(
        admin,
        "pets",
        sunset_at=SUNSET,
        successor="v2",
        link="https://example.com/moving",
        retires_at_sunset=True,
    )
    return desired_state.export(admin)


def of(documents: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(one for one in documents if (one["kind"], one["name"]) == ("api", name))


def notice(node: Actor, version: str = "v1") -> Notice | None:
    delta = publishing.snapshot_delta(node, after=0)
    assert delta is not None
    return next(one for one in merge(None, delta).apis if one.version == version).notice


def test_a_deprecation_is_exported_and_applied_again_without_a_change(
    admin: Actor, documents: list[dict[str, Any]]
) -> None:
    assert of(documents, "pets")["lifecycle"] == DEPRECATED
    assert of(documents, "pets@v2")["lifecycle"] is None
    assert desired_state.apply(admin, documents) == []


def test_a_deprecation_comes_back_on_an_empty_store(
    admin: Actor, node: Actor, documents: list[dict[str, Any]]
) -> None:
    for name in ("pets@v2", "pets"):
        publishing.unpublish(admin, name)
    apis.delete(admin, "pets")
    desired_state.apply(admin, documents)
    assert notice(node) == Notice(AT, SUNSET, "https://example.com/moving", "pets@v2", "/pets-v2")
    assert desired_state.apply(admin, documents) == []
    assert desired_state.export(admin) == documents


def test_an_instant_of_another_zone_is_the_same_instant(
    admin: Actor, documents: list[dict[str, Any]]
) -> None:
    document = of(documents, "pets")
    document["lifecycle"] = DEPRECATED | {"sunset_at": "2027-06-30T02:00:00+02:00"}
    assert desired_state.apply(admin, documents) == []


def test_a_state_that_is_written_otherwise_is_one_change_and_in_force(
    admin: Actor, node: Actor, documents: list[dict[str, Any]]
) -> None:
    document = of(documents, "pets")
    retired_at = (AT + timedelta(days=1)).isoformat()
    document["lifecycle"] = DEPRECATED | {"state": "retired", "retired_at": retired_at}
    (changed,) = desired_state.apply(admin, documents)
    assert (changed.action, changed.fields) == (ChangeAction.UPDATE, ("lifecycle",))
    told = notice(node)
    assert told is not None
    assert told.is_retired
    assert desired_state.apply(admin, documents) == []
    document["lifecycle"] = None
    desired_state.apply(admin, documents)
    assert notice(node) is None
    assert apis.get_version(admin, "pets").lifecycle == Lifecycle.PUBLISHED
    assert desired_state.apply(admin, documents) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "published", "deprecated_at": "2026-01-01T00:00:00Z"},
        {"state": "deprecated"},
        {"state": "deprecated", "deprecated_at": "2026-01-01"},
        {"state": "deprecated", "deprecated_at": "2026-01-01T00:00:00Z", "link": "x"},
        {"state": "deprecated", "deprecated_at": "2026-01-01T00:00:00Z", "successor": "v2"},
    ],
)
def test_a_state_that_says_something_impossible_changes_nothing(
    admin: Actor, documents: list[dict[str, Any]], wrong: dict[str, str]
) -> None:
    of(documents, "pets")["lifecycle"] = wrong
    with pytest.raises(Problem):
        desired_state.apply(admin, documents)
    assert of(desired_state.export(admin), "pets")["lifecycle"] == DEPRECATED
