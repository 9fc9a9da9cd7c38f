"""Does sensitive data stay shut until its owner grants it, for a time, and is everybody told?"""

from dataclasses import replace
from datetime import timedelta

import pytest

from headgate.access.data_access import AccessState
from headgate.core.problems import Problem, ProblemType
from headgate.model.access import RowState
from headgate.store.models import AccessRequest, AuditEntry, Event, Mail, SensitiveMark, User
from headgate.store.services.actor import Actor, Scope, implied
from headgate.store.services.alerts import mail
from headgate.store.services.consumers import (
    applications,
    data_access,
    data_access_ends,
    members,
    organizations,
    people,
    sensitive,
)
from headgate.store.services.consumers.roles import MemberRole, Role
from headgate.store.services.gateway import access_feed, publishing
from tests.support.store import AT, import_api

PASSWORD = "correct horse 9"
OWNER = "ann@example.com"
DAY = timedelta(days=1)


@pytest.fixture
def owner(admin: Actor) -> Actor:
    """The owner of the data: an auditor in the console, without the scope `keys`."""
    user = people.create(admin, email=OWNER, password=PASSWORD, role=Role.AUDITOR)
    return in_console(user)


@pytest.fixture
def mark(admin: Actor, owner: Actor) -> SensitiveMark:
    """`getPet` of the published API `pets` is sensitive."""
    import_api(admin)
    publishing.publish(admin, "pets")
    people.create(admin, email="op@example.com", password=PASSWORD, role=Role.OPERATOR)
    return sensitive.mark(
        admin, api="pets", operation="getPet", owner=OWNER, why="Owners of pets", days_max=30
    )


@pytest.fixture
def acme(admin: Actor, mark: SensitiveMark) -> Actor:
    """A developer of acme, who has made an application."""
    developer = people.create(admin, email="dev@example.com", password=PASSWORD)
    own = organizations.create(admin, name="acme")
    members.add_member(admin, own, developer, MemberRole.OWNER)
    applications.create(admin, name="demo", organization="acme")
    found = people.member(developer, Actor("x", frozenset(), AT), "acme")
    assert found is not None
    return found


def in_console(user: User) -> Actor:
    found = people.operator(user, Actor("x", frozenset(), AT))
    assert found is not None
    return found


def ask(actor: Actor, days: int = 10) -> AccessRequest:
    return data_access.ask(
        actor, application="demo", api="pets", operation="getPet", reason="Billing", days=days
    )


def mails() -> dict[str, list[str]]:
    """The subjects that wait, by address; read and forgotten."""
    found: dict[str, list[str]] = {}
    for row in Mail.objects.order_by("pk"):
        found.setdefault(row.to, []).append(row.subject)
    Mail.objects.all().delete()
    return found


def grants(node: Actor) -> list[tuple[int, RowState]]:
    """What a gateway that knows nothing yet gets."""
    found = access_feed.delta(node, generation="", after=0)
    assert found is not None
    return [(row.row, row.state) for row in found.grants]


def test_gateways_hold_a_request_only_once_it_is_granted(
    node: Actor, owner: Actor, acme: Actor
) -> None:
    asked = ask(acme)
    assert grants(node) == []
    before = access_feed.delta(node, generation="", after=0)
    done = data_access.grant(owner, asked.id, word="For June")
    assert (done.state, done.until) == (AccessState.GRANTED, AT + 10 * DAY)
    assert before is not None
    news = access_feed.delta(node, generation=before.generation, after=before.upto)
    assert news is not None
    (row,) = news.grants
    assert (row.application, row.mark) == (done.application_id, done.mark_id)
    assert (row.state, row.expires_at) == (RowState.ACTIVE, AT + 10 * DAY)
    data_access.revoke(owner, asked.id)
    assert grants(node) == [(done.pk, RowState.REVOKED)]


def test_the_owner_is_asked_and_the_asker_is_told(owner: Actor, acme: Actor) -> None:
    asked = ask(acme)
    told = mails()
    assert told == {OWNER: ["A request for pets getPet waits for you"]}
    data_access.grant(owner, asked.id, word="For June")
    text = mail.letter_of(Mail.objects.get(to="dev@example.com")).text
    assert "For June" in text
    assert "2026-12-01 09:00 UTC" in text
    assert mails() == {"dev@example.com": ["The access of acme/demo to pets getPet is granted"]}
    data_access.revoke(owner, asked.id, word="The fair is over")
    assert mails() == {"dev@example.com": ["The access of acme/demo to pets getPet is revoked"]}


