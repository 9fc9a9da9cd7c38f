"""Where do segments and Parquet files lie? The folders of the traffic store in DATA."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TrafficFolders:
    """Folders below the data folder; all on one file system, so that a rename moves a file."""

    data: Path

    @property
    def inbox(self) -> Path:
        """Sealed segments that wait for ingest."""
        return self.data / "inbox"

    @property
    def files(self) -> Path:
        """Parquet files, one folder per day."""
        return self.data / "traffic"

    @property
    def scratch(self) -> Path:
        """What may be lost at any time: unfinished files, DuckDB's overflow."""
        return self.data / "traffic" / "scratch"

    @property
    def archive(self) -> Path:
        """Segments that were stored, kept for a while to rebuild the store from."""
        return self.data / "archive"

    @property
    def rejects(self) -> Path:
        """Lines that are no records, and segments that contradict the catalog."""
        return self.data / "rejects"

    def make(self) -> None:
        """Create the folders that are missing, readable by the owner alone."""
        for folder in (self.inbox, self.files, self.scratch, self.archive, self.rejects):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def sync(path: Path) -> None:
    """Have a file's content, or a folder's list of names, on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def place(source: Path, target: Path) -> None:
    """Give a finished file its name: synced before, so that the name never shows half of it."""
    sync(source)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    source.replace(target)
    sync(target.parent)
    sync(target.parent.parent)
