"""The jobs process: which loops run in it, and how does it start and stop?

`run` returns 0 after SIGTERM or SIGINT: what is under way is finished, leases are given back.
"""

import os
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import structlog

from headgate.core.clock import Clock, SystemClock
from headgate.core.logging import LogFormat, configure
from headgate.core.problems import Problem
from headgate.jobs.loop import Loop
from headgate.jobs.loop import run as run_loop

USED_WRONGLY = 2
INGEST_SECONDS = 0.3
COMPACTION_SECONDS = 5.0
RETENTION_SECONDS = 60.0
HOUSEKEEPING_SECONDS = 600.0
RELEASES_SECONDS = 2.0
MAIL_SECONDS = 1.0
MAIL_LEASE = timedelta(minutes=3)  # longer than `mail.AT_ONCE_MAX` mails to a server that hangs
SUNSETS_SECONDS = 30.0
NOTICES_SECONDS = 5.0
ACCESS_SECONDS = 2.0
ISSUERS_SECONDS = 2.0  # looks which are due
WEBHOOKS_SECONDS = 0.5
WEBHOOKS_BUSY_SECONDS = 0.05  # while answers are waited for
ISSUER_BYTES_MAX = 1_000_000  # of metadata or a key set
ISSUER_TIMEOUT_SECONDS = 10.0
STOP_SECONDS_MAX = 30.0  # a merge under way ends well before; a longer one is done again
COMPACTION_MEMORY_MB = 384

_log = structlog.get_logger()


def run(
    *,
    data: Path,
    log_format: LogFormat = "console",
    clock: Clock | None = None,
    stop: threading.Event | None = None,
) -> int:
    """Run the loops over the store of the environment until a signal or `stop`.

    Returns the exit code: 0, or 2 when the data folder or the database cannot be used.
    """
    configure(log_format)
    clock = clock or SystemClock()
    stop = stop or threading.Event()
    from headgate.store import setup  # Django is configured by it, and not before

    try:
        setup.start(clock.now())
    except Problem as problem:
        _log.error("cannot start", detail=problem.detail, next_step=problem.next_step)
        return USED_WRONGLY
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: stop.set())
    loops = [*traffic_loops(data, clock), *store_loops(clock), webhook_loop(clock, stop)]
    threads = [
        threading.Thread(target=run_loop, args=(loop, stop, clock), name=loop.name, daemon=True)
        for loop in loops
    ]
    for thread in threads:
        thread.start()
    _log.info("jobs started", loops=[loop.name for loop in loops], data=str(data))
    while not stop.wait(1.0):
        pass
    deadline = clock.monotonic() + STOP_SECONDS_MAX
    for thread in threads:
        thread.join(max(0.0, deadline - clock.monotonic()))
    _log.info("jobs stopped", unfinished=[thread.name for thread in threads if thread.is_alive()])
    return 0


def traffic_loops(data: Path, clock: Clock) -> list[Loop]:
    """The loops of the traffic store. Django must be set up."""
    from headgate.store.services.traffic.compaction import Compaction
    from headgate.store.services.traffic.ingest import Ingest
    from headgate.store.services.traffic.retention import Retention
    from headgate.traffic.io.engine import INGEST_THREADS, Engine
    from headgate.traffic.io.folders import TrafficFolders

    folders = TrafficFolders(data)
    folders.make()
    holder = f"{socket.gethostname()}:{os.getpid()}"
    parsing = Engine(folders.scratch, threads=INGEST_THREADS)
    ingest = Ingest(folders, parsing, clock=clock, holder=holder)
    merging = Engine(folders.scratch / "merging", memory_mb=COMPACTION_MEMORY_MB)
    compaction = Compaction(folders, merging, clock=clock, holder=f"{holder}:compaction")
    retention = Retention(folders, clock=clock, holder=f"{holder}:retention")

    def store_segments() -> bool:
        result = ingest.tick()
        if result is None:
            return False
        if result.batches:
            _log.debug("ingested", segments=result.segments, records=result.records)
        if result.rejected or result.aside:
            _log.warning("not stored", lines=result.rejected, files=result.aside)
        return False

    def compact() -> bool:
        result = compaction.tick()
        if result and result.merges:
            _log.info("compacted", merges=result.merges, files=result.files_merged)
        return bool(result and result.merges)

    def retain() -> bool:
        result = retention.tick()
        if result and (result.files or result.rows):
            _log.info("retention", files=result.files, rows=result.rows)
        return False

    failed = _failure_keeper(clock)
    return [
        Loop("ingest", INGEST_SECONDS, _connected(store_segments), failed, ingest.release),
        Loop("compaction", COMPACTION_SECONDS, _connected(compact), failed, merging.close),
        Loop("retention", RETENTION_SECONDS, _connected(retain), failed, lambda: None),
    ]


