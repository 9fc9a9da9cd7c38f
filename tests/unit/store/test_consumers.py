"""Organizations, applications, subscriptions: who may see and do what."""

import pytest

from headgate.core.problems import Problem, ProblemType
from headgate.model.access import RowState
from headgate.store.models import Application, Credential, Subscription
from headgate.store.services.actor import Actor, Scope, implied
from headgate.store.services.catalog import plans, products
from headgate.store.services.consumers import (
    applications,
    credentials,
    organizations,
    subscriptions,
)
from tests.support.store import AT, subscribed_key


def of_organization(name: str, *scopes: Scope) -> Actor:
    """An actor who may know of one organization only."""
    return Actor("developer", implied(scopes), AT, organization=name)


def test_an_application_is_found_by_its_name_while_only_one_has_it(admin: Actor) -> None:
    applications.create(admin, name="demo", organization="acme", create_organization=True)
    assert applications.get(admin, "demo").path == "acme/demo"
    assert applications.get(admin, "acme/demo").path == "acme/demo"
    applications.create(admin, name="demo", organization="umbrella", create_organization=True)
    with pytest.raises(Problem, match="Several organizations") as caught:
        applications.get(admin, "demo")
    assert caught.value.type is ProblemType.INVALID_INPUT


def test_an_organization_is_made_only_when_asked_for(admin: Actor) -> None:
    with pytest.raises(Problem) as caught:
        applications.create(admin, name="demo", organization="acme")
    assert caught.value.type is ProblemType.NOT_FOUND
    assert not Application.objects.exists()


def test_a_name_can_be_used_again_after_deletion_but_never_a_row(admin: Actor) -> None:
    first = applications.create(admin, name="a", organization="acme", create_organization=True)
    with pytest.raises(Problem) as caught:
        applications.create(admin, name="a", organization="acme")
    assert caught.value.type is ProblemType.ALREADY_EXISTS
    applications.delete(admin, "acme/a")
    second = applications.create(admin, name="a", organization="acme")
    assert second.pk > first.pk


@pytest.mark.parametrize("name", ["", "Acme", "a b", "-a", "a" * 64, "a\0"])
def test_what_is_no_name_is_refused(admin: Actor, name: str) -> None:
    with pytest.raises(Problem) as caught:
        organizations.create(admin, name=name)
    assert caught.value.errors[0].pointer == "/name"


def test_an_organization_sees_its_own_and_nothing_else(admin: Actor) -> None:
    subscribed_key(admin)
    other = of_organization("umbrella", Scope.KEYS)
    organizations.create(admin, name="umbrella")
    assert [row.name for row in organizations.page(other).items] == ["umbrella"]
    assert applications.page(other).items == ()
    assert credentials.page(other).items == ()
    assert subscriptions.page(other).items == ()
    key, subscription = Credential.objects.get(), Subscription.objects.get()
    for attempt in (
        lambda: organizations.get(other, "acme"),
        lambda: applications.get(other, "acme/demo"),
        lambda: applications.delete(other, "acme/demo"),
        lambda: credentials.issue(other, application="acme/demo"),
        lambda: credentials.revoke(other, key.id),
        lambda: subscriptions.cancel(other, subscription.id),
        lambda: products.update(of_organization("acme", Scope.WRITE), "basic", title="x"),
    ):
        with pytest.raises(Problem) as caught:
            attempt()
        assert caught.value.type is ProblemType.NOT_FOUND
    own = of_organization("acme", Scope.KEYS)
    assert applications.get(own, "demo").name == "demo"
    assert credentials.revoke(own, key.id).revoked_at == AT


def test_who_lacks_the_scope_is_forbidden_and_nothing_happens(admin: Actor) -> None:
    subscribed_key(admin)
    reader = Actor("reader", implied([Scope.READ]), AT)
    for attempt in (
        lambda: organizations.create(reader, name="x"),
        lambda: credentials.issue(reader, application="demo"),
        lambda: products.delete(reader, "basic"),
    ):
        with pytest.raises(Problem) as caught:
            attempt()
        assert caught.value.type is ProblemType.FORBIDDEN
    assert Credential.objects.count() == 1


