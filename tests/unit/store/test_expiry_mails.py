"""Is everybody who can renew a key told in time that it ends, and nobody twice?"""

from datetime import datetime, timedelta

import pytest

from headgate.store.models import Mail
from headgate.store.services.actor import Actor
from headgate.store.services.alerts import expiry_mails, mail
from headgate.store.services.consumers import (
    applications,
    credentials,
    members,
    organizations,
    people,
)
from headgate.store.services.consumers.roles import MemberRole
from headgate.store.services.oauth import clients
from tests.support.store import AT

END = AT + timedelta(days=100)
PASSWORD = "correct horse 9"


@pytest.fixture
def acme(admin: Actor, issuer: str) -> Actor:
    """An organization with one member of each role, and an application; as administrator."""
    own = organizations.create(admin, name="acme")
    for role in MemberRole:
        person = people.create(admin, email=f"{role}@example.com", password=PASSWORD)
        members.add_member(admin, own, person, role)
    applications.create(admin, name="demo", organization="acme")
    return admin


def before(days: float) -> datetime:
    return END - timedelta(days=days)


def told(at: datetime) -> list[tuple[str, str]]:
    """The mails of one look at an instant: to whom, and how they begin."""
    Mail.objects.all().delete()
    expiry_mails.tell(at)
    return sorted((row.to, row.subject) for row in Mail.objects.all())


def test_owners_and_developers_are_told_thirty_seven_and_one_day_before(acme: Actor) -> None:
    key = credentials.issue(acme, application="demo", name="laptop", expires_at=END).credential
    assert told(before(30.1)) == []
    found = told(before(29.9))
    assert [to for to, _ in found] == ["developer@example.com", "owner@example.com"]
    assert {subject for _, subject in found} == {"Keys of acme end within 30 days"}
    text = mail.letter_of(Mail.objects.earliest("pk")).text
    assert "acme/demo: laptop" in text
    assert key.prefix in text
    assert f"{END:%Y-%m-%d}" in text
    assert len(told(before(6.9))) == 2
    assert {subject for _, subject in told(before(0.9))} == {"Keys of acme end within a day"}
    assert told(END + timedelta(hours=1)) == []


def test_nobody_is_told_twice(acme: Actor) -> None:
    credentials.issue(acme, application="demo", expires_at=END)
    assert len(told(before(29))) == 2
    assert told(before(29)) == []
    assert told(before(8)) == []
    assert len(told(before(7))) == 2
    assert told(before(6)) == []


def test_who_was_down_at_one_distance_is_told_of_the_nearest_alone(acme: Actor) -> None:
    credentials.issue(acme, application="demo", expires_at=END)
    assert {subject for _, subject in told(before(0.5))} == {"Keys of acme end within a day"}
    assert told(before(0.4)) == []


def test_an_end_that_was_moved_is_told_anew(acme: Actor) -> None:
    key = credentials.issue(acme, application="demo", expires_at=END).credential
    assert told(before(29))
    credentials.update(acme.later(before(28)), key.id, expires_at=END + timedelta(days=60))
    assert told(before(27)) == []
    assert told(before(29) + timedelta(days=60))


def test_keys_that_come_up_together_stand_in_one_mail(acme: Actor) -> None:
    for number in range(25):
        credentials.issue(acme, application="demo", name=f"key {number}", expires_at=END)
    clients.create(acme, application="demo", name="nightly", expires_at=END, has_secret=False)
    assert len(told(before(20))) == 2
    assert "and 6 more" in mail.letter_of(Mail.objects.earliest("pk")).text


def test_what_is_revoked_replaced_or_short_of_life_is_not_told(acme: Actor) -> None:
    revoked = credentials.issue(acme, application="demo", expires_at=END).credential
    credentials.revoke(acme, revoked.id)
    replaced = credentials.issue(acme, application="demo", expires_at=END).credential
    credentials.rotate(acme, replaced.id, overlap_seconds=86_400 * 60)
    credentials.issue(acme.later(before(20)), application="demo", expires_at=END)
    assert told(before(19)) == []
    assert len(told(before(6))) == 2  # the short one alone: it had twenty days
    assert "\n".join(mail.letter_of(row).text for row in Mail.objects.all()).count("acme/demo") == 2
