"""Is what is attached to a product or plan in force at once, for its APIs, until it is gone?"""

import pytest

from headgate.core.problems import Problem, ProblemType
from headgate.model.snapshot import CallerPolicies, PolicyUse, Snapshot, merge
from headgate.store.models import PolicyAttachment, Revision
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import plans, products
from headgate.store.services.configuration import desired_state
from headgate.store.services.gateway import policies, publishing, rollbacks
from tests.support.store import import_api, subscribed_key

HIDE = PolicyUse("json_body", {"response": {"remove": ["/price"]}})
SLOW = PolicyUse("timeout", {"seconds": 2})


@pytest.fixture
def live(admin: Actor) -> None:
    """The API `pets`, published, in the product `basic` with the plan `free`."""
    subscribed_key(admin)
    publishing.publish(admin, "pets")


def callers(node: Actor) -> dict[str, CallerPolicies]:
    delta = publishing.snapshot_delta(node, after=0)
    assert delta is not None
    served: Snapshot = merge(None, delta)
    return {one.name: one for one in served.callers}


@pytest.mark.usefixtures("live")
def test_policies_of_a_plan_are_in_force_at_once(admin: Actor, node: Actor) -> None:
    policies.set_plan(admin, "basic/free", [HIDE])
    policies.set_product(admin, "basic", [SLOW])
    found = callers(node)
    assert found["basic/free"].policies == (HIDE,)
    assert found["basic"].policies == (SLOW,)
    assert found["basic"].plan == 0
    assert len(found["basic"].apis) == 1
    assert policies.of_plan(admin, "basic/free") == (HIDE,)
    assert Revision.objects.count() == 3
    policies.set_plan(admin, "basic/free", [HIDE])
    assert Revision.objects.count() == 3
    policies.set_plan(admin, "basic/free", [])
    assert set(callers(node)) == {"basic"}


@pytest.mark.usefixtures("live")
def test_they_follow_the_apis_of_the_product(admin: Actor, node: Actor) -> None:
    policies.set_plan(admin, "basic/free", [HIDE])
    import_api(admin, "more")
    publishing.publish(admin, "more")
    assert len(callers(node)["basic/free"].apis) == 1
    products.update(admin, "basic", apis=["pets", "more"])
    assert len(callers(node)["basic/free"].apis) == 2
    products.update(admin, "basic", apis=[])
    assert callers(node) == {}


@pytest.mark.usefixtures("live")
def test_those_of_a_deleted_plan_are_in_force_no_more(admin: Actor, node: Actor) -> None:
    plans.create(admin, product="basic", name="gold")
    policies.set_plan(admin, "basic/gold", [SLOW])
    assert set(callers(node)) == {"basic/gold"}
    plans.delete(admin, "basic/gold")
    assert callers(node) == {}


def test_those_of_a_deleted_product_are_in_force_no_more(admin: Actor, node: Actor) -> None:
    import_api(admin)
    products.create(admin, name="basic", apis=["pets"])
    plans.create(admin, product="basic", name="free")
    policies.set_plan(admin, "basic/free", [SLOW])
    publishing.publish(admin, "pets")
    assert set(callers(node)) == {"basic/free"}
    products.delete(admin, "basic")
    assert callers(node) == {}


@pytest.mark.usefixtures("live")
def test_a_rollback_takes_them_back_and_the_next_change_brings_them(
    admin: Actor, node: Actor
) -> None:
    policies.set_plan(admin, "basic/free", [HIDE])
    rollbacks.rollback(admin, "default", revision=1)
    assert callers(node) == {}
    policies.set_product(admin, "basic", [SLOW])
    assert set(callers(node)) == {"basic", "basic/free"}


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize("kind", ["cors", "rate_limit", "validate", "shield"])
def test_what_acts_before_the_caller_is_known_is_refused_when_it_is_attached(
    admin: Actor, kind: str
) -> None:
    for attach in (
        lambda use: policies.set_plan(admin, "basic/free", [use]),
        lambda use: policies.set_product(admin, "basic", [use]),
    ):
        with pytest.raises(Problem) as caught:
            attach(PolicyUse(kind, {"allow_origins": ["https://a.example"]}))
        assert caught.value.type is ProblemType.INVALID_INPUT
        assert "cannot be attached to a product or plan: " in caught.value.errors[0].message
    assert not PolicyAttachment.objects.exists()


@pytest.mark.usefixtures("live")
def test_what_does_not_fit_an_operation_is_refused_and_nothing_changes(
    admin: Actor, node: Actor
) -> None:
    with pytest.raises(Problem) as caught:
        policies.set_plan(admin, "basic/free", [PolicyUse("rewrite", {"path": "/{unknown}"})])
    assert caught.value.type is ProblemType.CONFLICT
    assert "plan basic/free" in caught.value.errors[0].message
    assert callers(node) == {}
    assert policies.of_plan(admin, "basic/free") == ()


@pytest.mark.usefixtures("live")
def test_the_policies_of_an_operation_are_listed_for_a_plan_with_their_places(
    admin: Actor,
) -> None:
    policies.set_operation(admin, "pets", "getPet", [SLOW])
    policies.set_plan(admin, "basic/free", [HIDE, SLOW])
    found = policies.effective_for(admin, "pets", "getPet", gateway="default", plan="basic/free")
    assert [(one.use.kind, one.place, one.replaced_by) for one in found] == [
        ("json_body", "plan basic/free", ""),
        ("timeout", "plan basic/free", ""),
        ("timeout", "operation pets/getPet", "plan basic/free"),
    ]
    plain = policies.effective_for(admin, "pets", "getPet", gateway="default")
    assert [one.place for one in plain] == ["operation pets/getPet"]
    products.create(admin, name="other")
    plans.create(admin, product="other", name="free")
    with pytest.raises(Problem, match="does not hold the API"):
        policies.effective_for(admin, "pets", "getPet", gateway="default", plan="other/free")


@pytest.mark.usefixtures("live")
def test_what_was_exported_is_applied_without_a_change(admin: Actor, node: Actor) -> None:
    policies.set_plan(admin, "basic/free", [HIDE])
    policies.set_product(admin, "basic", [SLOW])
    written = desired_state.export(admin)
    assert desired_state.apply(admin, written) == []
    for document in written:
        if document["kind"] == "plan":
            document["policies"] = []
        if document["kind"] == "product":
            document["policies"] = [{"kind": "timeout", "settings": {"seconds": 3}}]
    before = Revision.objects.count()
    changes = desired_state.apply(admin, written)
    assert {(one.kind, one.fields) for one in changes} == {
        ("plan", ("policies",)),
        ("product", ("policies",)),
    }
    assert Revision.objects.count() == before + 1
    assert [one.policies[0].settings for one in callers(node).values()] == [{"seconds": 3}]
    assert desired_state.apply(admin, written) == []


@pytest.mark.usefixtures("live")
def test_a_mistake_in_an_applied_plan_is_named_by_its_place(admin: Actor) -> None:
    wrong = {"kind": "plan", "name": "basic/free", "policies": [{"kind": "cors", "settings": {}}]}
    with pytest.raises(Problem) as caught:
        desired_state.apply(admin, [wrong])
    assert caught.value.errors[0].pointer == "/0/policies/0/kind"
