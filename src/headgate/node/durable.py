"""How is a file written so that no crash leaves half of it? A new file beside it, then a rename."""

import os
from pathlib import Path

FILE_MODE = 0o600


def write_file(path: Path, data: bytes, *, is_synced: bool = True) -> None:
    """Replace `path` by `data` at once: a reader sees the old content or the new, never a mixture.

    `is_synced` false leaves out the two syncs: for files that are made anew after a power cut.

    Raises:
        OSError: the disk is full or the folder is gone; `path` is then as it was.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            if is_synced:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    if is_synced:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make the content of `path` survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_same_file(one: Path, other: Path) -> bool:
    """Whether both names stand for one file; false when either is missing."""
    try:
        return one.samefile(other)
    except FileNotFoundError:
        return False