def test_where_the_owner_has_no_role_all_who_may_decide_are_asked(
    admin: Actor, acme: Actor, owner: Actor
) -> None:
    people.update(admin, OWNER, role="")
    ask(acme)
    assert set(mails()) == {"op@example.com"}


def test_a_grant_that_reaches_its_end_lapses_and_is_told_of_before(
    owner: Actor, acme: Actor, node: Actor
) -> None:
    asked = ask(acme)
    data_access.grant(owner, asked.id)
    mails()
    at = Actor.system("access", AT)
    assert data_access_ends.tend(at.later(AT + 6 * DAY)).warned == 0
    assert data_access_ends.tend(at.later(AT + 8 * DAY)).warned == 1
    assert data_access_ends.tend(at.later(AT + 8 * DAY)).warned == 0
    assert mails() == {"dev@example.com": ["The access of acme/demo to pets getPet ends soon"]}
    assert data_access_ends.tend(at.later(AT + 10 * DAY - timedelta(seconds=1))).lapsed == 0
    assert data_access_ends.tend(at.later(AT + 10 * DAY)).lapsed == 1
    assert data_access_ends.tend(at.later(AT + 10 * DAY)).lapsed == 0
    assert mails() == {"dev@example.com": ["The access of acme/demo to pets getPet has ended"]}
    assert grants(node) == [(asked.pk, RowState.REVOKED)]
    kinds = [row.kind for row in Event.objects.filter(subject=asked.id).order_by("pk")]
    assert kinds == ["access.asked", "access.granted", "access.ending", "access.lapsed"]


def test_a_grant_shorter_than_the_warning_is_not_warned_of(owner: Actor, acme: Actor) -> None:
    asked = ask(acme)
    data_access.grant(owner, asked.id, until=AT + 2 * DAY)
    assert data_access_ends.tend(Actor.system("access", AT + DAY)).warned == 0


def test_a_new_grant_takes_the_place_of_the_old_one(owner: Actor, acme: Actor, node: Actor) -> None:
    first = ask(acme)
    data_access.grant(owner, first.id)
    second = ask(acme)
    assert grants(node) == [(first.pk, RowState.ACTIVE)]
    data_access.grant(owner, second.id)
    assert grants(node) == [(first.pk, RowState.REVOKED), (second.pk, RowState.ACTIVE)]
    first.refresh_from_db()
    assert (first.state, first.end_word) == (AccessState.ENDED, f"Replaced by {second.id}.")


def test_what_is_over_stays_so_and_what_is_asked_is_asked_once(owner: Actor, acme: Actor) -> None:
    asked = ask(acme)
    with pytest.raises(Problem, match="asked for it already"):
        ask(acme)
    with pytest.raises(Problem, match="Say why"):
        data_access.refuse(owner, asked.id, word=" ")
    data_access.refuse(owner, asked.id, word="Use /stats")
    for act in (data_access.grant, data_access.revoke):
        with pytest.raises(Problem, match="and stays so"):
            act(owner, asked.id)
    again = ask(acme)
    data_access.withdraw(acme, again.id)
    with pytest.raises(Problem, match="and stays so"):
        data_access.grant(owner, again.id)


def test_nothing_is_granted_for_longer_than_the_mark_says(owner: Actor, acme: Actor) -> None:
    with pytest.raises(Problem, match="1 to 30 days"):
        ask(acme, days=31)
    asked = ask(acme, days=30)
    with pytest.raises(Problem, match="at most 30 days"):
        data_access.grant(owner, asked.id, until=AT + 31 * DAY)
    with pytest.raises(Problem, match="in the past"):
        data_access.grant(owner, asked.id, until=AT - DAY)
    assert data_access.grant(owner, asked.id).until == AT + 30 * DAY


def test_only_the_owner_and_operators_of_keys_decide(
    admin: Actor, owner: Actor, acme: Actor
) -> None:
    asked = ask(acme)
    security = people.create(admin, email="s@example.com", password=PASSWORD, role=Role.SECURITY)
    with pytest.raises(Problem) as caught:
        data_access.grant(in_console(security), asked.id)
    assert caught.value.type is ProblemType.FORBIDDEN
    with pytest.raises(Problem) as caught:
        data_access.grant(acme, asked.id)
    assert caught.value.type is ProblemType.NOT_FOUND
    posing = replace(in_console(security), name=OWNER, user="")  # a token that is called so
    with pytest.raises(Problem):
        data_access.grant(posing, asked.id)
    assert data_access.grant(owner, asked.id).decided_by == OWNER


def asks_herself(admin: Actor, owner: Actor) -> AccessRequest:
    """The owner of the data asks, as a member of acme."""
    user = User.objects.get(email=OWNER)
    members.add_member(admin, organizations.find(admin, "acme"), user, MemberRole.DEVELOPER)
    place = people.member(user, owner, "acme")
    assert place is not None
    return ask(place)


