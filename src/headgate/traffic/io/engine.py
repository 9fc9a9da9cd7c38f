"""Who computes over Parquet files? One DuckDB in memory per process, with its limits set."""

import os
import threading
from pathlib import Path
from typing import Any

from headgate.traffic.io import duck

MEMORY_MB = 256
THREADS = 2
INGEST_THREADS = 1
"""Threads that parse one segment wait for each other with the processor busy: a second one costs
half as much again and saves a quarter of the time."""
OVERFLOW_GB_MAX = 4  # what a sort larger than the memory may put on the disk
JSON_LINE_BYTES_MAX = 1 << 20
"""A longer line is rejected. Envoy's header limit of 60 KiB makes lines of 400 KB at most."""


class Engine:
    """A DuckDB that holds no data of its own: it reads and writes files and forgets.

    Made at the first use, so that a process that never asks does not pay for it. Cursors may be
    used from several threads at once; each is an own connection to the same instance.
    """

    def __init__(
        self, scratch: Path, *, memory_mb: int = MEMORY_MB, threads: int = THREADS
    ) -> None:
        self._scratch = scratch
        self._config: dict[str, Any] = {
            "memory_limit": f"{memory_mb}MB",
            "threads": threads,
            "temp_directory": str(scratch / f"overflow-{os.getpid()}"),
            "max_temp_directory_size": f"{OVERFLOW_GB_MAX}GB",
            "autoinstall_known_extensions": "false",  # extensions are downloads
            "autoload_known_extensions": "false",
        }
        self._lock = threading.Lock()
        self._root: duck.DuckDBPyConnection | None = None

    def cursor(self) -> "duck.DuckDBPyConnection":
        """A connection for one piece of work; close it, or use it in a `with`."""
        with self._lock:
            if self._root is None:
                self._scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._root = duck.connect(":memory:", config=self._config)
                self._root.execute("SET enable_progress_bar = false")
            return self._root.cursor()

    def close(self) -> None:
        """Give the memory back."""
        with self._lock:
            if self._root is not None:
                self._root.close()
                self._root = None