def store_loops(clock: Clock) -> list[Loop]:
    """The loops over what is configured. Django must be set up."""
    from headgate.catalog.io.fetch import HTTPFetcher
    from headgate.store.services import housekeeping
    from headgate.store.services.actor import Actor
    from headgate.store.services.alerts import expiry_mails
    from headgate.store.services.catalog import lifecycle
    from headgate.store.services.consumers import expiring_keys
    from headgate.store.services.gateway import releases
    from headgate.store.services.oauth import foreign_issuers, signing_keys

    # operators name issuers, and many stand in their own network
    fetch = HTTPFetcher(
        allow_private=True, bytes_max=ISSUER_BYTES_MAX, seconds_max=ISSUER_TIMEOUT_SECONDS
    )

    def watch_releases() -> bool:
        for row in releases.watch(Actor.system("release watch", clock.now())):
            _log.warning("release taken back", release=row.candidate.path, reason=row.reason)
        return False

    def retire_due() -> bool:
        done, failed_ones = lifecycle.retire_due(Actor.system("sunset", clock.now()))
        for name in done:
            _log.warning("retired at its sunset", api=name)
        for name, problem in failed_ones:
            _log.error("not retired at its sunset", api=name, detail=problem.detail)
        return False

    def fetch_keys() -> bool:
        for issuer in foreign_issuers.refresh(Actor.system("jobs", clock.now()), fetch):
            _log.info("keys of an issuer changed", issuer=issuer)
        return False

    def tidy() -> bool:
        now = clock.now()
        if signing_keys.tend(Actor.system("jobs", now)):
            _log.info("keys of tokens changed")
        expiring_keys.tell(now)
        expiry_mails.tell(now)
        forgotten = housekeeping.tidy(now)
        if forgotten:
            _log.info("forgotten", **asdict(forgotten))
        return bool(forgotten)

    failed = _failure_keeper(clock)
    mails = _connected(_mailing(clock))
    return [
        Loop("mail", MAIL_SECONDS, mails, failed, lambda: None),
        Loop("issuers", ISSUERS_SECONDS, _connected(fetch_keys), failed, lambda: None),
        Loop("releases", RELEASES_SECONDS, _connected(watch_releases), failed, lambda: None),
        Loop("access", ACCESS_SECONDS, _connected(_ending_access(clock)), failed, lambda: None),
        Loop("sunsets", SUNSETS_SECONDS, _connected(retire_due), failed, lambda: None),
        Loop("notices", NOTICES_SECONDS, _connected(_telling(clock)), failed, lambda: None),
        Loop("housekeeping", HOUSEKEEPING_SECONDS, _connected(tidy), failed, lambda: None),
    ]


def _ending_access(clock: Clock) -> Callable[[], bool]:
    """Writes down which grants for sensitive data have lapsed; gateways refuse without it."""
    from headgate.store.services.actor import Actor
    from headgate.store.services.consumers import data_access_ends

    def tend() -> bool:
        told = data_access_ends.tend(Actor.system("access", clock.now()))
        if told.lapsed or told.warned:
            _log.info("access to sensitive data", lapsed=told.lapsed, ending=told.warned)
        return told.is_more

    return tend


def _telling(clock: Clock) -> Callable[[], bool]:
    """Tells those who call a version or operation of its end; nobody is forgotten when it fails."""
    from headgate.store.services.actor import Actor
    from headgate.store.services.catalog import lifecycle_notices

    def tell() -> bool:
        if told := lifecycle_notices.tell_due(Actor.system("notices", clock.now())):
            _log.info("told of an end", events=told)
        return False

    return tell


def _mailing(clock: Clock) -> Callable[[], bool]:
    """Sends mails that are due; without a mail server they wait, and `headgate status` says so."""
    from headgate.jobs.smtp import SMTPSender
    from headgate.store.environment import mail_server
    from headgate.store.services import leases
    from headgate.store.services.actor import Actor
    from headgate.store.services.alerts import mail

    server = mail_server()
    sender = SMTPSender(server) if server else None
    holder = f"{socket.gethostname()}:{os.getpid()}:mail"

    def send() -> bool:
        if sender is None or not mail.is_waiting(clock.now()):
            return False
        held = leases.take("mail", holder=holder, now=clock.now(), length=MAIL_LEASE)
        if held is None:
            return False
        sent, failed = mail.send_due(Actor.system("mail", clock.now()), sender)
        leases.release(held, now=clock.now())
        _log.info("mails", sent=sent, failed=failed)
        return sent == mail.AT_ONCE_MAX

    return send


def webhook_loop(clock: Clock, stop: threading.Event) -> Loop:
    """The loop that sends events. Django must be set up."""
    import ssl

    from headgate.jobs.webhook_post import Poster
    from headgate.jobs.webhooks import Sender

    poster = Poster(clock, ssl.create_default_context())
    sender = Sender(poster, clock=clock, holder=f"{socket.gethostname()}:{os.getpid()}:webhooks")

    def send() -> bool:
        is_busy = sender.tick()
        if is_busy:
            stop.wait(WEBHOOKS_BUSY_SECONDS)
        return is_busy

    return Loop(
        "webhooks", WEBHOOKS_SECONDS, _connected(send), _failure_keeper(clock), sender.release
    )


def _connected(act: Callable[[], bool]) -> Callable[[], bool]:
    """`act` with a database connection that works: a broken one is dropped before and after."""
    from django.db import close_old_connections

    def acting() -> bool:
        close_old_connections()
        try:
            return act()
        except Exception:
            close_old_connections()
            raise

    return acting


def _failure_keeper(clock: Clock) -> Callable[[str, Exception], None]:
    from headgate.store.services.traffic.mishaps import EventKind, note

    def keep(name: str, error: Exception) -> None:
        note(EventKind.LOOP_FAILED, f"{name}: {type(error).__name__}: {error}", now=clock.now())

    return keep
