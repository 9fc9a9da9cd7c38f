"""A data folder is made once, kept for ever, and never touched when something is wrong."""

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from headgate.access.keys import is_token
from headgate.core.problems import Problem
from headgate.store import setup
from headgate.store.migrations._replaced import REPLACED
from headgate.store.models import Gateway, Installation, Node, Token
from headgate.store.services.actor import Scope
from headgate.store.services.consumers import tokens
from tests.support.store import AT


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder with its text."""
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_data_folder_is_the_owners_alone(tmp_path: Path) -> None:
    data = tmp_path / "deep" / "data"
    setup.prepare(data)
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert stat.S_IMODE((data / "secret.key").stat().st_mode) == 0o600
    assert (data / "format").read_text() == "1\n"
    assert len((data / "secret.key").read_text().strip()) >= 43


def test_preparing_again_changes_nothing(data: Path) -> None:
    before = contents(data)
    setup.prepare(data)
    assert contents(data) == before


def test_what_a_killed_start_left_is_removed(data: Path) -> None:
    (data / ".secret.key.0a1b2c3d.draft").write_text("half")
    setup.prepare(data)
    assert not list(data.glob(".*"))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("format", "2\n", "newer version"),
        ("format", "one", "no format"),
        ("headgate.db", "", "incomplete"),
    ],
)
def test_a_folder_that_is_not_ours_to_use_is_refused_untouched(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    (tmp_path / name).write_text(text)
    before = contents(tmp_path)
    with pytest.raises(Problem, match=words) as caught:
        setup.prepare(tmp_path)
    assert caught.value.next_step
    assert contents(tmp_path) == before


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    with pytest.raises(Problem, match="is not a folder"):
        setup.prepare(tmp_path / "data")
    with pytest.raises(Problem, match="cannot be written"):
        setup.prepare(tmp_path / "data" / "below")


def test_an_unwritable_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # root may write anywhere, so the answer of the system is given here
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(Problem, match="cannot be written by this user"):
        setup.prepare(tmp_path)
    assert contents(tmp_path) == {}


def test_the_first_start_makes_a_gateway_a_node_and_two_tokens(store: Path) -> None:
    assert Installation.objects.count() == 1
    assert [gateway.name for gateway in Gateway.objects.all()] == ["default"]
    assert [node.name for node in Node.objects.all()] == ["local"]
    admin = tokens.authenticate((store / "admin.token").read_text().strip(), at=AT)
    assert admin.may(Scope.ADMIN)
    node = tokens.authenticate((store / "node" / "node.token").read_text().strip(), at=AT)
    assert node.scopes == {Scope.NODE}
    assert node.gateway == "default"
    for name in ("admin.token", "node/node.token"):
        assert stat.S_IMODE((store / name).stat().st_mode) == 0o600


def test_a_second_start_changes_nothing(store: Path) -> None:
    before = contents(store)
    rows = list(Token.objects.values()), list(Installation.objects.values())
    assert setup.bootstrap(store, AT + timedelta(days=1)) is False
    assert contents(store) == before
    assert (list(Token.objects.values()), list(Installation.objects.values())) == rows


def test_a_kill_between_file_and_row_is_taken_up_by_the_next_start(store: Path) -> None:
    text = (store / "admin.token").read_text()
    Token.objects.filter(name="administrator").delete()
    setup.bootstrap(store, AT)
    assert (store / "admin.token").read_text() == text
    assert tokens.authenticate(text.strip(), at=AT).may(Scope.ADMIN)


@pytest.mark.parametrize("rest", [None, "", "hgt_torn"])
def test_a_lost_or_torn_token_file_gets_a_new_token_and_the_old_one_ends(
    store: Path, rest: str | None
) -> None:
    path = store / "admin.token"
    old = path.read_text().strip()
    path.unlink() if rest is None else path.write_text(rest)
    setup.bootstrap(store, AT)
    new = path.read_text().strip()
    assert is_token(new)
    assert tokens.authenticate(new, at=AT).may(Scope.ADMIN)
    with pytest.raises(Problem):
        tokens.authenticate(old, at=AT)


def test_a_start_does_not_bring_a_revoked_token_back(store: Path) -> None:
    Token.objects.filter(name="administrator").update(removed_at=AT)
    setup.bootstrap(store, AT)
    with pytest.raises(Problem):
        tokens.authenticate((store / "admin.token").read_text().strip(), at=AT)


def test_a_database_of_a_newer_version_is_refused(store: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('store', '9999_next', %s)",
            [AT],
        )
    with pytest.raises(Problem, match="newer version of Headgate"):
        setup.migrate(store)


def forget(*names: str) -> None:
    """The tables are as if these migrations had not been made."""
    MigrationRecorder.Migration.objects.filter(app="store", name__in=names).delete()


def test_tables_of_this_version_are_known_by_the_names_of_migrations(store: Path) -> None:
    assert setup._is_migrated()
    forget("0002_tables")
    assert not setup._is_migrated()


def test_tables_at_the_last_migration_that_was_replaced_go_on_unchanged(store: Path) -> None:
    forget("0001_people", "0002_tables")
    executor = MigrationExecutor(connection)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
    setup.migrate(store)
    assert setup._is_migrated()


def test_tables_before_the_last_migration_that_was_replaced_are_refused(store: Path) -> None:
    forget("0001_people", "0002_tables", *REPLACED[17:])
    recorded = MigrationRecorder.Migration.objects.count()
    with pytest.raises(Problem, match=r"before there were releases \(0017_people\)") as told:
        setup.migrate(store)
    assert REPLACED[-1] in told.value.next_step
    assert MigrationRecorder.Migration.objects.count() == recorded


def test_the_migrations_make_exactly_the_tables_of_the_models(db: None) -> None:
    call_command("makemigrations", "--check", "--dry-run", "store", skip_checks=True, verbosity=0)
