"""A key's last use is known as soon as its requests are stored."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from headgate.store.models import Application, Credential, Organization
from headgate.store.services.traffic.ingest import Ingest
from headgate.traffic.io.folders import TrafficFolders
from tests.support.lines import access, example_id, line

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def key() -> Credential:
    organization = Organization.objects.create(id=example_id("org", 1), created_at=AT, name="acme")
    application = Application.objects.create(
        id=example_id("app", 1), created_at=AT, changed=1, organization=organization, name="demo"
    )
    return Credential.objects.create(
        id=example_id("key", 1), created_at=AT, changed=2, application=application, sha256="a" * 64
    )


def test_the_latest_request_of_a_batch_is_the_last_use(
    folders: TrafficFolders, ingest: Ingest, key: Credential
) -> None:
    ids = [example_id(kind, 1) for kind in ("key", "app", "org", "sub", "pln")]
    sent = [
        line(
            started_us=str(int((AT + timedelta(minutes=m)).timestamp() * 1e6)),
            access=access("allowed", caller),
        )
        for m, caller in ((1, "".join(ids)), (3, "".join(ids)), (2, "".join(ids)), (9, "-"))
    ]
    path = folders.inbox / "nod_a-00000001-00000001.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in sent))
    ingest.tick()
    key.refresh_from_db()
    assert key.last_used_at == AT + timedelta(minutes=3)


def test_a_key_that_the_store_does_not_know_stops_nothing(
    folders: TrafficFolders, ingest: Ingest, key: Credential
) -> None:
    path = folders.inbox / "nod_a-00000001-00000001.jsonl"
    path.write_text(json.dumps(line()) + "\n")
    result = ingest.tick()
    assert result is not None
    assert result.records == 1
    key.refresh_from_db()
    assert key.last_used_at is None
