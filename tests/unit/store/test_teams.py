"""Does a team keep its applications to its people and the owners, wherever one asks?"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from headgate.core.ids import new_id
from headgate.core.problems import Problem, ProblemType
from headgate.model.events import EventKind
from headgate.store.models import Application, Mail, Membership, User, Webhook
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.alerts import event_log, expiry_mails, mail, webhooks
from headgate.store.services.catalog import plans, products
from headgate.store.services.configuration import desired_state
from headgate.store.services.consumers import (
    applications,
    approvals,
    credentials,
    members,
    organizations,
    people,
    subscriptions,
    teams,
    tokens,
)
from headgate.store.services.consumers.roles import MemberRole, TeamRole
from headgate.store.services.consumers.teams import TEAMS_MAX
from headgate.store.services.oauth import clients, device_grants, foreign_clients
from headgate.store.services.traffic.names import application_id
from tests.support.store import AT

HOOK = "https://hooks.example.com/payments"
NOBODY = Actor("x", frozenset(), AT)


@dataclass
class Acme:
    """An organization with the team `payments`, which has the application `till`; `demo` is
    everybody's."""

    admin: Actor

    def of(self, name: str) -> Actor:
        """A member, asked for anew: what they may know of is as it is now."""
        user = people.find(self.admin, f"{name}@example.com")
        found = people.member(user, NOBODY, "acme")
        assert found is not None
        return found

    def sees(self, name: str) -> list[str]:
        return sorted(row.name for row in applications.visible(self.of(name)))


@pytest.fixture
def acme(admin: Actor, issuer: str) -> Acme:
    own = organizations.create(admin, name="acme")
    organizations.create(admin, name="globex")
    for name, role in (
        ("owner", MemberRole.OWNER),
        ("inside", MemberRole.DEVELOPER),
        ("keeper", MemberRole.DEVELOPER),
        ("looking", MemberRole.VIEWER),
        ("outside", MemberRole.DEVELOPER),
    ):
        user = person(name)
        members.add_member(admin, own, user, role)
    world = Acme(admin)
    owner = world.of("owner")
    teams.create(owner, "acme", name="payments", title="Payments")
    for name in ("inside", "looking"):
        teams.put_member(owner, "acme", "payments", f"{name}@example.com")
    teams.put_member(owner, "acme", "payments", "keeper@example.com", TeamRole.MAINTAINER)
    applications.create(owner, name="demo", organization="acme")
    applications.create(owner, name="till", organization="acme", team="payments")
    return world


def person(name: str) -> User:
    """Somebody with an account, who signs in by other means than a password."""
    return User.objects.create(id=new_id("usr"), created_at=AT, email=f"{name}@example.com")


def refusal(act: Callable[[], object]) -> ProblemType:
    with pytest.raises(Problem) as caught:
        act()
    return caught.value.type


def test_an_application_of_a_team_is_there_for_its_people_and_the_owners(acme: Acme) -> None:
    for name in ("owner", "inside", "keeper", "looking"):
        assert acme.sees(name) == ["demo", "till"], name
    assert acme.sees("outside") == ["demo"]


def test_all_that_it_holds_is_out_of_reach_for_others(acme: Acme) -> None:
    inside, outside = acme.of("inside"), acme.of("outside")
    products.create(acme.admin, name="basic")
    plans.create(acme.admin, product="basic", name="free")
    plans.create(acme.admin, product="basic", name="partner", needs_approval=True)
    held = subscriptions.create(inside, application="acme/till", plan="basic/free")
    key = credentials.issue(inside, application="acme/till").credential
    client = clients.create(inside, application="acme/till", has_device_flow=True).client
    device = device_grants.begin(client, "secret", [], AT)
    asked = approvals.ask(inside, application="acme/till", plan="basic/partner")
    foreign = foreign_clients.trust(
        inside, application="acme/till", issuer="https://login.example.com", client="till"
    ).credential
    for find, thing in (
        (applications.get, "acme/till"),
        (subscriptions.get, held.id),
        (credentials.get, key.id),
        (clients.get, client.id),
        (approvals.find, asked.id),
        (foreign_clients.find, foreign.id),
        (device_grants.find, device),
        (application_id, "acme/till"),
        (application_id, Application.objects.get(name="till").id),
    ):
        assert find(inside, thing)
        assert refusal(lambda find=find, thing=thing: find(outside, thing)) is (
            ProblemType.NOT_FOUND
        ), thing
    for act in (
        lambda: applications.update(outside, "acme/till", description="mine"),
        lambda: applications.delete(outside, "acme/till"),
        lambda: subscriptions.cancel(outside, held.id),
        lambda: credentials.revoke(outside, key.id),
        lambda: credentials.issue(outside, application="acme/till"),
        lambda: clients.revoke(outside, client.id),
        lambda: approvals.withdraw(outside, asked.id),
        lambda: foreign_clients.end(outside, foreign.id),
        lambda: device_grants.decide(outside, device, is_approved=True),
    ):
        assert refusal(act) is ProblemType.NOT_FOUND


