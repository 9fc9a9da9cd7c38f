"""Has another process changed the database? Asked only while somebody waits for it."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator

import structlog
from django.db import connections

WATCH_SECONDS = 0.02  # how late a change of another process on SQLite may be noticed
LINGER_SECONDS = 30.0  # a watcher without waiters stays this long: the next poll is on its way
RETRY_SECONDS = 1.0  # after a failure of the connection that watches

log = structlog.get_logger(__name__)


class Watcher:
    """A thread that calls `ring` after each change that any process commits, with what its NOTIFY
    says or, on SQLite, with nothing.

    It runs while somebody is `watching` and a little longer. A database that cannot be watched
    is tried again each second: waiters then rely on their own interval.
    """

    def __init__(self, ring: Callable[[str], None], *, channel: str) -> None:
        self._ring = ring
        self._channel = channel
        self._lock = threading.Lock()
        self._wanted = threading.Condition(self._lock)
        self._waiters = 0
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Keep the watcher running meanwhile."""
        with self._lock:
            self._waiters += 1
            self._wanted.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="headgate-store-watcher", daemon=True
                )
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._waiters -= 1

    def _run(self) -> None:
        while True:
            try:
                if self._is_idle():
                    return
                self._watch()
            except (sqlite3.Error, OSError) as error:
                log.warning("store_watch_failed", error=str(error))
                threading.Event().wait(RETRY_SECONDS)

    def _is_idle(self) -> bool:
        """Whether nobody has waited for a while; the thread is then forgotten and ends."""
        with self._lock:
            if self._waiters:
                return False
            if self._wanted.wait_for(lambda: self._waiters > 0, LINGER_SECONDS):
                return False
            self._thread = None
            return True

    def _watch(self) -> None:
        """Watch until nobody waits any more."""
        settings = connections["default"].settings_dict
        if "postgresql" in settings["ENGINE"]:
            self._watch_postgresql()
        else:
            self._watch_sqlite(str(settings["NAME"]))

    def _watch_sqlite(self, path: str) -> None:
        # A database in memory has no other process that could write to it.
        is_uri = path.startswith("file:")
        connection = sqlite3.connect(path, uri=is_uri, timeout=1.0, isolation_level=None)
        with contextlib.closing(connection):
            tick = threading.Event()
            version = self._data_version(connection)
            self._ring("")  # what was committed before the first look
            while self._waiters:
                tick.wait(WATCH_SECONDS)
                now = self._data_version(connection)
                if now != version:
                    version = now
                    self._ring("")

    @staticmethod
    def _data_version(connection: sqlite3.Connection) -> int:
        return int(connection.execute("PRAGMA data_version").fetchone()[0])

    def _watch_postgresql(self) -> None:
        parameters = connections["default"].get_connection_params()
        parameters = {
            name: parameters[name]
            for name in ("dbname", "user", "password", "host", "port")
            if name in parameters
        }
        # The driver takes 8 MB and 90 ms: nothing for those who run on SQLite
        import psycopg

        try:
            with psycopg.connect(**parameters, autocommit=True) as connection:
                connection.execute(f"LISTEN {self._channel}")
                self._ring("")  # what was committed before LISTEN
                while self._waiters:
                    for notice in connection.notifies(timeout=1.0, stop_after=1):
                        self._ring(notice.payload)
        except psycopg.Error as error:
            raise OSError(f"PostgreSQL: {error}") from error
