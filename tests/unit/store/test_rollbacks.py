"""What each revision changed can be read, and any of them is one call away, whole or in part."""

import pytest

from headgate.core.problems import Problem, ProblemType
from headgate.model.snapshot import PolicyUse, SnapshotAPI, Upstream, UpstreamHost, merge
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.catalog import apis, imports
from headgate.store.services.gateway import (
    gateways,
    policies,
    publishing,
    releases,
    rollbacks,
    unpublished,
)
from headgate.store.services.gateway.rollbacks import APIChange
from tests.support.store import AT, DOCUMENT, import_api, source

OTHER = Upstream(hosts=(UpstreamHost("127.0.0.1", 9001),))
LONGER = DOCUMENT + "  /new:\n    get: {operationId: new, responses: {'200': {description: ''}}}\n"


def live(node: Actor) -> dict[str, SnapshotAPI]:
    delta = publishing.snapshot_delta(node, after=0)
    assert delta is not None
    return {api.name: api for api in merge(None, delta).apis}


@pytest.fixture
def history(admin: Actor) -> None:
    """1: pets. 2: shop. 3: pets with another upstream and one more operation. 4: a policy."""
    import_api(admin)
    import_api(admin, "shop")
    publishing.publish(admin, "pets")
    publishing.publish(admin, "shop")
    apis.update(admin, "pets", upstream=OTHER, resolve=lambda _: True)
    imports.reimport(admin, "pets", source=source(LONGER))
    publishing.publish(admin, "pets")
    policies.set_gateway(admin, "default", [PolicyUse("request_size", {"body_max": "1kB"})])


@pytest.mark.usefixtures("history")
def test_each_revision_says_who_made_it_when_and_what_it_changed(admin: Actor) -> None:
    found = rollbacks.described(admin).items
    assert [(one.revision.number, one.apis, one.others) for one in found] == [
        (4, (), ("policies of the gateway",)),
        (3, (APIChange("pets@v1", "changed", ("upstream", "operations")),), ()),
        (2, (APIChange("shop@v1", "published"),), ()),
        (1, (APIChange("pets@v1", "published"),), ()),
    ]
    assert [one.is_current for one in found] == [True, False, False, False]
    assert {(one.revision.actor, one.revision.created_at) for one in found} == {
        ("administrator", AT)
    }
    publishing.unpublish(admin, "shop")
    assert rollbacks.described(admin).items[0].apis == (APIChange("shop@v1", "unpublished"),)


@pytest.mark.usefixtures("history")
def test_the_history_of_one_api_leaves_out_the_others(admin: Actor) -> None:
    found = rollbacks.described(admin, api="pets").items
    assert [one.revision.number for one in found] == [3, 1]
    with pytest.raises(Problem):
        rollbacks.described(admin, api="nothing")


@pytest.mark.usefixtures("history")
def test_one_api_goes_back_alone_and_is_left_as_edited(admin: Actor, node: Actor) -> None:
    before = live(node)
    made = rollbacks.rollback(admin, "default", revision=1, api="pets")
    assert (made.number, made.note) == (5, "rollback of pets to 1")
    after = live(node)
    assert after["shop"] == before["shop"]
    assert len(after["pets"].operations) == 3
    assert after["pets"].upstream != OTHER
    assert made.policies == [{"kind": "request_size", "settings": {"body_max": "1kB"}}]
    version = apis.get_version(admin, "pets")
    assert version.upstream == OTHER
    assert unpublished.outdated_on(version) == [gateways.get(admin, "default")]
    publishing.publish(admin, "pets")
    assert live(node) == before


@pytest.mark.usefixtures("history")
def test_an_api_that_was_not_there_yet_is_taken_off(admin: Actor, node: Actor) -> None:
    rollbacks.rollback(admin, "default", revision=1, api="shop")
    assert set(live(node)) == {"pets"}
    assert apis.get_version(admin, "shop").lifecycle == "draft"


@pytest.mark.usefixtures("history")
def test_an_api_in_a_release_does_not_go_back_alone(admin: Actor) -> None:
    imports.import_document(admin, name="pets", version="v2", source=source())
    releases.start(admin, "pets@v2", percent=5)
    with pytest.raises(Problem) as refused:
        rollbacks.rollback(admin, "default", revision=1, api="pets")
    assert refused.value.type is ProblemType.CONFLICT
    rollbacks.rollback(admin, "default", revision=1, api="shop")
    assert len(releases.shares(gateways.get(admin, "default"))) == 1


@pytest.mark.usefixtures("history")
def test_going_back_needs_the_right_a_revision_and_an_api(admin: Actor) -> None:
    writer = Actor("writer", frozenset({Scope.WRITE, Scope.READ}), AT)
    with pytest.raises(Problem) as refused:
        rollbacks.rollback(writer, "default", revision=1, api="pets")
    assert refused.value.type is ProblemType.FORBIDDEN
    for wrong in ({"revision": 9, "api": "pets"}, {"revision": 1, "api": "nothing"}):
        with pytest.raises(Problem) as missing:
            rollbacks.rollback(admin, "default", **wrong)  # type: ignore[arg-type]  # as tested
        assert missing.value.type is ProblemType.NOT_FOUND
