"""Does a plan that needs approval stay shut until somebody grants it, and is everybody told?"""

from dataclasses import replace

import pytest

from headgate.access.approval import RequestState
from headgate.core.problems import Problem, ProblemType
from headgate.store.models import Mail, Subscription
from headgate.store.services.actor import Actor, Scope, implied
from headgate.store.services.alerts import mail
from headgate.store.services.catalog import plans, products
from headgate.store.services.consumers import (
    applications,
    approvals,
    members,
    organizations,
    people,
    subscriptions,
)
from headgate.store.services.consumers.roles import MemberRole, Role
from tests.support.store import AT

PASSWORD = "correct horse 9"


@pytest.fixture
def acme(admin: Actor) -> Actor:
    """A developer of acme, who has made an application; and plans of a product."""
    products.create(admin, name="basic")
    plans.create(admin, product="basic", name="free")
    plans.create(admin, product="basic", name="partner", needs_approval=True)
    people.create(admin, email="op@example.com", password=PASSWORD, role=Role.OPERATOR)
    people.create(admin, email="audit@example.com", password=PASSWORD, role=Role.AUDITOR)
    developer = people.create(admin, email="dev@example.com", password=PASSWORD)
    own = organizations.create(admin, name="acme")
    members.add_member(admin, own, developer, MemberRole.OWNER)
    applications.create(admin, name="demo", organization="acme")
    found = people.member(developer, Actor("x", frozenset(), AT), "acme")
    assert found is not None
    return found


def mails() -> dict[str, list[str]]:
    """The subjects that wait, by address; read and forgotten."""
    found: dict[str, list[str]] = {}
    for row in Mail.objects.order_by("pk"):
        found.setdefault(row.to, []).append(row.subject)
    Mail.objects.all().delete()
    return found


def test_without_a_grant_there_is_no_subscription(acme: Actor) -> None:
    with pytest.raises(Problem, match="needs approval") as caught:
        subscriptions.create(acme, application="demo", plan="basic/partner")
    assert caught.value.type is ProblemType.CONFLICT
    held = subscriptions.create(acme, application="demo", plan="basic/free")
    with pytest.raises(Problem, match="needs approval"):
        subscriptions.update(acme, held.id, plan="basic/partner")
    assert Subscription.objects.get().plan.name == "free"


def test_an_operator_subscribes_anybody_without_a_request(admin: Actor, acme: Actor) -> None:
    made = subscriptions.create(admin, application="acme/demo", plan="basic/partner")
    assert made.plan.needs_approval
    # and what is there can be changed by its owner, as long as the plan stays
    assert subscriptions.update(acme, made.id, plan="basic/partner").plan.name == "partner"


def test_a_grant_subscribes_and_tells_both_sides(admin: Actor, acme: Actor) -> None:
    asked = approvals.ask(acme, application="demo", plan="basic/partner", reason="For a fair")
    told = mails()
    assert told["op@example.com"] == ["A request for basic/partner waits for you"]
    assert told["dev@example.com"] == ["Your request for basic/partner is on its way"]
    assert "audit@example.com" not in told
    done = approvals.grant(admin, asked.id, word="Welcome")
    assert done.state == RequestState.GRANTED
    assert Subscription.objects.get().plan.name == "partner"
    told = mails()
    assert set(told) == {"op@example.com", "dev@example.com"}
    assert told["dev@example.com"] == ["The request of acme/demo for basic/partner is granted"]


def test_a_grant_moves_a_subscription_that_is_there(admin: Actor, acme: Actor) -> None:
    held = subscriptions.create(acme, application="demo", plan="basic/free")
    asked = approvals.ask(acme, application="demo", plan="basic/partner")
    assert approvals.grant(admin, asked.id).subscription == held
    assert Subscription.objects.get().plan.name == "partner"


def test_what_was_declined_or_withdrawn_gives_nothing(admin: Actor, acme: Actor) -> None:
    first = approvals.ask(acme, application="demo", plan="basic/partner")
    approvals.decline(admin, first.id, word="Not now")
    text = mail.letter_of(Mail.objects.filter(to="dev@example.com").latest("pk")).text
    assert "Not now" in text
    second = approvals.ask(acme, application="demo", plan="basic/partner")
    approvals.withdraw(acme, second.id)
    for request_id in (first.id, second.id):
        with pytest.raises(Problem, match="and stays so"):
            approvals.grant(admin, request_id)
    assert not Subscription.objects.exists()


def test_the_same_is_asked_for_once(acme: Actor) -> None:
    approvals.ask(acme, application="demo", plan="basic/partner")
    with pytest.raises(Problem, match="has asked for"):
        approvals.ask(acme, application="demo", plan="basic/partner")
    with pytest.raises(Problem, match="needs no approval"):
        approvals.ask(acme, application="demo", plan="basic/free")


def test_nobody_grants_their_own_request_or_sees_that_of_others(acme: Actor) -> None:
    asked = approvals.ask(acme, application="demo", plan="basic/partner")
    for act in (approvals.grant, approvals.decline):
        with pytest.raises(Problem) as caught:
            act(acme, asked.id)
        assert caught.value.type is ProblemType.NOT_FOUND
    globex = Actor("g", implied([Scope.KEYS]), AT, organization="globex")
    with pytest.raises(Problem) as caught:
        approvals.find(globex, asked.id)
    assert caught.value.type is ProblemType.NOT_FOUND
    assert not approvals.visible(globex).exists()
    viewer = replace(acme, scopes=implied([Scope.READ]))
    with pytest.raises(Problem) as caught:
        approvals.ask(viewer, application="demo", plan="basic/partner")
    assert caught.value.type is ProblemType.FORBIDDEN
