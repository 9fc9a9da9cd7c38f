"""How does a sealed segment reach the ingest? Into a folder of this machine, or by upload.

Both ways may be repeated: the segment's name is its identity. A file leaves the spool only after
the other side has it.
"""

import asyncio
import errno
import filecmp
import os
import shutil
from pathlib import Path
from typing import Protocol

from headgate.core.problems import DependencyError
from headgate.node.control_plane import ControlPlane
from headgate.node.durable import is_same_file, sync_file, sync_folder
from headgate.node.parts import cut
from headgate.node.spool import Sealed


class Transport(Protocol):
    """One way to hand a segment over."""

    async def deliver(self, segment: Sealed) -> None:
        """Return once the other side holds the whole segment for good.

        Raises:
            DependencyError: it could not be handed over.
            OSError: the disk refused.
        """


class InboxTransport:
    """The same machine: a hard link in the ingest's inbox, no byte is copied.

    On another file system the segment is copied under a temporary name first.
    """

    def __init__(self, inbox: Path) -> None:
        self._inbox = inbox

    async def deliver(self, segment: Sealed) -> None:
        """See `Transport`."""
        await asyncio.to_thread(self._deliver, segment)

    def _deliver(self, segment: Sealed) -> None:
        self._inbox.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = self._inbox / segment.path.name
        sync_file(segment.path)
        try:
            _link(segment.path, target)
        except OSError as error:
            if error.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK}:
                raise
            temporary = self._inbox / f".{segment.path.name}.tmp"
            shutil.copyfile(segment.path, temporary)
            sync_file(temporary)
            try:
                _link(temporary, target)
            finally:
                temporary.unlink(missing_ok=True)
        sync_folder(self._inbox)


class UploadTransport:
    """Another machine: `PUT /node/v1/segments/{name}` with the SHA-256, in parts if need be."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane

    async def deliver(self, segment: Sealed) -> None:
        """See `Transport`."""
        for part in await asyncio.to_thread(cut, segment.name, segment.path):
            sha256 = await asyncio.to_thread(part.sha256)
            await self._control_plane.upload(part, sha256=sha256)


async def ship(segment: Sealed, transport: Transport) -> None:
    """Hand one segment over and take it out of the spool.

    Raises:
        DependencyError, OSError: it stays in the spool.
    """
    await transport.deliver(segment)
    segment.path.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> None:
    """Give `source` a second name; the same content under that name already is success."""
    try:
        os.link(source, target)
    except FileExistsError:
        if is_same_file(source, target) or _is_equal(source, target):
            return
        raise DependencyError(
            f"{target} exists with other content: move it away, it is not from this node",
            is_retryable=False,
        ) from None


def _is_equal(one: Path, other: Path) -> bool:
    try:
        return filecmp.cmp(one, other, shallow=False)
    except FileNotFoundError:
        return True  # the ingest has just taken it