def test_who_asks_leaves_the_grant_to_another(admin: Actor, owner: Actor, acme: Actor) -> None:
    asked = asks_herself(admin, owner)
    assert set(mails()) == {"op@example.com"}
    with pytest.raises(Problem, match="somebody else grants it") as caught:
        data_access.grant(owner, asked.id)
    assert caught.value.type is ProblemType.FORBIDDEN
    assert "op@example.com" in str(caught.value.next_step)
    assert OWNER not in str(caught.value.next_step)
    operator = in_console(User.objects.get(email="op@example.com"))
    assert data_access.grant(operator, asked.id).decided_by == "op@example.com"
    entry = AuditEntry.objects.get(subject=asked.id, action="access.granted")
    assert entry.after is not None
    assert "own_request" not in entry.after


def test_who_asks_may_refuse(admin: Actor, owner: Actor, acme: Actor) -> None:
    asked = asks_herself(admin, owner)
    assert data_access.refuse(owner, asked.id, word="By mistake").state == AccessState.REFUSED


def test_who_is_alone_grants_their_own_and_the_audit_log_says_so(
    admin: Actor, owner: Actor, acme: Actor
) -> None:
    asked = asks_herself(admin, owner)
    people.update(admin, "op@example.com", role=Role.SECURITY)  # who has a role, but not the right
    assert data_access.grant(owner, asked.id).state == AccessState.GRANTED
    entry = AuditEntry.objects.get(subject=asked.id, action="access.granted")
    assert entry.after is not None
    assert entry.after["own_request"] is True


def test_a_token_that_asked_leaves_the_grant_to_people_where_there_are_any(
    admin: Actor, owner: Actor, acme: Actor
) -> None:
    token = Actor("ci", implied([Scope.KEYS]), AT)
    asked = data_access.ask(
        token, application="acme/demo", api="pets", operation="getPet", reason="x", days=1
    )
    with pytest.raises(Problem, match="somebody else grants it"):
        data_access.grant(token, asked.id)
    for email in (OWNER, "op@example.com"):
        people.update(admin, email, is_active=False)
    assert data_access.grant(token, asked.id).decided_by == "ci"


def test_another_organization_sees_and_changes_nothing(acme: Actor, owner: Actor) -> None:
    asked = ask(acme)
    globex = Actor("g", implied([Scope.KEYS]), AT, organization="globex")
    assert data_access.page(globex).items == ()
    for act in (data_access.find, data_access.withdraw, data_access.grant, data_access.revoke):
        with pytest.raises(Problem) as caught:
            act(globex, asked.id)
        assert caught.value.type is ProblemType.NOT_FOUND


def test_nobody_asks_for_what_is_open_or_not_theirs_to_know(admin: Actor, acme: Actor) -> None:
    with pytest.raises(Problem, match="no sensitive data"):
        data_access.ask(acme, application="demo", api="pets", operation="listPets", reason="x")
    import_api(admin, "secret")
    sensitive.mark(admin, api="secret", owner=OWNER, why="x")
    with pytest.raises(Problem) as caught:
        data_access.ask(acme, application="demo", api="secret", reason="x")
    assert caught.value.type is ProblemType.NOT_FOUND


def test_without_the_mark_and_without_the_application_grants_are_over(
    admin: Actor, owner: Actor, acme: Actor, mark: SensitiveMark, node: Actor
) -> None:
    first = ask(acme)
    data_access.grant(owner, first.id)
    sensitive.unmark(admin, mark.id)
    assert grants(node) == [(first.pk, RowState.REVOKED)]
    again = sensitive.mark(admin, api="pets", operation="getPet", owner=OWNER, why="Still")
    second = ask(acme)
    assert second.mark == again
    data_access.grant(owner, second.id)
    applications.delete(admin, "acme/demo")
    assert {state for _, state in grants(node)} == {RowState.REVOKED}


def test_every_step_stands_in_the_audit_log(owner: Actor, acme: Actor) -> None:
    asked = ask(acme)
    data_access.grant(owner, asked.id)
    data_access.revoke(owner, asked.id, word="Over")
    rows = AuditEntry.objects.filter(subject=asked.id).order_by("pk")
    assert [(row.action, row.actor) for row in rows] == [
        ("access.asked", "dev@example.com"),
        ("access.granted", OWNER),
        ("access.revoked", OWNER),
    ]
    assert rows[2].before is not None
    assert (rows[2].before["state"], rows[2].after["state"]) == ("granted", "revoked")
    assert len({row.organization for row in rows}) == 1
