"""How callers choose versions is set on the API, and another default version is one publication."""

import pytest

from headgate.core.problems import Problem, ProblemType
from headgate.model.snapshot import Snapshot, merge
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import apis, imports, lifecycle, versions
from headgate.store.services.configuration import desired_state
from headgate.store.services.gateway import publishing, releases
from tests.support.store import import_api, source

BY = "header:x-api-version"


@pytest.fixture
def two(admin: Actor) -> None:
    import_api(admin)
    imports.import_document(admin, name="pets", version="v2", source=source())
    apis.update(admin, "pets", version_by="header:X-API-Version")
    publishing.publish(admin, "pets")
    publishing.publish(admin, "pets@v2")


def served(node: Actor) -> Snapshot:
    delta = publishing.snapshot_delta(node, after=0)
    assert delta is not None
    return merge(None, delta)


def said(node: Actor) -> dict[str, tuple[bool, str]]:
    return {api.version: (api.is_default, api.version_by) for api in served(node).apis}


@pytest.mark.usefixtures("two")
def test_the_default_version_says_how_the_others_are_chosen(admin: Actor, node: Actor) -> None:
    assert said(node) == {"v1": (True, BY), "v2": (False, "")}
    assert apis.get_version(admin, "pets@v2").api.version_by == BY
    apis.update(admin, "pets", version_by="")
    publishing.publish(admin, "pets")
    assert said(node) == {"v1": (True, ""), "v2": (False, "")}


@pytest.mark.usefixtures("two")
def test_another_default_version_is_in_force_with_its_publication(
    admin: Actor, node: Actor
) -> None:
    before = {api.version: api for api in served(node).apis}
    versions.make_default(admin, "pets@v2")
    publishing.publish(admin, "pets")
    assert said(node) == {"v1": (False, ""), "v2": (True, BY)}
    after = {api.version: api for api in served(node).apis}
    assert after["v1"].operations == before["v1"].operations


@pytest.mark.parametrize("text", ["path", "header:host", "query:a b"])
def test_what_is_no_way_to_choose_is_refused(admin: Actor, text: str) -> None:
    import_api(admin)
    with pytest.raises(Problem) as refused:
        apis.update(admin, "pets", version_by=text)
    assert refused.value.type is ProblemType.INVALID_INPUT
    assert [error.pointer for error in refused.value.errors] == ["/version_by"]
    assert apis.get_version(admin, "pets").api.version_by == ""


@pytest.mark.usefixtures("two")
def test_a_release_would_choose_for_the_caller_and_is_refused(admin: Actor) -> None:
    with pytest.raises(Problem, match="a release is under way, which would choose"):
        releases.start(admin, "pets@v2", percent=5)


@pytest.mark.usefixtures("two")
def test_a_successor_beside_says_how_it_is_chosen(admin: Actor, node: Actor) -> None:
    lifecycle.deprecate(admin, "pets", successor="v2")
    notices = {api.version: api.notice for api in served(node).apis}
    first = notices["v1"]
    assert first is not None
    assert (first.successor_path, first.successor_choice) == ("/pets", "x-api-version: v2")


@pytest.mark.usefixtures("two")
def test_the_choice_is_written_down_at_the_default_version_alone(admin: Actor) -> None:
    documents = desired_state.export(admin)
    of = {one["name"]: one for one in documents if one["kind"] == "api"}
    assert of["pets"]["version_by"] == BY
    assert "version_by" not in of["pets@v2"]
    assert desired_state.apply(admin, documents) == []
    of["pets@v2"]["version_by"] = "query:version"
    with pytest.raises(Problem, match="said at the default one"):
        desired_state.apply(admin, documents)
    del of["pets@v2"]["version_by"]
    of["pets"]["version_by"] = "query:version"
    assert [change.fields for change in desired_state.apply(admin, documents)] == [("version_by",)]
    assert desired_state.apply(admin, documents) == []


@pytest.mark.usefixtures("two")
def test_an_export_with_a_choice_comes_back_on_an_empty_store(admin: Actor, node: Actor) -> None:
    documents = desired_state.export(admin)
    for name in ("pets@v2", "pets"):
        publishing.unpublish(admin, name)
    apis.delete(admin, "pets")
    desired_state.apply(admin, documents)
    assert said(node) == {"v1": (True, BY), "v2": (False, "")}
    assert desired_state.apply(admin, documents) == []
