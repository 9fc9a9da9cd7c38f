"""How is a process of the tree started and ended? It never outlives its supervisor."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

PR_SET_PDEATHSIG = 1  # Source: prctl(2)
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: arguments of this Python, and how long it may take to end by itself."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_seconds: float = 10.0


def spawn(program: Program, *, output: int | None = None) -> "subprocess.Popen[bytes]":
    """Start a program in its own process group, so that a terminal's Ctrl-C reaches only us.

    When this process is killed, the kernel kills the child (Envoy, which the node agent puts
    into its own session, goes on serving). `output` is a descriptor for its standard output.
    """
    parent = os.getpid()

    def before_exec() -> None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if os.getppid() != parent:  # we were killed between fork and prctl
            os._exit(1)

    return subprocess.Popen(
        [sys.executable, *program.arguments],
        env={**os.environ, **program.environment},
        stdin=subprocess.DEVNULL,
        stdout=output,
        start_new_session=True,
        preexec_fn=before_exec,  # noqa: PLW1509  # this process has one thread
    )