def test_what_tells_of_all_applications_is_for_those_whom_no_team_limits(acme: Acme) -> None:
    assert event_log.page(acme.of("owner")).items
    assert not event_log.page(acme.of("inside")).items
    own = webhooks.create(acme.of("owner"), url=HOOK).webhook
    assert webhooks.page(acme.of("inside")).items == ()
    assert refusal(lambda: webhooks.get(acme.of("inside"), own.id)) is ProblemType.NOT_FOUND
    assert refusal(lambda: webhooks.create(acme.of("inside"), url=HOOK)) is ProblemType.FORBIDDEN
    assert audit.page(acme.of("owner")).items


def test_a_webhook_of_a_team_is_its_peoples_and_the_owners(acme: Acme) -> None:
    made = webhooks.create(acme.of("inside"), url=HOOK, team="payments").webhook
    for name in ("owner", "keeper"):
        assert webhooks.page(acme.of(name)).items == (made,), name
    assert webhooks.page(acme.of("outside")).items == ()
    outside = acme.of("outside")
    for act in (
        lambda: webhooks.get(outside, made.id),
        lambda: webhooks.update(outside, made.id, is_enabled=False),
        lambda: webhooks.rotate(outside, made.id),
        lambda: webhooks.delete(outside, made.id),
        lambda: webhooks.create(outside, url=HOOK, team="payments"),
    ):
        assert refusal(act) is ProblemType.NOT_FOUND
    looking = acme.of("looking")  # who may not manage keys
    assert refusal(lambda: webhooks.page(looking)) is ProblemType.FORBIDDEN
    assert refusal(lambda: webhooks.create(acme.admin, url=HOOK, team="payments")) is (
        ProblemType.INVALID_INPUT
    )


def test_a_webhook_of_a_team_is_sent_what_is_about_its_applications_alone(acme: Acme) -> None:
    owner = acme.of("owner")
    made = webhooks.create(owner, url=HOOK, team="payments").webhook
    everything = webhooks.create(owner, url=HOOK).webhook

    def told(webhook: Webhook) -> list[tuple[str, str]]:
        rows = webhook.deliveries.order_by("pk").values_list("event__kind", "event__data")
        return [(kind, data.get("application")) for kind, data in rows]

    for name in ("demo", "till"):
        applications.update(owner, f"acme/{name}", description="New")
        credentials.issue(owner, application=f"acme/{name}")
    of_till = [("application.changed", "acme/till"), ("key.created", "acme/till")]
    assert told(made) == of_till
    assert len(told(everything)) == 4
    data = {"version": "pets@v1", "applications": ["acme/till", "acme/demo"], "link": ""}
    more = {"deprecated_at": None, "sunset_at": None, "successor": ""}
    event_log.publish(
        AT,
        EventKind.API_DEPRECATED,
        subject="pets@v1",
        data=data | more,
        organization=made.organization,
    )
    assert told(made) == of_till, "it names applications of others"
    applications.update(owner, "acme/till", team="")
    applications.update(owner, "acme/demo", team="payments")
    credentials.issue(owner, application="acme/till")
    applications.delete(owner, "acme/demo")
    assert told(made)[2:] == [
        ("application.changed", "acme/demo"),
        ("application.deleted", "acme/demo"),
    ]
    teams.delete(owner, "acme", "payments")
    assert webhooks.page(owner).items == (everything,)


