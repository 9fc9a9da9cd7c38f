"""Keys are issued once, rotated with an overlap, revoked at once; tokens say who is asking."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from headgate.access.keys import basic_digest, digest, is_key
from headgate.core.problems import Problem, ProblemType
from headgate.model.access import BlockKind, CredentialKind, RowState
from headgate.model.tokens import token_block_key
from headgate.store.models import AuditEntry, Block, Credential, Token
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.consumers import applications, credentials, organizations, tokens
from headgate.store.services.gateway import blocks
from tests.support.store import AT, everything_stored

HOUR = timedelta(hours=1)


@pytest.fixture
def demo(admin: Actor) -> str:
    applications.create(admin, name="demo", organization="acme", create_organization=True)
    return "acme/demo"


def test_a_key_is_shown_once_and_kept_only_as_its_hash(admin: Actor, demo: str) -> None:
    issued = credentials.issue(admin, application=demo, name="laptop")
    assert is_key(issued.secret.text)
    assert Credential.objects.get().sha256 == digest(issued.secret.text)
    assert issued.secret.text not in everything_stored()
    assert issued.secret.text[9:] not in everything_stored()


def test_the_audit_log_holds_no_hash_of_a_key(admin: Actor, demo: str) -> None:
    issued = credentials.issue(admin, application=demo)
    for entry in AuditEntry.objects.all():
        assert issued.secret.sha256 not in str((entry.before, entry.after))


def test_issuing_takes_the_same_queries_however_many_keys_there_are(
    admin: Actor, demo: str
) -> None:
    with CaptureQueriesContext(
        connection,
    ) as few:
        credentials.issue(admin, application=demo)
    for _ in range(50):
        credentials.issue(admin, application=demo)
    with CaptureQueriesContext(connection) as many:
        credentials.issue(admin, application=demo)
    assert len(many) == len(few) <= 11  # PostgreSQL locks, and tells listeners
    assert not any("COUNT(" in query["sql"].upper() for query in many)


def test_a_password_is_kept_only_as_the_hash_of_what_callers_send(admin: Actor, demo: str) -> None:
    issued = credentials.issue(admin, application=demo, kind=CredentialKind.BASIC)
    user, password = issued.credential.id, issued.secret.text
    assert user.startswith("usr_")
    assert len(password) == len("hgb_") + 38
    assert Credential.objects.get().sha256 == basic_digest(user, password)
    assert password not in everything_stored()
    after = credentials.rotate(admin, user, overlap_seconds=60)
    assert after.credential.kind == CredentialKind.BASIC
    assert after.credential.id != user
    assert credentials.revoke(admin, after.credential.id).state is RowState.REVOKED


def test_scopes_stay_with_a_key_that_is_rotated_and_end_when_they_are_taken_away(
    admin: Actor, demo: str
) -> None:
    key = credentials.issue(admin, application=demo, scopes=["write", "read", "read"]).credential
    assert key.scopes == ["read", "write"]
    new = credentials.rotate(admin, key.id).credential
    assert new.scopes == ["read", "write"]
    before = new.changed
    changed = credentials.update(admin, new.id, scopes=[])
    assert changed.scopes == []
    assert changed.changed > before
    for wrong in (["a b"], ["x" * 65], ["x"] * 51):
        with pytest.raises(Problem) as caught:
            credentials.issue(admin, application=demo, scopes=wrong)
        assert caught.value.errors[0].pointer == "/scopes"


def test_a_revoked_key_stays_revoked(admin: Actor, demo: str) -> None:
    issued = credentials.issue(admin, application=demo)
    revoked = credentials.revoke(admin, issued.credential.id)
    assert revoked.state is RowState.REVOKED
    assert revoked.changed > issued.credential.changed
    again = credentials.revoke(admin.later(AT + HOUR), issued.credential.id)
    assert again.revoked_at == AT
    with pytest.raises(Problem, match="revoked, and stays so"):
        credentials.update(admin, revoked.id, name="new")


def test_rotation_overlaps_and_the_old_key_ends_by_itself(admin: Actor, demo: str) -> None:
    old = credentials.issue(admin, application=demo, name="laptop").credential
    new = credentials.rotate(admin, old.id, overlap_seconds=3600)
    old.refresh_from_db()
    assert old.expires_at == AT + HOUR
    assert old.state is RowState.ACTIVE
    assert old.replaced_by == new.credential
    assert new.credential.name == "laptop"
    with pytest.raises(Problem, match="has been replaced"):
        credentials.rotate(admin, old.id)


def test_rotation_without_overlap_revokes_the_old_key(admin: Actor, demo: str) -> None:
    old = credentials.issue(admin, application=demo).credential
    credentials.rotate(admin, old.id)
    old.refresh_from_db()
    assert old.state is RowState.REVOKED


def test_rotation_never_prolongs_the_old_key(admin: Actor, demo: str) -> None:
    old = credentials.issue(admin, application=demo, expires_at=AT + HOUR).credential
    credentials.rotate(admin, old.id, overlap_seconds=7200)
    old.refresh_from_db()
    assert old.expires_at == AT + HOUR


@pytest.mark.parametrize("offset", [timedelta(0), -HOUR])
def test_a_key_cannot_be_born_expired(admin: Actor, demo: str, offset: timedelta) -> None:
    with pytest.raises(Problem, match="in the past"):
        credentials.issue(admin, application=demo, expires_at=AT + offset)
    with pytest.raises(Problem, match="no time zone"):
        credentials.issue(admin, application=demo, expires_at=AT.replace(tzinfo=None) + HOUR)


def test_an_expiry_can_be_set_and_taken_away(admin: Actor, demo: str) -> None:
    key = credentials.issue(admin, application=demo).credential
    assert credentials.update(admin, key.id, expires_at=AT + HOUR).expires_at == AT + HOUR
    assert credentials.update(admin, key.id, name="x").expires_at == AT + HOUR
    assert credentials.update(admin, key.id, expires_at=None).expires_at is None


def test_last_use_goes_forward_and_is_kept_to_the_minute(admin: Actor, demo: str) -> None:
    key = credentials.issue(admin, application=demo).credential
    assert credentials.note_use({key.id: AT, "key_unknown00000": AT}) == 1
    assert credentials.note_use({key.id: AT + timedelta(seconds=59)}) == 0
    assert credentials.note_use({key.id: AT - HOUR}) == 0
    assert credentials.note_use({key.id: AT + timedelta(seconds=60)}) == 1
    key.refresh_from_db()
    assert key.last_used_at == AT + timedelta(seconds=60)


def test_a_token_says_who_acts_with_which_rights(admin: Actor) -> None:
    organizations.create(admin, name="acme")
    issued = tokens.create(
        admin, name="ci", scopes=[Scope.WRITE], organization="acme", expires_at=AT + HOUR
    )
    actor = tokens.authenticate(issued.secret.text, at=AT, address="192.0.2.1", request_id="r")
    assert actor == Actor(
        "ci",
        frozenset({Scope.WRITE, Scope.READ}),
        AT,
        organization="acme",
        token=issued.token.id,
        address="192.0.2.1",
        request_id="r",
    )
    assert issued.secret.text not in everything_stored()


def test_a_token_that_is_not_valid_is_refused_without_saying_why(admin: Actor) -> None:
    organizations.create(admin, name="acme")
    expired = tokens.create(admin, name="a", scopes=[Scope.READ], expires_at=AT + HOUR)
    revoked = tokens.create(admin, name="b", scopes=[Scope.READ])
    orphaned = tokens.create(admin, name="c", scopes=[Scope.READ], organization="acme")
    tokens.revoke(admin, revoked.token.id)
    organizations.delete(admin, "acme")
    messages = set()
    for text in (
        expired.secret.text,
        revoked.secret.text,
        orphaned.secret.text,
        "",
        "hgt_wrong",
        "\ud800",
        expired.token.sha256,
    ):
        with pytest.raises(Problem) as caught:
            tokens.authenticate(text, at=AT + HOUR)
        assert caught.value.type is ProblemType.UNAUTHENTICATED
        messages.add(str(caught.value))
    assert len(messages) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": " "}, "name is empty"),
        ({"scopes": []}, "no scopes"),
        ({"scopes": [Scope.NODE]}, "belongs to one node"),
        ({"scopes": [Scope.NODE, Scope.READ]}, "belongs to one node"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(
    admin: Actor, changes: dict[str, object], message: str
) -> None:
    wanted: dict[str, object] = {"name": "x", "scopes": [Scope.READ]}
    before = Token.objects.count()
    with pytest.raises(Problem, match=message):
        tokens.create(admin, **wanted | changes)  # type: ignore[arg-type]
    assert Token.objects.count() == before


def test_an_organization_cannot_make_tokens(admin: Actor) -> None:
    with pytest.raises(Problem) as caught:
        tokens.create(replace(admin, organization="acme"), name="x", scopes=[Scope.ADMIN])
    assert caught.value.type is ProblemType.NOT_FOUND


def test_a_block_names_an_address_a_network_a_key_or_an_application(
    admin: Actor, demo: str
) -> None:
    key = credentials.issue(admin, application=demo).credential
    cases = [
        (BlockKind.ADDRESS, " 203.0.113.7 ", "203.0.113.7"),
        (BlockKind.ADDRESS, "203.0.113.9/24", "203.0.113.0/24"),
        (BlockKind.ADDRESS, "2001:DB8::1", "2001:db8::1"),
        (BlockKind.CREDENTIAL, key.id, key.id),
        (BlockKind.APPLICATION, key.application.id, key.application.id),
    ]
    for kind, text, subject in cases:
        block = blocks.create(admin, kind=kind, subject=text, seconds=60, reason="test")
        assert block.subject == subject
        assert block.expires_at == AT + timedelta(seconds=60)
    for kind in set(BlockKind) - {BlockKind.TOKEN}:
        with pytest.raises(Problem) as caught:
            blocks.create(admin, kind=kind, subject="nobody", seconds=60, reason="test")
        assert caught.value.errors[0].pointer == "/subject"


def test_a_block_of_a_token_keeps_the_digest_of_its_id(admin: Actor) -> None:
    made = blocks.create(admin, kind=BlockKind.TOKEN, subject="a jti", seconds=60, reason="")
    assert made.subject == token_block_key("a jti").hex()
    with pytest.raises(Problem):
        blocks.create(admin, kind=BlockKind.TOKEN, subject="x" * 201, seconds=60, reason="")


def test_a_block_ends_by_itself_or_when_lifted(admin: Actor) -> None:
    first, second = (
        blocks.create(admin, kind=BlockKind.ADDRESS, subject=a, seconds=60, reason="")
        for a in ("192.0.2.1", "192.0.2.2")
    )
    blocks.lift(admin, first.id)
    assert [block.id for block in blocks.page(admin).items] == [second.id]
    assert Block.objects.get(id=first.id).state is RowState.REMOVED
    assert blocks.page(admin.later(AT + timedelta(seconds=60))).items == ()
