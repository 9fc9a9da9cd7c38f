"""A revision is made in one step, never changed, and found by nodes from wherever they are."""

import pytest

from headgate.core.problems import Problem, ProblemType
from headgate.model.snapshot import PolicyUse, Snapshot, Upstream, UpstreamHost, merge
from headgate.store.models import APIRevision, Revision
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import apis, imports
from headgate.store.services.gateway import (
    gateways,
    policies,
    publishing,
    rollbacks,
    unpublished,
)
from tests.support.store import DOCUMENT, import_api, source

LIMIT = PolicyUse("request_size", {"body_max": "1kB"})
OTHER = Upstream(hosts=(UpstreamHost("127.0.0.1", 9001),))


def snapshot(node: Actor) -> Snapshot:
    """Everything that a new node would serve."""
    delta = publishing.snapshot_delta(node, after=0)
    assert delta is not None
    assert delta.base == 0
    return merge(None, delta)


def test_a_node_gets_what_was_published_and_nothing_while_it_is_up_to_date(
    admin: Actor, node: Actor
) -> None:
    assert publishing.snapshot_delta(node, after=0) is None
    import_api(admin)
    assert publishing.snapshot_delta(node, after=0) is None
    revision = publishing.publish(admin, "pets")
    assert revision.number == 1
    served = snapshot(node)
    assert (served.revision, served.gateway) == (1, "default")
    assert [api.name for api in served.apis] == ["pets"]
    assert {operation.id for operation in served.apis[0].operations} == {
        "listPets",
        "addPet",
        "getPet",
    }
    assert publishing.snapshot_delta(node, after=1) is None


def test_publishing_what_is_live_makes_no_revision(admin: Actor) -> None:
    import_api(admin)
    first = publishing.publish(admin, "pets")
    assert publishing.publish(admin, "pets") == first
    assert unpublished.outdated_on(apis.version(apis.find("pets"))) == []
    assert Revision.objects.count() == APIRevision.objects.count() == 1


def test_edits_are_not_live_before_they_are_published(admin: Actor, node: Actor) -> None:
    import_api(admin)
    publishing.publish(admin, "pets")
    apis.update(admin, "pets", upstream=OTHER)
    import_api(admin, "dogs")
    publishing.publish(admin, "dogs")
    assert snapshot(node).apis[1].upstream.hosts[0].port == 9000
    publishing.publish(admin, "pets")
    assert snapshot(node).apis[1].upstream.hosts[0].port == 9001


def test_a_delta_holds_only_what_changed(admin: Actor, node: Actor) -> None:
    for name in ("a", "b", "c"):
        import_api(admin, name)
        publishing.publish(admin, name)
    known = snapshot(node)
    apis.update(admin, "b", upstream=OTHER)
    publishing.publish(admin, "b")
    publishing.unpublish(admin, "a")
    delta = publishing.snapshot_delta(node, after=3)
    assert delta is not None
    assert (delta.base, delta.revision) == (3, 5)
    assert [api.name for api in delta.changed] == ["b"]
    assert len(delta.removed) == 1
    assert merge(known, delta) == snapshot(node)


def test_a_revision_that_is_not_known_gives_everything(admin: Actor, node: Actor) -> None:
    import_api(admin)
    publishing.publish(admin, "pets")
    delta = publishing.snapshot_delta(node, after=99)
    assert delta is not None
    assert (delta.base, delta.revision) == (0, 1)


def test_a_rollback_is_a_new_revision_with_old_content(admin: Actor, node: Actor) -> None:
    import_api(admin)
    publishing.publish(admin, "pets")
    before = snapshot(node)
    imports.reimport(admin, "pets", source=source(DOCUMENT.replace("addPet", "createPet")))
    publishing.publish(admin, "pets")
    rolled_back = rollbacks.rollback(admin, "default", revision=1)
    assert rolled_back.number == 3
    assert snapshot(node).apis == before.apis
    publishing.publish(admin, "pets")
    assert "createPet" in {operation.id for operation in snapshot(node).apis[0].operations}