def test_in_an_organization_without_teams_nobody_is_limited(acme: Acme) -> None:
    owner = acme.of("owner")
    applications.update(owner, "acme/till", team="")
    teams.delete(owner, "acme", "payments")
    assert acme.sees("outside") == ["demo", "till"]
    assert webhooks.page(acme.of("outside")).items == ()


def test_owners_give_applications_to_teams_and_developers_do_not(acme: Acme) -> None:
    owner, inside = acme.of("owner"), acme.of("inside")
    assert (
        refusal(lambda: applications.update(inside, "acme/till", team="")) is ProblemType.FORBIDDEN
    )
    applications.update(owner, "acme/demo", team="payments")
    assert acme.sees("outside") == []
    made = applications.create(inside, name="own", organization="acme", team="payments")
    assert made.team is not None
    outside = acme.of("outside")
    assert (
        refusal(
            lambda: applications.create(outside, name="spy", organization="acme", team="payments")
        )
        is ProblemType.NOT_FOUND
    )


def test_a_maintainer_says_who_is_in_the_team_and_a_member_does_not(acme: Acme) -> None:
    keeper, inside = acme.of("keeper"), acme.of("inside")
    teams.put_member(keeper, "acme", "payments", "outside@example.com")
    assert acme.sees("outside") == ["demo", "till"]
    teams.remove_member(keeper, "acme", "payments", "outside@example.com")
    assert acme.sees("outside") == ["demo"]
    for act in (
        lambda: teams.put_member(inside, "acme", "payments", "outside@example.com"),
        lambda: teams.remove_member(inside, "acme", "payments", "keeper@example.com"),
        lambda: teams.update(inside, "acme", "payments", title="Mine"),
        lambda: teams.create(keeper, "acme", name="more"),
        lambda: teams.delete(keeper, "acme", "payments"),
    ):
        assert refusal(act) is ProblemType.FORBIDDEN
    teams.remove_member(inside, "acme", "payments", "inside@example.com")  # leaving
    assert acme.sees("inside") == ["demo"]


def test_a_team_is_there_for_its_people_and_the_owners_alone(acme: Acme) -> None:
    assert [row.name for row in teams.page(acme.of("inside"), "acme").items] == ["payments"]
    outside = acme.of("outside")
    assert teams.page(outside, "acme").items == ()
    for act in (
        lambda: teams.get(outside, "acme", "payments"),
        lambda: teams.members_page(outside, "acme", "payments"),
        lambda: teams.put_member(outside, "acme", "payments", "outside@example.com"),
        lambda: teams.remove_member(outside, "acme", "payments", "inside@example.com"),
        lambda: teams.page(outside, "globex"),
    ):
        assert refusal(act) is ProblemType.NOT_FOUND


def test_a_team_that_has_applications_is_not_deleted(acme: Acme) -> None:
    owner = acme.of("owner")
    assert refusal(lambda: teams.delete(owner, "acme", "payments")) is ProblemType.CONFLICT
    applications.delete(owner, "acme/till")
    teams.delete(owner, "acme", "payments")
    assert teams.page(owner, "acme").items == ()


def test_who_leaves_the_organization_leaves_its_teams_for_good(acme: Acme) -> None:
    own = organizations.find(acme.admin, "acme")
    user = people.find(acme.admin, "inside@example.com")
    members.remove_member(acme.of("owner"), own, user.email)
    assert people.member(user, NOBODY, "acme") is None
    members.add_member(acme.admin, own, user, MemberRole.DEVELOPER)
    assert acme.sees("inside") == ["demo"]


def test_strangers_to_the_organization_are_put_into_no_team(acme: Acme) -> None:
    person("eve")
    owner = acme.of("owner")
    for email in ("eve@example.com", "nobody@example.com"):
        act = lambda email=email: teams.put_member(owner, "acme", "payments", email)  # noqa: E731  # shortest
        assert refusal(act) is ProblemType.NOT_FOUND


def test_an_invitation_leads_into_the_team_that_it_names(acme: Acme) -> None:
    own = organizations.find(acme.admin, "acme")
    owner = acme.of("owner")
    for name, team in (("new", "payments"), ("plain", "")):
        email = f"{name}@example.com"
        asked = members.invite(owner, own, email=email, role=MemberRole.DEVELOPER, team=team)
        user = person(name)
        members.accept(Actor(email, frozenset(), AT, user=user.id), user, asked.id)
    assert acme.sees("new") == ["demo", "till"]
    assert acme.sees("plain") == ["demo"]


