"""How is one consumer erased from the records? Files are rewritten; the counts stay.

Each record of the consumer keeps its time, operation, status and sizes, so that totals still add
up, and loses everything that tells whose it was. Summaries and totals hold ids and numbers, no
person, and stay as they are.
"""

import mmap
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from headgate.core.clock import Clock
from headgate.core.problems import Problem, ProblemType
from headgate.store.services import audit, leases
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.audit import Action
from headgate.store.services.leases import Held
from headgate.store.services.traffic.compaction import LEASE, LEASE_LENGTH, listed_files, swap
from headgate.store.services.traffic.names import application_id, organization_id
from headgate.store.services.traffic.reading import Reader, reader
from headgate.traffic.compaction import ListedFile
from headgate.traffic.io import inbox
from headgate.traffic.io.folders import place
from headgate.traffic.io.parquet import count_where, merge_files

ERASED = (
    "organization",
    "application",
    "subscription",
    "credential",
    "subject",
    "client_ip",
    "user_agent",
    "request_id",
    "path",
    "query",
)
"""Columns that are emptied."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was done, or would be: records emptied in how many files, and copies of segments
    removed."""

    records: int
    files: int
    copies: int


def erase(
    actor: Actor, *, clock: Clock, organization: str | None = None, application: str | None = None
) -> Erasure:
    """Erase an organization or an application, by name or id. Safe to repeat.

    Delete it first: requests that it still makes are recorded as before.

    Raises:
        Problem: FORBIDDEN without the scope `admin`; NOT_FOUND; INVALID_INPUT for both or
            neither; CONFLICT while files are being merged or records of it wait to be stored.
    """
    column, subject = _whose(actor, organization, application)
    here = reader()
    waiting, _ = inbox.waiting(here.folders)
    if any(_names(item.path, subject.encode()) for item in waiting):
        raise Problem(
            ProblemType.CONFLICT,
            "Records of this consumer are being stored at the moment.",
            "Delete it first, so that none are added, and try again in some seconds.",
        )
    held = leases.take(LEASE, holder=f"erase {subject}", now=clock.now(), length=LEASE_LENGTH)
    if held is None:
        raise Problem(
            ProblemType.CONFLICT, "Traffic files are being merged.", "Try again in a minute."
        )
    records = files = 0
    for file in listed_files():
        number = count_where(here.engine, here.folders.files / file.path, column, subject)
        if number:
            held = _rewrite(here, file, column, subject, held, clock)
            records, files = records + number, files + 1
    copies = _copies(here, subject)
    for path in copies:
        path.unlink(missing_ok=True)
    leases.release(held, now=clock.now())
    with transaction.atomic():
        after = {"records": records, "files": files, "copies": len(copies)}
        audit.record(actor, Action.CONSUMER_ERASED, subject, after=after)
    return Erasure(records, files, len(copies))


def preview(
    actor: Actor, *, organization: str | None = None, application: str | None = None
) -> Erasure:
    """What `erase` would do now; it changes nothing.

    Raises:
        Problem: FORBIDDEN without the scope `admin`; NOT_FOUND; INVALID_INPUT for both or neither.
    """
    column, subject = _whose(actor, organization, application)
    here = reader()
    numbers = [
        count_where(here.engine, here.folders.files / file.path, column, subject)
        for file in listed_files()
    ]
    files = sum(number > 0 for number in numbers)
    return Erasure(sum(numbers), files, len(_copies(here, subject)))


def _whose(actor: Actor, organization: str | None, application: str | None) -> tuple[str, str]:
    """The column of records that names the consumer, and its id there."""
    actor.require_operator(Scope.ADMIN, "consumer")
    if (organization is None) == (application is None):
        raise Problem(
            ProblemType.INVALID_INPUT,
            "Either an organization or an application is erased.",
            "Name one of them.",
        )
    if organization is not None:
        return "organization", organization_id(actor, organization)
    return "application", application_id(actor, application or "")


def _rewrite(
    here: Reader, file: ListedFile, column: str, subject: str, held: Held, clock: Clock
) -> Held:
    name = f"merge-{file.id:010d}-t{held.token}.parquet"
    scratch = here.folders.scratch / name
    is_theirs = f"{column} = '{subject}'"  # an id of our own: letters, digits and underscore
    span = merge_files(
        here.engine,
        [here.folders.files / file.path],
        scratch,
        replaced={name: f"CASE WHEN {is_theirs} THEN '' ELSE {name} END" for name in ERASED},
    )
    target = here.folders.files / f"{span.last_at:%Y-%m-%d}" / name
    place(scratch, target)
    return swap(
        here.folders,
        [file],
        target,
        span,
        held=held,
        clock=clock,
        tier=file.tier,
        is_final=file.is_final,
        is_same=True,
    )


def _copies(here: Reader, subject: str) -> list[Path]:
    """Archived segments and rejected lines that name the consumer."""
    return [
        path
        for folder in (here.folders.archive, here.folders.rejects)
        for path in folder.iterdir()
        if _names(path, subject.encode())
    ]


def _names(path: Path, subject: bytes) -> bool:
    try:
        with path.open("rb") as file:
            if not path.stat().st_size:
                return False
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
                return text.find(subject) >= 0
    except FileNotFoundError:
        return False