def test_suspending_an_organization_suspends_its_applications_at_once(admin: Actor) -> None:
    subscribed_key(admin)
    before = Application.objects.get()
    assert before.state is RowState.ACTIVE
    organizations.update(admin, "acme", is_suspended=True)
    after = Application.objects.get()
    assert after.state is RowState.SUSPENDED
    assert after.changed > before.changed
    organizations.update(admin, "acme", is_suspended=False)
    assert Application.objects.get().state is RowState.ACTIVE


def test_deleting_an_application_revokes_its_keys_and_cancels_its_subscriptions(
    admin: Actor,
) -> None:
    issued = subscribed_key(admin)
    applications.delete(admin, "acme/demo")
    key, subscription = Credential.objects.get(), Subscription.objects.get()
    assert key.state is RowState.REVOKED
    assert key.changed > issued.credential.changed
    assert subscription.state is RowState.REMOVED
    with pytest.raises(Problem):
        applications.get(admin, "acme/demo")


def test_an_organization_with_applications_cannot_be_deleted(admin: Actor) -> None:
    subscribed_key(admin)
    with pytest.raises(Problem, match="still has the application 'demo'"):
        organizations.delete(admin, "acme")
    applications.delete(admin, "acme/demo")
    organizations.delete(admin, "acme")
    assert organizations.page(admin).items == ()


def test_one_application_has_one_subscription_to_a_product(admin: Actor) -> None:
    subscribed_key(admin)
    plans.create(admin, product="basic", name="gold", rates=["100/second"])
    with pytest.raises(Problem) as caught:
        subscriptions.create(admin, application="demo", plan="basic/gold")
    assert caught.value.type is ProblemType.CONFLICT
    first = Subscription.objects.get()
    subscriptions.update(admin, first.id, plan="basic/gold")
    assert Subscription.objects.get().plan.name == "gold"
    subscriptions.cancel(admin, first.id)
    again = subscriptions.create(admin, application="demo", plan="basic/free")
    assert again.pk > first.pk


def test_a_subscription_does_not_move_to_another_product(admin: Actor) -> None:
    subscribed_key(admin)
    products.create(admin, name="other")
    plans.create(admin, product="other", name="free")
    with pytest.raises(Problem, match="another product"):
        subscriptions.update(admin, Subscription.objects.get().id, plan="other/free")


def test_an_edited_plan_keeps_slots_and_a_used_plan_is_not_deleted(admin: Actor) -> None:
    subscribed_key(admin)
    plan = plans.update(admin, "basic/free", rates=[], quotas=["5000/month", "50/day"])
    assert [None if limit is None else str(limit) for limit in plan.limits] == [
        None,
        "5000/month",
        "50/day",
    ]
    with pytest.raises(Problem, match="'acme/demo' is subscribed"):
        plans.delete(admin, "basic/free")
    with pytest.raises(Problem, match="'acme/demo' is subscribed"):
        products.delete(admin, "basic")
    subscriptions.cancel(admin, Subscription.objects.get().id)
    products.delete(admin, "basic")
    with pytest.raises(Problem):
        plans.get(admin, "basic/free")


@pytest.mark.parametrize(
    ("rates", "quotas", "pointer"),
    [(["ten"], [], "/rates/0"), (["1/second"], ["5/second"], "/quotas/0")],
)
def test_a_limit_that_is_none_is_named_by_its_place(
    admin: Actor, rates: list[str], quotas: list[str], pointer: str
) -> None:
    products.create(admin, name="basic")
    with pytest.raises(Problem) as caught:
        plans.create(admin, product="basic", name="free", rates=rates, quotas=quotas)
    assert caught.value.errors[0].pointer == pointer


def test_pages_follow_one_another_without_gap_or_double(admin: Actor) -> None:
    for number in range(7):
        organizations.create(admin, name=f"org-{number}")
    seen, cursor = [], None
    while True:
        page = organizations.page(admin, cursor=cursor, limit=3)
        seen += [row.name for row in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == [f"org-{number}" for number in range(7)]


@pytest.mark.parametrize(("cursor", "limit"), [("x", 1), ("-1", 1), (None, 0), (None, 1001)])
def test_a_cursor_or_limit_that_is_none_is_refused(
    admin: Actor, cursor: str | None, limit: int
) -> None:
    with pytest.raises(Problem) as caught:
        organizations.page(admin, cursor=cursor, limit=limit)
    assert caught.value.type is ProblemType.INVALID_INPUT