def test_a_rollback_to_a_deleted_api_or_an_unknown_revision_is_refused(admin: Actor) -> None:
    import_api(admin)
    publishing.publish(admin, "pets")
    publishing.unpublish(admin, "pets")
    apis.delete(admin, "pets")
    with pytest.raises(Problem, match="have been deleted: pets"):
        rollbacks.rollback(admin, "default", revision=1)
    with pytest.raises(Problem) as caught:
        rollbacks.rollback(admin, "default", revision=7)
    assert caught.value.type is ProblemType.NOT_FOUND


def test_what_is_not_published_cannot_be_unpublished(admin: Actor) -> None:
    import_api(admin)
    with pytest.raises(Problem) as caught:
        publishing.unpublish(admin, "pets")
    assert caught.value.type is ProblemType.CONFLICT


def test_policies_of_the_gateway_are_in_force_at_once(admin: Actor, node: Actor) -> None:
    policies.set_gateway(admin, "default", [LIMIT])
    assert publishing.snapshot_delta(node, after=0) is None
    import_api(admin)
    publishing.publish(admin, "pets")
    assert snapshot(node).policies == (LIMIT,)
    policies.set_gateway(admin, "default", [])
    assert snapshot(node).revision == 2
    assert snapshot(node).policies == ()


def test_policies_of_api_and_operation_are_published_with_it(admin: Actor, node: Actor) -> None:
    import_api(admin)
    policies.set_api(admin, "pets", [LIMIT])
    policies.set_operation(admin, "pets", "getPet", [LIMIT])
    publishing.publish(admin, "pets")
    api = snapshot(node).apis[0]
    assert api.policies == (LIMIT,)
    assert {op.id: op.policies for op in api.operations}["getPet"] == (LIMIT,)


def test_what_the_gateway_could_not_serve_is_not_published(admin: Actor, node: Actor) -> None:
    ambiguous = DOCUMENT.replace(
        "  /pets/{id}:",
        '  /pets/{id}/x:\n    get:\n      responses: {"200": {description: x}}\n  /pets/{name}/x:',
    )
    import_api(admin, "good")
    publishing.publish(admin, "good")
    import_api(admin, "pets")
    try:
        imports.reimport(admin, "pets", source=source(ambiguous))
    except Problem:
        return  # the catalog refuses it already: nothing of it can be published
    with pytest.raises(Problem) as caught:
        publishing.publish(admin, "pets")
    assert caught.value.type is ProblemType.CONFLICT
    assert snapshot(node).revision == 1


def test_old_revisions_and_what_only_they_used_are_dropped(
    admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "REVISIONS_KEPT_MAX", 3)
    import_api(admin)
    import_api(admin, "stays")
    publishing.publish(admin, "stays")
    for port in range(9001, 9009):
        apis.update(admin, "pets", upstream=Upstream(hosts=(UpstreamHost("127.0.0.1", port),)))
        publishing.publish(admin, "pets")
    numbers = [revision.number for revision in gateways.revisions(admin, "default").items]
    assert numbers == [9, 8, 7]
    assert APIRevision.objects.count() == 4


def test_a_node_of_another_gateway_gets_its_own(admin: Actor, node: Actor) -> None:
    gateways.create(admin, name="staging")
    import_api(admin)
    publishing.publish(admin, "pets", gateway="staging")
    assert publishing.snapshot_delta(node, after=0) is None
    staging = Actor("n", node.scopes, node.at, gateway="staging")
    assert publishing.snapshot_delta(staging, after=0) is not None


def test_only_nodes_get_snapshots(admin: Actor) -> None:
    with pytest.raises(Problem) as caught:
        publishing.snapshot_delta(admin, after=0)
    assert caught.value.type is ProblemType.FORBIDDEN
