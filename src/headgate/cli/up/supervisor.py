"""Who keeps the processes of one machine alive? Starts, restarts and stops them, in order.

One thread that sleeps until a signal arrives: a child ended (SIGCHLD), or a person or the
system wants an end (SIGINT, SIGTERM, SIGHUP). It never gives up on a child.
"""

import signal
import subprocess
from dataclasses import dataclass, field

import structlog

from headgate.cli.up.backoff import BackOff
from headgate.cli.up.child import Program, spawn
from headgate.core.clock import Clock

ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})  # SIGHUP: the terminal is gone
KILL_SECONDS = 5.0  # how long the kernel may take to end what was killed

log = structlog.get_logger("headgate.up")


class Stopped(Exception):  # noqa: N818  # not an error: somebody asked for the end
    """A signal of `ENDING` arrived."""


@dataclass(slots=True)
class _Child:
    """One supervised program. `process` is None between its end and its next start."""

    program: Program
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    start_due_at: float = 0.0
    back_off: BackOff = field(default_factory=BackOff)


class Supervisor:
    """The children of this process, in the order of their start.

    Making one blocks SIGCHLD and the signals of `ENDING` for this process: they are waited for.
    One that was ignored before (SIGHUP under nohup) stays ignored.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._children: list[_Child] = []
        self._once: list[subprocess.Popen[bytes]] = []
        self._is_hurried = False
        heeded = {number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN}
        self._watched = heeded | {signal.SIGCHLD}
        signal.pthread_sigmask(signal.SIG_BLOCK, self._watched)

    def start(self, program: Program) -> None:
        """Start a program and keep it running from now on."""
        child = _Child(program)
        self._children.append(child)
        self._launch(child)

    def run_once(self, program: Program, *, output: int | None = None) -> int:
        """Run a program to its end, restarting the others meanwhile; its exit code.

        Raises:
            Stopped: an end was asked for first; `stop` ends the program too.
        """
        process = spawn(program, output=output)
        self._once.append(process)
        while (code := process.poll()) is None:
            self.wait(1.0)
        self._once.remove(process)
        return code

    def wait(self, seconds: float) -> None:
        """Sleep until a signal arrives, a restart is due or the time is up.

        Raises:
            Stopped: an end was asked for.
        """
        now = self._clock.monotonic()
        due = [c.start_due_at - now for c in self._children if c.process is None]
        caught = signal.sigtimedwait(self._watched, max(0.0, min([seconds, *due])))
        if caught is not None and caught.si_signo in ENDING:
            raise Stopped
        self._reap()

    def stop(self, *names: str) -> None:
        """End all children: those named first, in that order, then the rest, last started first.

        A second signal tells all that are left at once, a third kills them.
        """
        once = [("start-up", process, 2.0) for process in self._once]
        known = {c.program.name: c for c in self._children}
        rest = [c for c in reversed(self._children) if c.program.name not in names]
        ordered = [known[name] for name in names if name in known] + rest
        running = once + [
            (c.program.name, c.process, c.program.stop_seconds) for c in ordered if c.process
        ]
        for name, process, seconds in running:
            self._end(name, process, seconds, [p for _, p, _ in running])

    def _end(
        self,
        name: str,
        process: "subprocess.Popen[bytes]",
        seconds: float,
        everything: "list[subprocess.Popen[bytes]]",
    ) -> None:
        if process.poll() is None:
            process.terminate()
        deadline = self._clock.monotonic() + seconds
        while process.poll() is None:
            left = deadline - self._clock.monotonic()
            if left <= 0:
                log.warning("did not stop in time, killed", process=name, seconds=seconds)
                process.kill()
                process.wait(KILL_SECONDS)
                return
            caught = signal.sigtimedwait(self._watched, min(left, 1.0))
            if caught is not None and caught.si_signo in ENDING:
                self._hurry(everything)
        log.info("stopped", process=name)

    def _hurry(self, everything: "list[subprocess.Popen[bytes]]") -> None:
        for process in everything:
            if process.poll() is None:
                if self._is_hurried:
                    process.kill()
                else:
                    process.terminate()
        self._is_hurried = True

    def _launch(self, child: _Child) -> None:
        child.process = spawn(child.program)
        child.started_at = self._clock.monotonic()
        log.info("started", process=child.program.name, pid=child.process.pid)

    def _reap(self) -> None:
        now = self._clock.monotonic()
        for child in self._children:
            if child.process is not None and (code := child.process.poll()) is not None:
                child.back_off = child.back_off.after(now - child.started_at)
                child.start_due_at = now + child.back_off.delay_seconds
                child.process = None
                log.warning(
                    "ended, starting it again",
                    process=child.program.name,
                    ended=_ending(code),
                    in_seconds=round(child.back_off.delay_seconds, 1),
                )
            if child.process is None and now >= child.start_due_at:
                self._launch(child)


def _ending(code: int) -> str:
    """How a process ended, for people."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"
