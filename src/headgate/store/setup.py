"""How does a data folder come to be, and a store in it? Safe to repeat, safe to kill.

`prepare` needs no Django and changes nothing before every check has passed. `start` is all of
it: prepare, migrate, bootstrap.
"""

import fcntl
import os
import pkgutil
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.access.keys import digest, is_token, new_token, secret_of
from headgate.core.ids import new_id
from headgate.core.problems import Problem, ProblemType
from headgate.store.environment import data_folder, mistakes
from headgate.store.files import FOLDER_MODE, remove_drafts, write_whole
from headgate.store.migrations._replaced import REPLACED

if TYPE_CHECKING:
    from headgate.store.models import Node  # Django's models: only after it has been set up

DATA_FORMAT = 1  # number of the layout of the data folder
FOLDERS = (
    "node",
    "node/envoy",
    "node/log",
    "node/spool",
    "inbox",
    "traffic",
    "archive",
    "rejects",
)
LOCK_FILE = "run/migrate.lock"  # held by whoever changes the folder or the tables
ADMIN_TOKEN_FILE = "admin.token"  # noqa: S105  # a file's name
NODE_TOKEN_FILE = "node/node.token"  # noqa: S105  # a file's name
SECRET_BYTES = 48
LOCAL_NODE = "local"
GENERATION_BYTES = 12
ADVISORY_LOCK = 0x48454144  # "HEAD": the number of our lock on PostgreSQL


@dataclass(frozen=True, slots=True)
class Started:
    """What a start found or made; `is_new` is true at the first one."""

    data: Path
    is_new: bool
    admin_token_file: Path
    node_token_file: Path


def start(at: datetime) -> Started:
    """Make the store of the environment ready: folder, tables, first rows.

    Raises:
        Problem: the folder or the database cannot be used; with the next step.
    """
    data = data_folder()
    if wrong := mistakes():
        raise _refusal(" ".join(wrong), "Correct the environment and start again.")
    prepare(data)
    _set_up_django()
    migrate(data)
    is_new = bootstrap(data, at)
    return Started(data, is_new, data / ADMIN_TOKEN_FILE, data / NODE_TOKEN_FILE)


def prepare(data: Path) -> None:
    """Make `data` a data folder of this version; what is there already stays.

    Raises:
        Problem: not a folder, not writable, of a newer version, or not Headgate's.
    """
    _check_folder(data)
    try:
        data.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        (data / "run").mkdir(mode=FOLDER_MODE, exist_ok=True)
        with _lock(data / LOCK_FILE):
            for folder in (data, data / "node"):
                remove_drafts(folder)
            if not (data / "format").exists():
                data.chmod(FOLDER_MODE)
                write_whole(data / "format", f"{DATA_FORMAT}\n", mode=0o644)
            for name in FOLDERS:
                (data / name).mkdir(mode=FOLDER_MODE, exist_ok=True)
            if not (data / "secret.key").exists():
                write_whole(data / "secret.key", secrets.token_urlsafe(SECRET_BYTES) + "\n")
    except OSError as error:
        raise _refusal(
            f"The data folder {data} cannot be written: {error.strerror or error}.",
            "Give its owner the right to write, free some space, or choose another with --data.",
        ) from error


def migrate(data: Path) -> None:
    """Bring the tables to this version. One process at a time; the others wait.

    Raises:
        Problem: the database cannot be reached, a newer version has changed its tables, or one
            of before there were releases has made them half-way to those of today.
    """
    # Django's command modules are needed only here, at start-up.
    from django.core.management import call_command
    from django.db.utils import DatabaseError

    try:
        with _lock(data / LOCK_FILE), _database_lock():
            if _is_migrated():
                return
            with _all_or_nothing():
                call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
    except DatabaseError as error:
        raise Problem(
            ProblemType.UNAVAILABLE,
            f"The database cannot be used: {str(error).strip()}.",
            "Check HEADGATE_DATABASE_URL, and that the server runs and lets this user in;"
            " with SQLite, the disk's free space.",
        ) from error


@contextmanager
def _all_or_nothing() -> Iterator[None]:
    """One transaction around all migrations.

    Django writes down that one was made after its tables are there: a kill between the two would
    leave tables that no later start can make. SQLite checks references at the end instead.
    """
    from django.db import connection, transaction

    connection.disable_constraint_checking()
    try:
        with transaction.atomic():
            yield
    finally:
        connection.enable_constraint_checking()


def _is_migrated() -> bool:
    """Whether the tables are of this version, told by the names of migrations alone.

    Loading them all to ask Django takes longer than anything else that a start does.

    Raises:
        Problem: no migration of this version leads from those tables to its own.
    """
    from django.apps import apps
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    known = {("store", name) for name in REPLACED}
    for app in apps.get_app_configs():
        for module in pkgutil.iter_modules([str(Path(app.path, "migrations"))]):
            if not module.name.startswith("_"):
                known.add((app.label, module.name))
    made = set(MigrationRecorder(connection).applied_migrations())
    if unknown := sorted(name for app, name in made - known if app == "store"):
        raise _refusal(
            f"The database was changed by a newer version of Headgate ({', '.join(unknown)}).",
            "Start that version or a later one.",
        )
    replaced = [name for name in REPLACED if ("store", name) in made]
    if replaced and len(replaced) < len(REPLACED):
        raise _refusal(
            f"The tables of the database were made before there were releases ({replaced[-1]}),"
            " and this version cannot change them.",
            f"Start once the version whose last migration is {REPLACED[-1]}, then this one;"
            " or start with another data folder (--data) and an empty database.",
        )
    return known == made


