"""Which sealed segments wait, and where do they go when they are stored?"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from headgate.model.node import parse_segment_name
from headgate.traffic.io.cleaning import Reject, masked
from headgate.traffic.io.folders import TrafficFolders

SUFFIX = ".jsonl"
PART_SUFFIX = ".part"
PART_KEPT = timedelta(hours=1)  # an upload that has not ended by then never will
ASIDE_SUFFIX = ".aside"
MASKED_SUFFIX = ".masked"
REJECTS_BYTES_MAX = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Waiting:
    """A segment in the inbox; `modified_at` is when it was sealed or had arrived."""

    name: str
    node: str
    path: Path
    size_bytes: int
    modified_at: float


def waiting(folders: TrafficFolders) -> tuple[list[Waiting], list[Path]]:
    """Segments of the inbox in the order of their names, and files that are no segments."""
    found: list[Waiting] = []
    strange: list[Path] = []
    with os.scandir(folders.inbox) as entries:
        for entry in entries:
            if entry.name.endswith(PART_SUFFIX) or entry.name.startswith("."):
                continue
            name = entry.name.removesuffix(SUFFIX)
            try:
                node = parse_segment_name(name).node if entry.name != name else ""
                state = entry.stat(follow_symlinks=False)
            except (ValueError, FileNotFoundError):
                node = ""
            if node and entry.is_file(follow_symlinks=False):
                path = Path(entry.path)
                found.append(Waiting(name, node, path, state.st_size, state.st_mtime))
            else:
                strange.append(Path(entry.path))
    return sorted(found, key=lambda item: item.name), sorted(strange)


def archive(folders: TrafficFolders, path: Path) -> None:
    """Move a stored segment out of the inbox. One that is gone already is no mistake.

    Renaming one name of a file over another name of it does nothing (POSIX): hence the unlink.
    """
    try:
        path.replace(folders.archive / path.name)
    except FileNotFoundError:
        return
    path.unlink(missing_ok=True)


def put_aside(folders: TrafficFolders, path: Path, now: datetime) -> None:
    """Move a file that cannot be stored from the inbox to the rejects."""
    stamp = now.strftime("%Y%m%dT%H%M%S")
    path.replace(folders.rejects / f"{path.name}.{stamp}{ASIDE_SUFFIX}")


def mask_old(folder: Path, *, older_than: datetime) -> int:
    """Take the query values out of files that were put aside before `older_than`; how many."""
    masked_files = 0
    for path in folder.glob(f"*{ASIDE_SUFFIX}"):
        if path.stat().st_mtime >= older_than.timestamp():
            continue
        fresh = path.with_suffix(MASKED_SUFFIX)
        with path.open("rb") as source, fresh.open("wb") as target:
            target.writelines(masked(line) for line in source)
        path.unlink()
        masked_files += 1
    return masked_files


def keep_rejects(
    folders: TrafficFolders, segment: str, rejects: Iterable[Reject], *, bytes_max: int
) -> bool:
    """Write rejected lines beside each other; false when the folder is full.

    One file per segment: a retry of the same batch replaces it.
    """
    text = b"".join(reject.as_json(segment) for reject in rejects)
    if folder_bytes(folders.rejects) + len(text) > bytes_max:
        return False
    (folders.rejects / f"{segment}.rejects{SUFFIX}").write_bytes(text)
    return True


def folder_bytes(folder: Path) -> int:
    """Bytes of all files directly in a folder."""
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                total += entry.stat(follow_symlinks=False).st_size
            except FileNotFoundError:
                continue
    return total


def remove_old(
    folder: Path, *, older_than: datetime, bytes_max: int, is_wanted: Callable[[Path], bool]
) -> tuple[int, int]:
    """Unlink files changed before `older_than`, then the oldest until `bytes_max` is kept.

    Returns how many went for their age and how many for the space.
    """
    found: list[tuple[float, int, Path]] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            if entry.is_file(follow_symlinks=False) and is_wanted(path):
                state = entry.stat(follow_symlinks=False)
                found.append((state.st_mtime, state.st_size, path))
    found.sort()
    total = sum(size for _, size, _ in found)
    limit = older_than.timestamp()
    aged = crowded = 0
    for modified, size, path in found:
        if modified >= limit and total <= bytes_max:
            break
        path.unlink(missing_ok=True)
        total -= size
        aged += modified < limit
        crowded += modified >= limit
    return aged, crowded
