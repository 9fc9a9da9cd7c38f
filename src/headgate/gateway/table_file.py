"""How is the access table's file made, locked, grown and replaced without harm to its readers?

Every page has disk space before anybody is told of a row in it, so that a full disk is an error
here and never a SIGBUS in Envoy. A file is made under another name and renamed; the one before it
is marked as retired, so that the filter maps the new one at once.
"""

import errno
import fcntl
import mmap
import os
import platform
import threading
from pathlib import Path

from headgate.core.ids import RandomBytes
from headgate.core.problems import DependencyError, Problem, ProblemType
from headgate.gateway import table_layout as layout

CHUNK_BYTES = 256 * 1024  # disk space is taken in such steps
_HEADER = layout.SECTIONS["header"]
_FIXED_BYTES = layout.SECTIONS["credential_index"].offset  # header, blocks, counters: always there
_ORDERS_STORES = platform.machine() in {"x86_64", "AMD64", "i686"}
_BARRIER = threading.Lock()


def fence() -> None:
    """Make the stores before it visible before those after it.

    x86 does so by itself. Elsewhere two passes of one lock do: a release followed by an acquire.
    """
    if not _ORDERS_STORES:
        barrier()


def barrier() -> None:
    """Let no load after it be done before a store in front of it."""
    for _ in range(2):
        with _BARRIER:
            pass


