"""Is this process still the one we started? A pid alone is not enough: pids are used again."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process for good: its pid and when it started (clock ticks since the machine's boot)."""

    pid: int
    started_ticks: int


def identify(pid: int) -> ProcessIdentity | None:
    """The identity behind `pid`, None when there is no such process or only its remains."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except (OSError, UnicodeDecodeError):
        return None
    fields = stat[stat.rindex(")") + 2 :].split()
    state, started = fields[0], fields[19]
    return None if state in "ZX" else ProcessIdentity(pid, int(started))


def is_alive(identity: ProcessIdentity) -> bool:
    """Whether the process that `identity` names still runs."""
    return identify(identity.pid) == identity


def command_line(pid: int) -> list[str]:
    """The arguments of a process, empty when it is gone."""
    try:
        raw = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return []
    return [part.decode("utf-8", "replace") for part in raw.split(b"\0")[:-1]]


def option(arguments: list[str], name: str) -> str:
    """What follows the option `name` on a command line, empty when it is not there."""
    try:
        return arguments[arguments.index(name) + 1]
    except (ValueError, IndexError):
        return ""


def find(program: str, folder: Path) -> Iterator[ProcessIdentity]:
    """Processes that run a program of this name with `folder` as their working folder."""
    for entry in _PROC.iterdir():
        if not entry.name.isdecimal():
            continue
        arguments = command_line(int(entry.name))
        if not arguments or Path(arguments[0]).name != program:
            continue
        try:
            is_here = (entry / "cwd").samefile(folder)
        except OSError:
            continue
        identity = identify(int(entry.name)) if is_here else None
        if identity is not None:
            yield identity


async def wait_for_exit(identity: ProcessIdentity) -> None:
    """Return once the process is gone; works for any process, not only for children."""
    try:
        descriptor = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    is_gone = asyncio.Event()
    try:
        if not is_alive(identity):
            return
        loop.add_reader(descriptor, is_gone.set)
        await is_gone.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def send_signal(identity: ProcessIdentity, number: int) -> None:
    """Signal exactly this process; nothing happens when it is gone.

    The pidfd is opened first and the identity compared after, so that a pid that was used
    again is never signalled.
    """
    try:
        descriptor = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return
    try:
        if is_alive(identity):
            signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return
    finally:
        os.close(descriptor)


async def end(identity: ProcessIdentity, *, seconds: float) -> None:
    """SIGTERM, and SIGKILL when the process is still there after so many seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        send_signal(identity, number)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await wait_for_exit(identity)
                return
