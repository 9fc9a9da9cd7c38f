"""What has had its time is forgotten in small steps, and nothing else is."""

from datetime import timedelta

import pytest

from headgate.model.access import BlockKind
from headgate.store.models import AuditEntry, Block, IdempotencyRecord
from headgate.store.services import housekeeping
from headgate.store.services.actor import Actor
from headgate.store.services.gateway import blocks
from headgate.store.services.housekeeping import Tidied, tidy
from tests.support.store import AT

DAY = timedelta(days=1)


def block(admin: Actor, address: str) -> None:
    blocks.create(admin, kind=BlockKind.ADDRESS, subject=address, seconds=60, reason="")


def test_blocks_are_forgotten_a_day_after_their_end(admin: Actor) -> None:
    block(admin, "192.0.2.1")
    block(admin.later(AT + DAY), "192.0.2.2")
    assert not tidy(AT + DAY)
    assert tidy(AT + DAY + timedelta(seconds=61)) == Tidied(1, *[0] * 9)
    assert [row.subject for row in Block.objects.all()] == ["192.0.2.2"]


def test_audit_entries_are_kept_for_over_a_year(admin: Actor) -> None:
    block(admin, "192.0.2.1")
    tidy(AT + 399 * DAY)
    assert AuditEntry.objects.count() == 1
    assert tidy(AT + 401 * DAY).audit_entries == 1


def test_kept_answers_are_forgotten_after_a_day(store: object) -> None:
    IdempotencyRecord.objects.create(
        key_sha256="a", fingerprint="b", status=201, body=b"", created_at=AT
    )
    assert tidy(AT + DAY).answers == 0
    assert tidy(AT + DAY + timedelta(seconds=1)).answers == 1


def test_only_so_much_is_forgotten_at_once(admin: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "ROWS_AT_ONCE", 2)
    for number in range(5):
        block(admin, f"192.0.2.{number}")
    assert [tidy(AT + 2 * DAY).blocks for _ in range(4)] == [2, 2, 1, 0]