def test_an_invitation_to_a_team_that_is_gone_leads_into_the_organization(acme: Acme) -> None:
    own, owner = organizations.find(acme.admin, "acme"), acme.of("owner")
    asked = members.invite(
        owner, own, email="new@example.com", role=MemberRole.VIEWER, team="payments"
    )
    applications.update(owner, "acme/till", team="")
    teams.delete(owner, "acme", "payments")
    user = person("new")
    members.accept(Actor(user.email, frozenset(), AT, user=user.id), user, asked.id)
    assert Membership.objects.filter(user=user).exists()


def test_a_token_of_a_team_knows_what_its_members_know(acme: Acme) -> None:
    teams.create(acme.of("owner"), "acme", name="other")

    def actor_of(team: str) -> Actor:
        made = tokens.create(
            acme.admin, name="ci", scopes=[Scope.KEYS], organization="acme", team=team or None
        )
        return tokens.authenticate(made.secret.text, at=AT)

    payments, other, whole = actor_of("payments"), actor_of("other"), actor_of("")
    assert applications.get(payments, "acme/till")
    assert applications.get(whole, "acme/till")
    assert refusal(lambda: applications.get(other, "acme/till")) is ProblemType.NOT_FOUND
    teams.delete(acme.of("owner"), "acme", "other")
    assert tokens.page(acme.admin).items[-1].organization is not None
    assert (
        refusal(lambda: tokens.create(acme.admin, name="x", scopes=[Scope.READ], team="payments"))
        is ProblemType.INVALID_INPUT
    )


def test_a_token_ends_with_its_team(acme: Acme) -> None:
    owner = acme.of("owner")
    teams.create(owner, "acme", name="other")
    made = tokens.create(
        acme.admin, name="ci", scopes=[Scope.READ], organization="acme", team="other"
    )
    assert tokens.authenticate(made.secret.text, at=AT)
    teams.delete(owner, "acme", "other")
    assert (
        refusal(lambda: tokens.authenticate(made.secret.text, at=AT)) is ProblemType.UNAUTHENTICATED
    )


def test_mails_tell_of_an_application_those_alone_who_know_of_it(acme: Acme) -> None:
    end = AT + timedelta(days=100)
    for application in ("acme/demo", "acme/till"):
        credentials.issue(acme.admin, application=application, expires_at=end)
    expiry_mails.tell(end - timedelta(days=20))
    texts = {row.to: mail.letter_of(row).text for row in Mail.objects.all()}
    told = {to for to, text in texts.items() if "acme/till" in text}
    assert told == {f"{name}@example.com" for name in ("owner", "inside", "keeper")}
    assert "acme/demo" in texts["outside@example.com"]


def test_only_so_many_teams_are_made(acme: Acme, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teams, "TEAMS_MAX", 2)
    assert TEAMS_MAX > 2
    owner = acme.of("owner")
    teams.create(owner, "acme", name="two")
    assert refusal(lambda: teams.create(owner, "acme", name="three")) is ProblemType.CONFLICT
    assert refusal(lambda: teams.create(owner, "acme", name="two")) is ProblemType.ALREADY_EXISTS


def test_teams_are_configuration_and_who_is_in_them_is_not(acme: Acme) -> None:
    documents = desired_state.export(acme.admin)
    kept = [d for d in documents if d["kind"] == "team"]
    assert kept == [{"kind": "team", "name": "acme/payments", "title": "Payments"}]
    till = next(d for d in documents if d["name"] == "acme/till" and d["kind"] == "application")
    assert till["team"] == "payments"
    assert desired_state.apply(acme.admin, documents) == []
    changes = desired_state.apply(
        acme.admin,
        [
            {"kind": "team", "name": "acme/payments", "title": "Money"},
            {"kind": "team", "name": "acme/web"},
            {"kind": "application", "name": "acme/demo", "team": "web"},
            {"kind": "application", "name": "acme/till", "team": ""},
        ],
    )
    assert [change.name for change in changes] == [
        "acme/payments",
        "acme/web",
        "acme/demo",
        "acme/till",
    ]
    assert acme.sees("outside") == ["till"]
