"""How is Envoy started, and how does a later agent find it again?

Every Envoy process has a `boot`: 8 hex digits that stand in its command line, in the name of its
admin socket and in the names of its log segments. `envoy.json` names the boot before the process
is started, so that an agent killed in between finds the process by its command line. Starting
works on a full disk: nothing is written that is not there already, or its loss is logged.
"""

import hashlib
import os
import resource
import subprocess
from dataclasses import dataclass
from pathlib import Path

import orjson
import structlog

from headgate.core.problems import Problem
from headgate.gateway.envoy.bootstrap import bootstrap
from headgate.gateway.envoy.settings import NodeSettings
from headgate.gateway.filter import LIBRARIES
from headgate.model.codec import as_json, from_json
from headgate.node import process
from headgate.node.durable import FILE_MODE, write_file
from headgate.node.process import ProcessIdentity
from headgate.node.settings import AgentSettings
from headgate.node.validator.control import socket_name, validators_count

BOOT_BYTES = 4
ENVOY_LOG_BYTES_MAX = 10 * 1024**2  # one older file of this size is kept beside it
TRIAL_SOCKET = "trial.sock"  # in the node's folder; the newest Envoy takes it over
BOOT_OPTION = "--service-zone"  # of no other use to us: it says which boot a process is
ENVIRONMENT_KEPT = ("PATH", "LANG", "TZ")  # nothing of ours: it may hold tokens

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class EnvoyProcess:
    """One Envoy: its boot, its process, and what it was started from.

    `pid` 0 means that it was about to be started.
    """

    boot: str
    fingerprint: str
    pid: int = 0
    started_ticks: int = 0

    @property
    def identity(self) -> ProcessIdentity:
        """The process behind it."""
        return ProcessIdentity(self.pid, self.started_ticks)

    @property
    def socket_name(self) -> str:
        """Its admin socket, in the node's folder."""
        return f"admin-{self.boot}.sock"


@dataclass(frozen=True, slots=True)
class EnvoyRecord:
    """The content of `envoy.json`: the serving Envoy, and one that is being replaced."""

    current: EnvoyProcess
    draining: EnvoyProcess | None = None


def node_settings(settings: AgentSettings, node: str) -> NodeSettings:
    """The agent's settings as the translation wants them."""
    paths = settings.paths
    certificate = paths.certificate if settings.tls_certificate else None
    return NodeSettings(
        node=node,
        gateway=settings.gateway,
        folder=paths.resources,
        log_path=paths.access_log,
        table_path=paths.table,
        admin_socket=Path("admin.sock"),  # `command` sets the one of the boot
        listen_address=settings.listen_address,
        port=settings.port,
        tls_certificate=certificate,
        tls_key=certificate,
        client_authorities=paths.client_authorities if settings.client_authorities else None,
        trusted_proxies=settings.trusted_proxies,
        trusted_hops=settings.trusted_hops,
        workers=settings.workers_count,
        has_filter=settings.has_filter,
        trial_socket=Path(TRIAL_SOCKET) if settings.has_filter else None,
        trial_log=paths.trial_log,
        validator_sockets=tuple(
            Path(socket_name(index)) for index in range(validators_count(settings.workers_count))
        ),
    )


def command(settings: AgentSettings, node: NodeSettings, boot: str) -> list[str]:
    """Envoy's command line.

    Hot restart is off: an upgrade runs the old and the new Envoy side by side on the same port
    (SO_REUSEPORT), which needs no shared memory and no equal versions.
    """
    socket = {"path": EnvoyProcess(boot, "").socket_name, "mode": FILE_MODE}
    return [
        str(settings.envoy),
        "--config-path",
        settings.paths.bootstrap.name,
        "--config-yaml",
        orjson.dumps({"admin": {"address": {"pipe": socket}}}).decode(),
        BOOT_OPTION,
        boot,
        "--concurrency",
        str(node.workers),
        "--file-flush-interval-msec",
        str(node.flush_interval_ms),
        "--file-flush-min-size-kb",
        str(node.flush_size_min_kb),
        "--drain-time-s",
        str(max(1, round(settings.drain_seconds))),
        "--disable-hot-restart",
        "--log-level",
        "warning",
        "--log-path",
        str(settings.paths.envoy_log.relative_to(settings.paths.folder)),
    ]


