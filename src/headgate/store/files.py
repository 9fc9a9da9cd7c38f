"""How does a small file come to be whole or not at all? Written beside it, synced, renamed."""

import os
import secrets
from pathlib import Path

SECRET_MODE = 0o600
FOLDER_MODE = 0o700
DRAFT_SUFFIX = ".draft"


def write_whole(path: Path, text: str, *, mode: int = SECRET_MODE) -> None:
    """Replace `path` by `text` in one step that a kill or a power cut cannot halve.

    Raises:
        OSError: the folder cannot be written.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}{DRAFT_SUFFIX}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def remove_drafts(folder: Path) -> None:
    """Remove what a killed `write_whole` left; the caller knows that none is running."""
    for draft in folder.glob(f".*{DRAFT_SUFFIX}"):
        draft.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Make names within a folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
