"""How does a sealed segment of another machine get into the inbox? Whole, verified, once.

The bytes stream into a file of their own, are compared with the digest that the node sent, and
are given the segment's name only after they are on the disk.
"""

import base64
import binascii
import hashlib
import os
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from headgate.core.problems import DependencyError, Problem, ProblemType
from headgate.core.text import name_error
from headgate.model.node import SegmentName, parse_segment_name
from headgate.store.models import TrafficSegment
from headgate.web.exchange import Receive
from headgate.web.threads import in_thread

SUFFIX = ".jsonl"
PART_SUFFIX = ".part"  # swept up by the ingest when an upload never ended
SHA256_BYTES = 32
_DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):")


class ClientGoneError(Exception):
    """The node went away in the middle of its upload; nobody is left to be answered."""


def segment_name(text: str) -> SegmentName:
    """The name in the URL, fit to be a file's.

    Raises:
        Problem: not a segment's name.
    """
    try:
        name = parse_segment_name(text)
    except ValueError:
        name = None
    if name is None or str(name) != text or name_error(name.node) is not None:
        raise Problem(
            ProblemType.INVALID_INPUT,
            "This is not the name of a segment.",
            "Name it `<node>-<boot>-<sequence>`, as the node does.",
        )
    return name


def content_digest(field: str | None) -> bytes:
    """The SHA-256 that a Content-Digest field announces. Source: RFC 9530 §2.

    Raises:
        Problem: there is none.
    """
    match = _DIGEST.search(field or "")
    try:
        digest = base64.b64decode(match[1], validate=True) if match else b""
    except binascii.Error:
        digest = b""
    if len(digest) != SHA256_BYTES:
        raise Problem(
            ProblemType.INVALID_INPUT,
            "The upload does not say what it should add up to.",
            "Send `Content-Digest: sha-256=:…:` with the SHA-256 of the segment in base 64.",
        )
    return digest


async def take_in(
    name: SegmentName, digest: bytes, receive: Receive, inbox: Path, upload: str
) -> bool:
    """Whether the segment is new. `upload` names this try among others of the same segment.

    A segment that is stored or waiting already is not read again.

    Raises:
        Problem: the bytes are not those that the digest names.
        DependencyError: the disk does not take them.
        ClientGoneError: the node went away.
    """
    target = inbox / f"{name}{SUFFIX}"
    if await in_thread(_is_here, name, target):
        return False
    part = inbox / f"{name}.{upload}{PART_SUFFIX}"
    try:
        found = await _write(part, receive)
        if found != digest:
            raise Problem(
                ProblemType.INVALID_INPUT,
                "The bytes that arrived are not those that Content-Digest names.",
                "Send the segment again.",
            )
        await in_thread(_rename, part, target)
    except OSError as error:
        raise DependencyError(
            f"The inbox cannot take the segment: {error.strerror}", is_retryable=True
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return True


async def _write(part: Path, receive: Receive) -> bytes:
    """Write the body to `part` and sync it; its SHA-256."""
    sha256 = hashlib.sha256()
    part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with part.open("xb") as file:
        async for chunk in _chunks(receive):
            sha256.update(chunk)
            await in_thread(file.write, chunk)
        await in_thread(_sync, file.fileno(), file.flush)
    return sha256.digest()


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return


def _is_here(name: SegmentName, target: Path) -> bool:
    return TrafficSegment.objects.filter(name=str(name)).exists() or target.exists()


def _sync(descriptor: int, flush: Callable[[], None]) -> None:
    flush()
    os.fsync(descriptor)


def _rename(part: Path, target: Path) -> None:
    part.rename(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
