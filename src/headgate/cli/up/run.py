"""What happens between `headgate up` and "ready", and until Ctrl-C?

Check everything, prepare the folder, start web and node beside each other, then jobs, and say when
both ports answer. From then on every child that ends is started again.
"""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable

import structlog

import headgate
from headgate.cli.demo.memory import kept_port
from headgate.cli.up import lock
from headgate.cli.up.answering import accepts, answers, free_port
from headgate.cli.up.checks import mistakes, serving_envoy
from headgate.cli.up.child import Program
from headgate.cli.up.programs import (
    demo_driver,
    demo_service,
    jobs_program,
    node_program,
    prepare_program,
    web_program,
)
from headgate.cli.up.settings import UpSettings
from headgate.cli.up.supervisor import Stopped, Supervisor
from headgate.core.clock import Clock, SystemClock
from headgate.core.logging import configure

FAILED = 1
LOOPBACK = "127.0.0.1"
USED_WRONGLY = 2
LOOK_SECONDS = 0.05  # between two looks at a port that does not answer yet
SLOW_SECONDS = 15.0  # after this long without an answer, say what is being waited for
STOP_ORDER = ("node", "jobs", "web")  # the last records are sealed, then stored, then served
log = structlog.get_logger("headgate.up")


def up(settings: UpSettings) -> int:
    """Run the whole tree until SIGINT or SIGTERM; the exit code."""
    found = mistakes(settings)
    if found:
        sys.stderr.write("Headgate cannot start here:\n")
        sys.stderr.writelines(f"  - {text}\n" for text in found)
        return USED_WRONGLY
    try:
        held = lock.take(settings.run)
    except OSError as error:
        sys.stderr.write(
            f"The data folder {settings.data} cannot be written: {error.strerror}. Make it "
            "writable for this user, or name another with --data.\n"
        )
        return USED_WRONGLY
    if held is None:
        sys.stderr.write(f"Another `headgate up` has just started on {settings.data}.\n")
        return USED_WRONGLY
    os.environ["HEADGATE_DATA"] = str(settings.data)
    os.environ["HEADGATE_LOG_FORMAT"] = settings.log_format
    if settings.is_demo:  # what the demonstration shows is not to drown in lines per request
        os.environ.setdefault("HEADGATE_LOG_LEVEL", "warning")
    configure(settings.log_format)
    clock = SystemClock()
    supervisor = Supervisor(clock)
    with held:
        try:
            return _Tree(settings, supervisor, clock).run()
        except Stopped:
            say("stopping (Ctrl-C again to hurry)")
        finally:
            supervisor.stop(*STOP_ORDER)
        _end_left_envoy(settings)
    say("stopped")
    return 0


def _end_left_envoy(settings: UpSettings) -> None:
    """End an Envoy whose agent could not: it was killed in a hurry, or had just crashed."""
    pid = serving_envoy(settings.data)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        log.warning("envoy was left without its agent and is told to end", pid=pid)


def say(text: str) -> None:
    """One line for the person at the terminal."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class _Tree:
    """The steps from nothing to a serving tree."""

    def __init__(self, settings: UpSettings, supervisor: Supervisor, clock: Clock) -> None:
        self._settings = settings
        self._supervisor = supervisor
        self._clock = clock
        self._started_at = clock.monotonic()

    def run(self) -> int:
        """Returns only when the folder cannot be prepared.

        Raises:
            Stopped: the end was asked for.
        """
        settings = self._settings
        say(f"Headgate {headgate.__version__} on {settings.data}")
        prepared = self._prepare()
        if prepared is None:
            return FAILED
        say("  the data folder is ready")
        self._supervisor.start(web_program(settings))
        self._supervisor.start(node_program(settings))  # it serves what its disk holds meanwhile
        self._until("web", lambda: answers(*self._web(), "/api/v1/health", status="200"))
        say("  the control plane answers")
        self._supervisor.start(jobs_program())
        demo_port = self._start_demo_service()
        self._until("gateway", self._gateway_answers)
        self._say_ready(prepared.get("admin_token"))
        if demo_port is not None:
            self._until("httpbin", lambda: answers(LOOPBACK, demo_port, "/get"))
            if self._supervisor.run_once(demo_driver(settings, demo_port)) != 0:
                say("The demonstration did not finish: see above. Everything else stays up.")
        while True:
            self._supervisor.wait(3600.0)

    def _prepare(self) -> dict[str, str | None] | None:
        with os.fdopen(os.memfd_create("prepared"), "r+") as answer:
            program: Program = prepare_program()
            if self._supervisor.run_once(program, output=answer.fileno()) != 0:
                return None
            answer.seek(0)
            found: dict[str, str | None] = json.load(answer)
            return found

    def _start_demo_service(self) -> int | None:
        if not self._settings.is_demo:
            return None
        port = self._settings.demo_port or kept_port(self._settings.data) or free_port(LOOPBACK)
        self._supervisor.start(demo_service(port))
        return port

    def _until(self, what: str, is_so: Callable[[], bool]) -> None:
        slow_at = self._clock.monotonic() + SLOW_SECONDS
        while not is_so():
            self._supervisor.wait(LOOK_SECONDS)
            if self._clock.monotonic() >= slow_at:
                log.warning("still waiting for an answer", of=what)
                slow_at += SLOW_SECONDS

    def _web(self) -> tuple[str, int]:
        return self._settings.reachable_host, self._settings.web_port

    def _gateway_answers(self) -> bool:
        """Envoy listens once it has its routes; a request would leave a record of ours."""
        return accepts(self._settings.reachable_host, self._settings.gateway_port)

    def _say_ready(self, admin_token: str | None) -> None:
        settings = self._settings
        if admin_token:
            say(f"administrator's token: {admin_token}")
            say(f"  printed this once; kept in {settings.data / 'admin.token'} for commands here")
            say(f"  with it, make the first administrator at {settings.web_url}/console")
        seconds = self._clock.monotonic() - self._started_at
        say(
            f"ready: gateway {settings.gateway_url}, control plane {settings.web_url} "
            f"({seconds:.1f} s); Ctrl-C stops everything"
        )
