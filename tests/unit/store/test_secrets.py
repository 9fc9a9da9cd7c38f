"""Secrets are stored encrypted, named by settings, and handed to nodes alone."""

from dataclasses import replace

import pytest
from django.conf import LazySettings

from headgate.core.problems import DependencyError, Problem, ProblemType
from headgate.model.snapshot import PolicyUse
from headgate.store.models import AuditEntry, Revision, StoredSecret
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.gateway import policies, publishing, secret_values, secrets
from tests.support.store import everything_stored, import_api

VALUE = "s3cret-of-billing"
AUTH = PolicyUse("upstream_auth", {"scheme": "bearer", "secret": "${secret:billing}"})


def published(admin: Actor) -> None:
    """An API that sends the secret to its upstream, live."""
    import_api(admin)
    policies.set_api(admin, "pets", [AUTH])
    publishing.publish(admin, "pets")


def test_a_node_gets_the_value_and_the_store_holds_it_encrypted(admin: Actor, node: Actor) -> None:
    secrets.store(admin, "billing", value=VALUE)
    published(admin)
    delta = publishing.snapshot_delta(node, after=0)
    assert delta is not None
    assert delta.secrets == {"billing": VALUE}
    assert delta.changed[0].policies == (AUTH,)
    assert VALUE not in everything_stored()
    assert VALUE not in repr(delta)
    assert secret_values.seal("sec_1", VALUE) != secret_values.seal("sec_1", VALUE)


def test_a_node_gets_no_secret_that_its_gateway_does_not_use(admin: Actor, node: Actor) -> None:
    secrets.store(admin, "billing", value=VALUE)
    secrets.store(admin, "other", value="not for you")
    published(admin)
    delta = publishing.snapshot_delta(node, after=0)
    assert delta is not None
    assert set(delta.secrets) == {"billing"}


def test_a_missing_secret_is_a_mistake_of_publishing_that_names_the_place(admin: Actor) -> None:
    import_api(admin)
    policies.set_api(admin, "pets", [AUTH])
    with pytest.raises(Problem) as caught:
        publishing.publish(admin, "pets")
    assert caught.value.type is ProblemType.CONFLICT
    assert [detail.pointer for detail in caught.value.errors] == [
        "/apis/0/policies/0/settings/secret"
    ]
    assert "headgate secret set billing" in str(caught.value)
    secrets.store(admin, "billing", value=VALUE)
    publishing.publish(admin, "pets")


def test_another_value_republishes_what_uses_it(admin: Actor, node: Actor) -> None:
    secrets.store(admin, "billing", value=VALUE)
    published(admin)
    live = publishing.snapshot_delta(node, after=0)
    assert live is not None
    assert secrets.store(admin, "billing", value=VALUE).version == 1
    assert publishing.snapshot_delta(node, after=live.revision) is None
    assert secrets.store(admin, "billing", value="another").version == 2
    delta = publishing.snapshot_delta(node, after=live.revision)
    assert delta is not None
    assert (delta.base, delta.changed, delta.secrets) == (live.revision, (), {"billing": "another"})


def test_an_unused_secret_republishes_nothing(admin: Actor) -> None:
    published_before = Revision.objects.count()
    secrets.store(admin, "billing", value=VALUE)
    secrets.store(admin, "billing", value="another")
    assert Revision.objects.count() == published_before


def test_a_value_that_does_not_fit_is_refused_without_saying_it(admin: Actor, node: Actor) -> None:
    secrets.store(admin, "billing", value=VALUE)
    published(admin)
    with pytest.raises(Problem) as caught:
        secrets.store(admin, "billing", value="two\nlines-of-it")
    assert caught.value.errors[0].pointer == "/apis/0/policies/0/settings/secret"
    assert "lines-of-it" not in str(caught.value.as_json())
    delta = publishing.snapshot_delta(node, after=0)
    assert delta is not None
    assert delta.secrets == {"billing": VALUE}


def test_a_secret_in_use_cannot_be_deleted_and_one_out_of_use_leaves_nothing(admin: Actor) -> None:
    secrets.store(admin, "billing", value=VALUE)
    published(admin)
    with pytest.raises(Problem) as caught:
        secrets.delete(admin, "billing")
    assert caught.value.type is ProblemType.CONFLICT
    policies.set_api(admin, "pets", [])
    publishing.publish(admin, "pets")
    secrets.delete(admin, "billing")
    assert bytes(StoredSecret.objects.get().sealed) == b""
    with pytest.raises(Problem) as caught:
        secrets.get(admin, "billing")
    assert caught.value.type is ProblemType.NOT_FOUND
    assert secrets.store(admin, "billing", value="again").version == 1


def test_changes_are_audited_without_the_value(admin: Actor) -> None:
    secrets.store(admin, "billing", value=VALUE)
    secrets.store(admin, "billing", value="another-value")
    secrets.delete(admin, "billing")
    entries = AuditEntry.objects.filter(subject="billing").order_by("row")
    assert [entry.action for entry in entries] == [
        "secret.created",
        "secret.changed",
        "secret.deleted",
    ]
    assert entries[1].before | {"version": 2} == entries[1].after
    stored = everything_stored()
    assert VALUE not in stored
    assert "another-value" not in stored


@pytest.mark.parametrize("value", ["", "x" * (secrets.VALUE_CHARACTERS_MAX + 1), "a\0b"])
def test_a_value_that_cannot_be_kept_is_refused(admin: Actor, value: str) -> None:
    with pytest.raises(Problem) as caught:
        secrets.store(admin, "billing", value=value)
    assert caught.value.errors[0].pointer == "/value"
    assert not StoredSecret.objects.exists()


def test_under_another_key_a_secret_cannot_be_read_and_nothing_is_handed_out(
    admin: Actor, node: Actor, settings: LazySettings
) -> None:
    secrets.store(admin, "billing", value=VALUE)
    published(admin)
    settings.SECRET_KEY = "another"
    with pytest.raises(DependencyError, match="headgate secret set billing"):
        publishing.snapshot_delta(node, after=0)
    assert not secret_values.is_readable(secrets.get(admin, "billing"))
    secrets.store(admin, "billing", value=VALUE)
    delta = publishing.snapshot_delta(node, after=0)
    assert delta is not None
    assert delta.secrets == {"billing": VALUE}


def test_a_sealed_value_moved_to_another_row_cannot_be_read(admin: Actor) -> None:
    one = secrets.store(admin, "one", value=VALUE)
    other = secrets.store(admin, "other", value="x")
    other.sealed = one.sealed
    assert not secret_values.is_readable(other)
    assert secret_values.is_readable(one)


def test_readers_and_organizations_store_nothing(admin: Actor) -> None:
    for actor, kind in (
        (replace(admin, scopes=frozenset({Scope.READ})), ProblemType.FORBIDDEN),
        (replace(admin, organization="acme"), ProblemType.NOT_FOUND),
    ):
        with pytest.raises(Problem) as caught:
            secrets.store(actor, "billing", value=VALUE)
        assert caught.value.type is kind
