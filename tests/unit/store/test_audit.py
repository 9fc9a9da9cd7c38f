"""Every change leaves an entry, and no change that failed does."""

from dataclasses import replace

import pytest

from headgate.core.problems import Problem
from headgate.store.models import AuditEntry
from headgate.store.services import audit
from headgate.store.services.actor import Actor
from headgate.store.services.audit import Action
from headgate.store.services.consumers import applications, organizations
from tests.support.store import AT, subscribed_key


def test_an_entry_says_who_what_before_after_and_from_where(admin: Actor) -> None:
    organizations.create(admin, name="acme")
    organizations.update(admin, "acme", title="Acme Inc.")
    entry = audit.page(admin).items[0]
    assert (entry.at, entry.actor, entry.address, entry.request_id) == (
        AT,
        "administrator",
        "127.0.0.1",
        "req_1",
    )
    assert (entry.action, entry.subject) == (Action.ORGANIZATION_CHANGED, "acme")
    assert entry.before is not None
    assert entry.after is not None
    assert (entry.before["title"], entry.after["title"]) == ("", "Acme Inc.")


def test_a_change_that_changes_nothing_leaves_no_entry(admin: Actor) -> None:
    organizations.create(admin, name="acme")
    organizations.update(admin, "acme", title="")
    assert AuditEntry.objects.count() == 1


def test_a_change_that_fails_leaves_no_entry(admin: Actor) -> None:
    with pytest.raises(Problem):
        applications.create(admin, name="demo", organization="nobody")
    assert not AuditEntry.objects.exists()


def test_entries_are_found_by_action_and_subject(admin: Actor) -> None:
    subscribed_key(admin)
    found = audit.page(admin, action=Action.CREDENTIAL_ISSUED).items
    assert len(found) == 1
    assert audit.page(admin, subject=found[0].subject).items == found
    assert audit.page(admin, since=AT, until=AT).items == ()


def test_an_organization_sees_only_entries_about_itself(admin: Actor) -> None:
    subscribed_key(admin)
    organizations.create(admin, name="umbrella")
    seen = audit.page(replace(admin, organization="acme")).items
    assert {entry.action for entry in seen} == {
        Action.ORGANIZATION_CREATED,
        Action.APPLICATION_CREATED,
        Action.SUBSCRIPTION_CREATED,
        Action.CREDENTIAL_ISSUED,
    }
    assert len(audit.page(replace(admin, organization="umbrella")).items) == 1
