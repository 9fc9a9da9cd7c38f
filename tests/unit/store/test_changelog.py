"""The changelog tells what was published, and nothing of what was only edited."""

from datetime import timedelta

import pytest
from django.utils import translation

from headgate.core.phrases import Phrase
from headgate.core.problems import Problem
from headgate.store.models import ChangelogEntry
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import apis, changelog, imports, lifecycle
from headgate.store.services.catalog.changelog import Entry, EntryKind
from headgate.store.services.gateway import publishing, rollbacks
from headgate.web.site.words import said
from tests.support.store import DOCUMENT, import_api, source

LONGER = DOCUMENT.replace(
    "    post:\n",
    '    put:\n      operationId: putPets\n      responses: {"200": {description: x}}\n    post:\n',
)
SHORTER = DOCUMENT.replace("  /pets/{id}:", "  /animals/{id}:")


def told(admin: Actor, name: str = "pets") -> list[Entry]:
    return changelog.page(admin, name)


def kinds(admin: Actor) -> list[tuple[str, EntryKind]]:
    return [(one.version.name, one.kind) for one in told(admin)]


def replace(admin: Actor, text: str, name: str = "pets") -> None:
    imports.reimport(admin, name, source=source(text))


def test_edits_tell_nothing_before_they_are_published(admin: Actor) -> None:
    import_api(admin)
    assert told(admin) == []
    publishing.publish(admin, "pets")
    replace(admin, LONGER)
    assert kinds(admin) == [("v1", EntryKind.PUBLISHED)]
    publishing.publish(admin, "pets", note="Pets can be **put**.")
    newest, first = told(admin)
    assert (newest.kind, newest.note) == (EntryKind.CHANGED, "Pets can be **put**.")
    assert [(one.kind, one.title) for one in newest.changes] == [("added", "PUT /pets")]
    assert not newest.is_breaking
    assert first.changes == ()


def test_what_was_edited_twice_is_compared_with_what_was_published(admin: Actor) -> None:
    import_api(admin)
    publishing.publish(admin, "pets")
    replace(admin, LONGER)
    replace(admin, SHORTER)
    publishing.publish(admin, "pets")
    (change,) = told(admin)[0].changes
    assert change.what == "moved from GET /pets/{id} to GET /animals/{id} (breaking)"
    assert told(admin)[0].is_breaking
    assert not ChangelogEntry.objects.exclude(document_packed=b"").exists()


def test_publishing_the_same_again_tells_nothing_unless_there_is_a_note(admin: Actor) -> None:
    import_api(admin)
    publishing.publish(admin, "pets")
    publishing.publish(admin, "pets")
    replace(admin, LONGER)
    replace(admin, DOCUMENT)
    publishing.publish(admin, "pets")
    replace(admin, DOCUMENT + "# another text that says the same\n")
    publishing.publish(admin, "pets")
    assert kinds(admin) == [("v1", EntryKind.PUBLISHED)]
    publishing.publish(admin, "pets", note="Faster now.")
    assert [one.note for one in told(admin)] == ["Faster now.", ""]


def test_a_note_that_is_too_long_publishes_nothing(admin: Actor) -> None:
    import_api(admin)
    with pytest.raises(Problem):
        publishing.publish(admin, "pets", note="x" * 4001)
    assert told(admin) == []


def test_a_further_version_is_compared_with_the_one_before(admin: Actor) -> None:
    import_api(admin)
    publishing.publish(admin, "pets")
    imports.import_document(
        admin, name="pets", version="v2", source=source(SHORTER), base_path="/v2"
    )
    replace(admin, LONGER)  # edited and not published: v2 is compared with what callers have
    publishing.publish(admin, "pets@v2")
    newest = told(admin)[0]
    assert (newest.version.name, newest.compared) == ("v2", "v1")
    assert [one.title for one in newest.changes] == ["GET /animals/{id}"]


def test_the_end_of_a_version_and_the_way_back_are_told(admin: Actor) -> None:
    import_api(admin)
    publishing.publish(admin, "pets")
    lifecycle.deprecate(admin, "pets", sunset_at=admin.at + timedelta(days=90))
    lifecycle.undeprecate(admin, "pets")
    lifecycle.deprecate(admin, "pets", link="https://example.com/moving")
    lifecycle.retire(admin, "pets", confirm="pets")
    publishing.publish(admin, "pets")
    assert [kind for _, kind in reversed(kinds(admin))] == [
        EntryKind.PUBLISHED,
        EntryKind.DEPRECATED,
        EntryKind.UNDEPRECATED,
        EntryKind.DEPRECATED,
        EntryKind.RETIRED,
        EntryKind.AGAIN,
    ]
    assert "sunset_at" in told(admin)[-2].data


def test_going_back_is_told_and_so_is_going_on_again(admin: Actor) -> None:
    import_api(admin)
    first = publishing.publish(admin, "pets")
    replace(admin, LONGER)
    publishing.publish(admin, "pets")
    rollbacks.rollback(admin, "default", revision=first.number)
    publishing.publish(admin, "pets")
    assert [kind for _, kind in kinds(admin)][:2] == [EntryKind.AGAIN, EntryKind.ROLLED_BACK]


def test_only_so_many_entries_are_kept(admin: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changelog, "ENTRIES_MAX", 3)
    import_api(admin)
    publishing.publish(admin, "pets")
    for number in range(5):
        publishing.publish(admin, "pets", note=f"note {number}")
    assert [one.note for one in told(admin)] == ["note 4", "note 3", "note 2"]


def test_readers_see_published_and_retired_versions_alone(admin: Actor) -> None:
    import_api(admin)
    publishing.publish(admin, "pets")
    api = apis.served("pets").api
    assert changelog.entries(api).count() == 1
    publishing.unpublish(admin, "pets")
    assert changelog.entries(api).count() == 0


def test_changes_are_kept_so_that_they_can_be_said_in_german(admin: Actor) -> None:
    import_api(admin)
    publishing.publish(admin, "pets")
    replace(admin, SHORTER)
    publishing.publish(admin, "pets")
    words = told(admin)[0].changes[0].differences[0].words
    assert isinstance(words, Phrase)
    with translation.override("de"):
        assert said(words) == "von GET /pets/{id} nach GET /animals/{id} verschoben"