def fingerprint(settings: AgentSettings, node: str) -> str:
    """What a running Envoy cannot change: the program, the filter, bootstrap and arguments."""
    same = node_settings(settings, node)
    parts: list[object] = [bootstrap(same), command(settings, same, "")]
    for path in (settings.envoy, *(settings.filter_folder / name for name in LIBRARIES)):
        try:
            stat = path.stat()
            parts.append([str(path), stat.st_size, stat.st_mtime_ns])
        except FileNotFoundError:
            parts.append([str(path), None])
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()


class Launcher:
    """Starts Envoy processes of one node and remembers which they are."""

    def __init__(self, settings: AgentSettings, node: str) -> None:
        self._settings = settings
        self._node = node
        self._paths = settings.paths
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self.fingerprint = fingerprint(settings, node)

    def start(self, boot: str, *, draining: EnvoyProcess | None = None) -> EnvoyProcess:
        """Start an Envoy in its own session, so that it outlives the agent.

        Raises:
            OSError: it could not be started, or its files could not be written.
        """
        node = node_settings(self._settings, self._node)
        _write_when_changed(self._paths.bootstrap, orjson.dumps(bootstrap(node)))
        self.remember(EnvoyRecord(EnvoyProcess(boot, self.fingerprint), draining))
        log = os.open(self._paths.envoy_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, FILE_MODE)
        try:
            child = subprocess.Popen(
                command(self._settings, node, boot),
                cwd=self._paths.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                umask=0o077,
            )
        finally:
            os.close(log)
        self._children[child.pid] = child
        found = process.identify(child.pid)
        ticks = found.started_ticks if found else 0
        started = EnvoyProcess(boot, self.fingerprint, child.pid, ticks)
        self.remember(EnvoyRecord(started, draining))
        return started

    def find(self) -> EnvoyRecord | None:
        """The Envoys of this node that run, whichever agent started them."""
        record = self.recall()
        running = [
            EnvoyProcess(boot, _fingerprint_of(record, boot), one.pid, one.started_ticks)
            for one in process.find(self._settings.envoy.name, self._paths.folder)
            if (boot := process.option(process.command_line(one.pid), BOOT_OPTION))
        ]
        running.sort(key=lambda envoy: envoy.started_ticks)
        if not running:
            return None
        return EnvoyRecord(running[-1], running[0] if len(running) > 1 else None)

    def recall(self) -> EnvoyRecord | None:
        """What `envoy.json` says, whether or not it still runs."""
        try:
            return from_json(EnvoyRecord, self._paths.process.read_bytes())
        except (FileNotFoundError, Problem):
            return None

    def remember(self, record: EnvoyRecord) -> None:
        """Write `envoy.json`. Without it a later agent knows less, so a failure is only logged."""
        try:
            write_file(self._paths.process, as_json(record))
        except OSError as error:
            _log.warning("envoy.json could not be written", reason=error.strerror)

    def ending(self, envoy: EnvoyProcess) -> str:
        """How a process that is gone ended, as far as can be known; reaps it."""
        child = self._children.pop(envoy.pid, None)
        if child is None:
            return "ended"
        code = child.wait()
        return f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ENVIRONMENT_KEPT if name in os.environ}
        search = str(self._settings.filter_folder.absolute())
        return kept | {"ENVOY_DYNAMIC_MODULES_SEARCH_PATH": search}


def _fingerprint_of(record: EnvoyRecord | None, boot: str) -> str:
    """What the process of `boot` was started from; empty, unlike any, when nobody knows."""
    known = (record.current, record.draining) if record else ()
    return next((one.fingerprint for one in known if one and one.boot == boot), "")


def _write_when_changed(path: Path, data: bytes) -> None:
    try:
        if path.read_bytes() == data:
            return
    except FileNotFoundError:
        pass
    write_file(path, data)


def raise_descriptor_limit() -> int:
    """Allow this process and its children as many open files as the machine lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def rotate_log(log: Path, *, bytes_max: int = ENVOY_LOG_BYTES_MAX) -> bool:
    """Set `log` aside as `<log>.1` when it is too large; the one before is deleted."""
    try:
        if log.stat().st_size <= bytes_max:
            return False
    except FileNotFoundError:
        return False
    log.replace(log.with_name(f"{log.name}.1"))
    return True


def tail(log: Path, *, lines: int = 5, bytes_max: int = 4096) -> str:
    """The last lines of `log`, for people; empty when there is none."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - bytes_max))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