def bootstrap(data: Path, at: datetime) -> bool:
    """Make what every store has: its name, a gateway, a node, and the two tokens in files.

    A token's file is written before its row: a kill between the two leaves a file whose text the
    next start takes over. A file that was deleted is made anew, and its old token revoked.
    True when the store is new.

    Raises:
        Problem: a token's file cannot be written.
    """
    # The models can be imported only after Django has been set up.
    from django.db import transaction

    from headgate.store.models import AccessCounter, Gateway, Installation, Node
    from headgate.store.services.actor import Scope
    from headgate.store.services.gateway.gateways import DEFAULT_GATEWAY

    with _lock(data / LOCK_FILE):
        with transaction.atomic():
            is_new = not Installation.objects.exists()
            if is_new:
                Installation.objects.create(
                    generation=secrets.token_hex(GENERATION_BYTES), created_at=at
                )
            AccessCounter.objects.get_or_create(pk=1)
            gateway = Gateway.objects.filter(name=DEFAULT_GATEWAY, removed_at=None).first()
            if gateway is None:
                gateway = Gateway.objects.create(
                    id=new_id("gtw"), created_at=at, name=DEFAULT_GATEWAY, title="Default"
                )
            if is_new:  # later only if it is asked for: it may have been deleted
                Node.objects.create(
                    id=new_id("nod"), created_at=at, gateway=gateway, name=LOCAL_NODE
                )
        _token(data / ADMIN_TOKEN_FILE, "administrator", Scope.ADMIN, at)
        local = Node.objects.filter(name=LOCAL_NODE, removed_at=None).first()
        if local is not None:
            _token(data / NODE_TOKEN_FILE, f"node {LOCAL_NODE}", Scope.NODE, at, node=local)
    return is_new


def _token(path: Path, name: str, scope: str, at: datetime, *, node: "Node | None" = None) -> None:
    """The text in `path` is a live token with this name, which was made at a start."""
    from django.db import transaction

    from headgate.store.models import Token
    from headgate.store.services.actor import Scope
    from headgate.store.services.consumers import tokens

    text = path.read_text(encoding="ascii").strip() if path.exists() else ""
    if is_token(text) and Token.objects.filter(sha256=digest(text)).exists():
        return  # also when an administrator has revoked it: a start does not undo that
    if not is_token(text):
        text = new_token().text
        try:
            write_whole(path, text + "\n")
        except OSError as error:
            raise _refusal(
                f"The file {path} cannot be written: {error.strerror or error}.",
                "Free some space or mend its folder's rights, then start again.",
            ) from error
    with transaction.atomic():
        Token.objects.filter(name=name, scopes=[scope], removed_at=None).update(removed_at=at)
        tokens.insert(secret_of(text), name=name, scopes=[Scope(scope)], at=at, node=node)


def _check_folder(data: Path) -> None:
    """Refuse what cannot be a data folder of ours, before anything changes.

    Raises:
        Problem: see `prepare`.
    """
    if not data.exists():
        return
    if not data.is_dir():
        raise _refusal(f"{data} is not a folder.", "Choose another data folder with --data.")
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        raise _refusal(
            f"The data folder {data} cannot be written by this user.",
            "Start as its owner, or choose another data folder with --data.",
        )
    try:
        text = (data / "format").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        if (data / "headgate.db").exists():
            raise _refusal(
                f"{data} holds a database but no file 'format': it is incomplete.",
                "Restore the whole folder from a backup, or choose another with --data.",
            ) from None
        return
    except OSError as error:
        raise _refusal(
            f"{data / 'format'} cannot be read: {error.strerror}.", "Mend its rights."
        ) from error
    if not (text.isascii() and text.isdecimal()):
        raise _refusal(
            f"{data / 'format'} says {text[:20]!r}, which is no format of a data folder.",
            "Choose another data folder with --data, or restore it from a backup.",
        )
    if int(text) > DATA_FORMAT:
        raise _refusal(
            f"The data folder {data} was written by a newer version of Headgate"
            f" (format {text}, this version knows {DATA_FORMAT}).",
            "Start that version or a later one, or choose another data folder with --data.",
        )


def _set_up_django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "headgate.store.settings")
    import django
    from django.conf import settings

    django.setup()
    if not settings.SECRET_KEY:  # the settings were read before the folder was prepared
        settings.SECRET_KEY = (settings.HEADGATE_DATA / "secret.key").read_text("ascii").strip()


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold a lock on a file; it ends with the process, however that ends."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _database_lock() -> Iterator[None]:
    """On PostgreSQL, keep the start-ups of other machines waiting."""
    from django.db import connection

    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [ADVISORY_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_LOCK])


def _refusal(detail: str, next_step: str) -> Problem:
    return Problem(ProblemType.CONFLICT, detail, next_step)