class TableFile:
    """The mapped file with its header; `words` is the whole of it as aligned 64-bit numbers.

    One aligned store into `words` is seen by readers whole or not at all.
    """

    def __init__(self, path: Path, descriptor: int, lock: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._lock = lock
        self.bytes = mmap.mmap(descriptor, layout.FILE_BYTES)
        self._whole = memoryview(self.bytes)
        self.words = self._whole.cast("Q")

    def header(self, field: str, index: int = 0) -> int:
        """One number of the header."""
        return self.words[_HEADER.at(0, field) // 8 + index]

    def set_header(self, field: str, value: int, index: int = 0) -> None:
        """Store one number of the header."""
        self.words[_HEADER.at(0, field) // 8 + index] = value

    def header_text(self, field: str, size: int) -> str:
        """A text of the header, padded with zeros to `size` bytes."""
        start = _HEADER.at(0, field)
        return bytes(self._whole[start : start + size]).rstrip(b"\0").decode("ascii", "replace")

    def rows(self, name: str) -> int:
        """One above the highest row of a section that was ever written."""
        return self.header("rows", layout.ROW_SECTIONS.index(name))

    def reserve_rows(self, name: str, count: int) -> None:
        """Give the rows below `count` disk space.

        Raises:
            Problem: more rows than the table holds.
            DependencyError: no space on the disk; nothing has changed.
        """
        section = layout.SECTIONS[name]
        place = layout.ROW_SECTIONS.index(name)
        if count > section.count:
            raise Problem(
                ProblemType.TOO_MANY,
                f"The access table holds {name} rows up to {section.count - 1:,}; "
                f"row {count - 1:,} does not fit.",
                "Export the configuration into a new store, which numbers its rows from 1.",
            )
        have = self.header("allocated", place)
        want = min(-(-count * section.record.size // CHUNK_BYTES) * CHUNK_BYTES, section.size)
        if want > have:
            self.reserve(section.offset + have, want - have)
            self.set_header("allocated", want, place)
        if count > self.header("rows", place):
            self.set_header("rows", count, place)

    def reserve(self, offset: int, size: int) -> None:
        """Give a range of the file disk space.

        Raises:
            DependencyError: no space on the disk.
        """
        _allocate(self._descriptor, self.path, offset, size)

    def flush(self) -> None:
        """Write what has changed to the disk; a crash of the machine then loses nothing of it."""
        self.bytes.flush()

    def unmap(self) -> None:
        """Give up the mapping, keep the writer's lock."""
        self.words.release()
        self._whole.release()
        self.bytes.close()
        os.close(self._descriptor)

    def shared_lock(self) -> int:
        """The writer's lock once more: it is held until both are closed."""
        return os.dup(self._lock)

    def close(self) -> None:
        """Give up the mapping and the writer's lock."""
        self.unmap()
        os.close(self._lock)


def open_file(
    path: Path, *, generation: str, random_bytes: RandomBytes, before: TableFile | None = None
) -> TableFile:
    """The table of `generation` at `path`, made anew where there is none of it.

    `before`: the one whose place it takes, and whose lock. A lock that is let go cannot be taken
    again for sure: a child that another thread has forked holds it until it executes its program.

    Raises:
        Problem: another process writes it, the file is no access table, or it is cut short.
        DependencyError: the disk is full or cannot be written.
    """
    if len(generation.encode()) > layout.GENERATION_BYTES_MAX:
        raise Problem(
            ProblemType.INVALID_INPUT,
            f"The generation has more than {layout.GENERATION_BYTES_MAX} bytes.",
            "Name the store by a shorter text.",
        )
    lock = before.shared_lock() if before else _take_lock(path)
    try:
        found = _open_existing(path, lock)
        if found is not None:
            if found.header_text("generation", layout.GENERATION_BYTES_MAX) == generation:
                return found
            found.unmap()
        return _create(path, lock, generation, random_bytes)
    except BaseException:
        os.close(lock)
        raise


def _take_lock(path: Path) -> int:
    lock_path = path.with_name(path.name + ".lock")
    try:
        lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _disk_error(path, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise Problem(
            ProblemType.CONFLICT,
            f"Another process writes the access table {path}.",
            "Stop the other node agent, or give this one a data folder of its own.",
        ) from error
    return lock


def _open_existing(path: Path, lock: int) -> TableFile | None:
    """The file as it is, None when there is none or one of another layout."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _disk_error(path, error) from error
    magic = os.pread(descriptor, len(layout.MAGIC), 0)
    size = os.fstat(descriptor).st_size
    if magic == layout.MAGIC and size == layout.FILE_BYTES:
        return TableFile(path, descriptor, lock)
    os.close(descriptor)
    if magic.startswith(layout.FAMILY) and magic != layout.MAGIC:
        return None
    raise Problem(
        ProblemType.CONFLICT,
        f"The access table {path} is damaged: "
        + ("it is no access table." if magic != layout.MAGIC else f"it has {size:,} bytes."),
        "Stop the node, delete the file and start the node: it fetches every row anew. "
        "Counts of running quota windows start again.",
    )


def _create(path: Path, lock: int, generation: str, random_bytes: RandomBytes) -> TableFile:
    new = path.with_name(path.name + ".new")
    try:
        descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        os.ftruncate(descriptor, layout.FILE_BYTES)
    except OSError as error:
        raise _disk_error(path, error) from error
    try:
        _allocate(descriptor, path, 0, _FIXED_BYTES)
        for name in layout.INDEXES:
            size = 8 << layout.REGION_MIN
            _allocate(descriptor, path, layout.SECTIONS[f"{name}_index"].offset + size, size)
    except DependencyError:
        os.close(descriptor)
        new.unlink(missing_ok=True)
        raise
    made = TableFile(path, descriptor, lock)
    for name in layout.INDEXES:
        made.set_header(f"{name}_region", layout.REGION_MIN)
    for index in range(2):
        made.set_header("hash_key", int.from_bytes(random_bytes(8), "little"), index)
    for field, text in (("generation", generation), ("epoch", random_bytes(16).hex())):
        start = _HEADER.at(0, field)
        made.bytes[start : start + len(text.encode())] = text.encode()
    made.set_header("state", layout.STATE_READY)
    fence()
    made.set_header("magic", int.from_bytes(layout.MAGIC, "little"))
    made.flush()
    _replace(new, path)
    return made


def _replace(new: Path, path: Path) -> None:
    """Rename, then tell whoever has mapped the file before that it is not the one any more."""
    try:
        old = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        old = -1
    try:
        new.rename(path)
        if old >= 0 and os.fstat(old).st_size >= layout.PAGE_BYTES:
            state = layout.STATE_RETIRED.to_bytes(8, "little")
            os.pwrite(old, state, _HEADER.at(0, "state"))
    finally:
        if old >= 0:
            os.close(old)


def _allocate(descriptor: int, path: Path, offset: int, size: int) -> None:
    try:
        os.posix_fallocate(descriptor, offset, size)
    except OSError as error:
        raise _disk_error(path, error, size) from error


def _disk_error(path: Path, error: OSError, size: int = 0) -> DependencyError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        need = f" {size:,} bytes more are needed." if size else ""
        return DependencyError(
            f"The disk of the access table {path} is full.{need} "
            "Free space there; the table stays as it is until then.",
            is_retryable=True,
        )
    return DependencyError(
        f"The access table {path} cannot be written: {error.strerror}.", is_retryable=False
    )
