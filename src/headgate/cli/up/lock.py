"""Is another `headgate up` running on this data folder? One lock per folder."""

import fcntl
import os
from pathlib import Path
from typing import TextIO

LOCK_NAME = "up.lock"


def holder(run: Path) -> str | None:
    """The pid of who holds the folder, None when nobody does. Changes nothing."""
    try:
        with (run / LOCK_NAME).open("r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read().strip() or "unknown"
    except OSError:
        return None
    return None


def take(run: Path) -> TextIO | None:
    """Hold the folder until the returned file is closed or the process ends; None if held.

    The file is not inherited by children, so a killed supervisor lets go at once.
    """
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.fdopen(os.open(run / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    file.truncate()
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file
