"""Do webhooks come back from what was exported, without a secret having left?"""

from typing import Any

import pytest

from headgate.core.problems import Problem
from headgate.model.events import EventKind
from headgate.store.models import Webhook
from headgate.store.services.actor import Actor
from headgate.store.services.alerts import webhooks
from headgate.store.services.configuration import desired_state
from headgate.store.services.configuration.desired_state import ChangeAction
from headgate.store.services.consumers import organizations, teams

URL = "https://hooks.example.com/headgate"


def exported(admin: Actor) -> list[dict[str, Any]]:
    """The export of a store with a webhook of each owner, and of one address twice."""
    organizations.create(admin, name="acme")
    webhooks.create(admin, url=URL, kinds=[EventKind.KEY_CREATED], description="Team")
    webhooks.create(admin, url=URL)
    teams.create(admin, "acme", name="payments")
    webhooks.create(admin, url=f"{URL}/team", organization="acme", team="payments")
    own = webhooks.create(admin, url=URL, organization="acme")
    webhooks.update(admin, own.webhook.id, is_enabled=False)
    return desired_state.export(admin)


def named(documents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The webhooks among documents, by name."""
    return {one["name"]: one for one in documents if one["kind"] == "webhook"}


def test_webhooks_are_written_down_by_their_address(admin: Actor) -> None:
    found = named(exported(admin))
    assert set(found) == {URL, f"{URL}#2", f"acme {URL}", f"acme {URL}/team"}
    assert found[URL]["types"] == ["key.created"]
    assert found[f"acme {URL}"]["is_enabled"] is False
    assert found[f"acme {URL}/team"]["team"] == "payments"


def test_no_secret_leaves_and_a_second_apply_changes_nothing(admin: Actor) -> None:
    documents = exported(admin)
    assert "whsec_" not in desired_state.write_yaml(documents)
    assert desired_state.apply(admin, documents) == []
    assert desired_state.apply(admin, documents, prune=True) == []


def test_an_export_makes_them_anew_and_says_what_is_left_to_do(admin: Actor) -> None:
    documents = exported(admin)
    Webhook.objects.all().delete()
    changes = desired_state.apply(admin, documents)
    assert [(one.action, one.kind) for one in changes] == [(ChangeAction.CREATE, "webhook")] * 4
    assert all("webhook rotate" in one.next_step for one in changes)
    assert desired_state.export(admin) == documents
    assert desired_state.apply(admin, documents) == []


def test_one_is_changed_and_one_that_is_not_named_is_pruned(admin: Actor) -> None:
    documents = [one for one in exported(admin) if one["name"] != f"{URL}#2"]
    for one in documents:
        if one["name"] == URL:
            one["types"] = []
    changes = desired_state.apply(admin, documents, prune=True)
    assert [(one.action, one.name) for one in changes] == [
        (ChangeAction.UPDATE, URL),
        (ChangeAction.DELETE, f"{URL}#2"),
    ]
    assert desired_state.export(admin) == documents


def test_wrong_events_addresses_and_owners_are_told_with_their_place(admin: Actor) -> None:
    with pytest.raises(Problem) as caught:
        desired_state.apply(admin, [{"kind": "webhook", "name": URL, "types": ["nothing"]}])
    assert [error.pointer for error in caught.value.errors] == ["/0/types/0"]
    wrong = ["http://hooks.example.com/", f"nobody {URL}"]
    with pytest.raises(Problem) as caught:
        desired_state.apply(admin, [{"kind": "webhook", "name": name} for name in wrong])
    assert [error.pointer for error in caught.value.errors] == ["/0/url", "/1"]
    assert not Webhook.objects.exists()
