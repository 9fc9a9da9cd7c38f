"""An API may have several versions; its plain name means one of them, `api@version` any."""

import pytest

from headgate.core.problems import Problem, ProblemType
from headgate.model.snapshot import PolicyUse, Snapshot, Upstream, UpstreamHost, merge
from headgate.store.models import APIVersion
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import apis, imports, versions
from headgate.store.services.catalog.imports import Imported
from headgate.store.services.configuration import desired_state
from headgate.store.services.gateway import policies, publishing
from tests.support.store import DOCUMENT, UPSTREAM, import_api, source

LIMIT = PolicyUse("request_size", {"body_max": "1kB"})
OTHER = Upstream(hosts=(UpstreamHost("127.0.0.1", 9001),))
SECOND = DOCUMENT.replace("operationId: addPet", "operationId: createPet")


def second(actor: Actor, version: str = "v2") -> Imported:
    """A further version of `pets`."""
    return imports.import_document(actor, name="pets", version=version, source=source(SECOND))


def test_a_further_version_takes_from_the_default_what_is_not_given(admin: Actor) -> None:
    import_api(admin)
    policies.set_api(admin, "pets", [LIMIT])
    policies.set_operation(admin, "pets", "getPet", [LIMIT])
    made = second(admin)
    assert made.is_new
    row = apis.get_version(admin, "pets@v2")
    assert (row.path, row.is_default, row.base_path) == ("pets@v2", False, "/pets")
    assert row.upstream == UPSTREAM
    assert policies.of_api(admin, "pets@v2") == (LIMIT,)
    assert policies.of_operation(admin, "pets@v2", "getPet") == (LIMIT,)
    assert apis.get_version(admin, "pets").name == "v1"
    assert [row.path for row in versions.listed(admin, "pets")] == ["pets", "pets@v2"]


def test_each_version_has_its_own_settings_and_document(admin: Actor) -> None:
    import_api(admin)
    second(admin)
    apis.update(admin, "pets@v2", upstream=OTHER)
    policies.set_api(admin, "pets@v2", [LIMIT])
    assert apis.get_version(admin, "pets").upstream == UPSTREAM
    assert policies.of_api(admin, "pets") == ()
    assert {o.id for o in apis.operations(admin, "pets@v2")} >= {"createPet"}
    assert "createPet" not in {o.id for o in apis.operations(admin, "pets")}


def test_an_import_without_a_version_never_makes_a_further_one(admin: Actor) -> None:
    import_api(admin)
    with pytest.raises(Problem) as caught:
        import_api(admin)
    assert caught.value.type is ProblemType.ALREADY_EXISTS
    second(admin)
    with pytest.raises(Problem, match="'pets@v2'"):
        second(admin)


def test_a_version_that_is_not_there_is_not_found(admin: Actor) -> None:
    import_api(admin)
    for reference in ("pets@v9", "dogs@v1", "pets@"):
        with pytest.raises(Problem) as caught:
            apis.get_version(admin, reference)
        assert caught.value.type is ProblemType.NOT_FOUND


def snapshot(node: Actor) -> Snapshot:
    """What a new node would serve."""
    delta = publishing.snapshot_delta(node, after=0)
    assert delta is not None
    return merge(None, delta)


def test_a_version_at_the_same_path_stands_by_until_it_is_the_default(
    admin: Actor, node: Actor
) -> None:
    import_api(admin)
    second(admin)
    publishing.publish(admin, "pets")
    publishing.publish(admin, "pets@v2")
    served = snapshot(node)
    assert [api.version for api in served.apis] == ["v1", "v2"]
    assert [api.version for api in served.routed] == ["v1"]
    versions.make_default(admin, "pets@v2")
    assert apis.get_version(admin, "pets").name == "v2"
    publishing.publish_all(admin, "default", apis_in=["pets@v1", "pets"], apis_out=[])
    assert [api.version for api in snapshot(node).routed] == ["v2"]


def test_a_version_at_its_own_path_is_reached_beside_the_default(admin: Actor, node: Actor) -> None:
    import_api(admin)
    imports.import_document(
        admin, name="pets", version="v2", source=source(SECOND), base_path="/pets-v2"
    )
    publishing.publish(admin, "pets")
    publishing.publish(admin, "pets@v2")
    assert [api.base_path for api in snapshot(node).routed] == ["/pets", "/pets-v2"]
    import_api(admin, "dogs")
    with pytest.raises(Problem, match="base path '/pets-v2' already"):
        apis.update(admin, "dogs", base_path="/pets-v2")


def test_a_version_is_deleted_alone_and_an_api_with_all_of_them(admin: Actor) -> None:
    import_api(admin)
    second(admin)
    publishing.publish(admin, "pets@v2")
    with pytest.raises(Problem, match="headgate unpublish pets@v2"):
        apis.delete(admin, "pets@v2")
    with pytest.raises(Problem, match="headgate unpublish pets@v2"):
        apis.delete(admin, "pets")
    publishing.unpublish(admin, "pets@v2")
    apis.delete(admin, "pets@v2")
    assert [row.path for row in versions.listed(admin, "pets")] == ["pets"]
    second(admin)
    apis.delete(admin, "pets")
    assert not APIVersion.objects.filter(removed_at=None).exists()


def test_an_api_has_a_limit_of_versions(admin: Actor) -> None:
    import_api(admin)
    for number in range(2, imports.VERSIONS_MAX + 1):
        second(admin, f"v{number}")
    with pytest.raises(Problem) as caught:
        second(admin, "one-more")
    assert caught.value.type is ProblemType.CONFLICT


def test_versions_are_exported_and_a_second_apply_changes_nothing(admin: Actor) -> None:
    import_api(admin)
    second(admin)
    policies.set_api(admin, "pets@v2", [LIMIT])
    publishing.publish(admin, "pets@v2")
    written = desired_state.export(admin)
    assert [d["name"] for d in written if d["kind"] == "api"] == ["pets", "pets@v2"]
    assert desired_state.apply(admin, written) == []
    publishing.unpublish(admin, "pets@v2")
    apis.delete(admin, "pets")
    backwards = list(reversed(written))  # a version may stand before its API
    made = desired_state.apply(admin, backwards)
    assert [change.name for change in made if change.kind == "api"] == ["pets", "pets@v2"]
    assert desired_state.export(admin) == written
    pruned = desired_state.apply(admin, [d for d in written if d["kind"] == "gateway"], prune=True)
    assert [change.name for change in pruned if change.kind == "api"] == ["pets@v2", "pets"]
