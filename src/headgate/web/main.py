"""How does the web process run? It listens, says where, serves, and ends in good order."""

import contextlib
import json
import logging
import os
import signal
import socket
from datetime import datetime
from pathlib import Path
from types import FrameType

import structlog

from headgate.core.clock import SystemClock
from headgate.core.logging import LogFormat, configure
from headgate.core.problems import Problem, ProblemType
from headgate.store.environment import public_url

BACKLOG = 512
USED_WRONGLY = 2
DRAIN_SECONDS = 10  # how long requests under way may take to finish after SIGTERM
KEEP_ALIVE_SECONDS = 75
RUN_FILE = "run/web.json"
log = structlog.get_logger("headgate.web")


def run(*, data: Path, host: str, port: int, log_format: LogFormat = "console") -> int:
    """Serve until SIGTERM or SIGINT; the exit status: 0, or 2 when it cannot start.

    `port` 0 takes a free one. While the port answers, `DATA/run/web.json` says
    `{"url": …, "pid": …}`.
    """
    configure(log_format)
    quiet_django()
    os.environ["HEADGATE_DATA"] = str(data)
    # Django is configured by it, and not before
    from headgate.store import setup

    at = SystemClock().now()
    try:
        known_as = _public_url()
        listener = listen(host, port)
        setup.start(at)
    except Problem as problem:
        said = {"detail": problem.detail, "next_step": problem.next_step}
        log.error("cannot start", **said)  # noqa: TRY400  # the caller's to fix: no traceback
        return USED_WRONGLY
    _settle_url(known_as or url_of(listener), at)
    try:
        _serve(listener, data / RUN_FILE)
    finally:
        remove_run_file(data / RUN_FILE)
    return 0


def _public_url() -> str:
    """Where clients reach us, if it is said.

    Raises:
        Problem: it is said wrongly.
    """
    try:
        return public_url()
    except ValueError as error:
        raise Problem(
            ProblemType.INVALID_INPUT, f"{error}.", "Correct it and start again."
        ) from error


def _settle_url(url: str, at: datetime) -> None:
    """Issue tokens under this URL from now on."""
    # Django's models can be imported only now
    from headgate.store.services.actor import Actor
    from headgate.store.services.oauth import signing_keys

    if signing_keys.settle_url(Actor.system("web", at), url):
        log.info("tokens are issued under a new URL", issuer=url)


def _serve(listener: socket.socket, run_file: Path) -> None:
    # Half a second of imports: after the port is known to be ours
    import uvicorn

    from headgate.web.asgi import application
    from headgate.web.node_api import closing

    class Server(uvicorn.Server):
        """Uvicorn that says where it listens, and lets waiting nodes go before it stops."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            write_run_file(run_file, url_of(listener))
            log.info("listening", url=url_of(listener))

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002  # uvicorn's signature
            # Not uvicorn's own: it would end the process by the same signal once more
            closing.set()
            self.force_exit = self.should_exit and sig == signal.SIGINT
            self.should_exit = True

    config = uvicorn.Config(
        application,
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    Server(config).run(sockets=[listener])


def quiet_django() -> None:
    """Leave Django's log to what only it knows: failures of its own, without query values."""
    logger = logging.getLogger("django.request")
    logger.setLevel(logging.ERROR)
    logger.addFilter(_without_request)


def _without_request(record: logging.LogRecord) -> bool:
    record.__dict__.pop("request", None)
    return True


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        Problem: the port is taken, or the address is not this machine's.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # The protocol is named because asyncio switches TCP_NODELAY on only where it is:
        # without it every answer waits 40 ms for the other side's delayed acknowledgement
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        raise Problem(
            ProblemType.UNAVAILABLE,
            f"The web process cannot listen on {host} port {port}: {error.strerror or error}.",
            "Choose another port with --web-port, or stop the program that uses this one.",
        ) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """The address that programs on this machine reach `listener` at."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104  # compared, not bound
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104  # compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def write_run_file(path: Path, url: str) -> None:
    """Say where this process listens; readers see the whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps({"url": url, "pid": os.getpid()}))
    draft.replace(path)


def remove_run_file(path: Path) -> None:
    """Take the file away if it is still this process's."""
    with contextlib.suppress(OSError, ValueError):
        if json.loads(path.read_text())["pid"] == os.getpid():
            path.unlink()
