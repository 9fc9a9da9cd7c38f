"""How does a node run? One process, a handful of loops, none of which can end another.

`run` is what `headgate node` and `headgate up` start. It returns after SIGTERM or SIGINT.
"""

import asyncio
import fcntl
import os
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import orjson
import structlog

from headgate.core.clock import Clock, SystemClock
from headgate.core.ids import RandomBytes
from headgate.core.problems import DependencyError, Problem, ProblemType
from headgate.gateway.envoy.resources import Translator
from headgate.node.access_sync import AccessKeeper, AccessSync
from headgate.node.apply import Files
from headgate.node.beside import AllBeside
from headgate.node.certificates import authorities_keeper, certificate_keeper
from headgate.node.contracts import Contracts
from headgate.node.control_plane import ControlPlane
from headgate.node.installed import check_installed
from headgate.node.introspection import Introspection
from headgate.node.launch import EnvoyRecord, Launcher, node_settings, raise_descriptor_limit
from headgate.node.lease_sync import LeaseSync
from headgate.node.priority import thread_behind_calls
from headgate.node.report import REPORT_SECONDS, Parts, Reporter
from headgate.node.seal import Sealer
from headgate.node.settings import AgentSettings
from headgate.node.ship import InboxTransport, Transport, UploadTransport
from headgate.node.shipping import Shipping
from headgate.node.snapshot_sync import Revisions, SnapshotSync
from headgate.node.state import load_state
from headgate.node.supervise import Hooks, Supervisor
from headgate.node.trials import Trials
from headgate.node.troubles import Topic, Troubles
from headgate.node.validator.control import validators_count
from headgate.node.validators import Validators

ENVOY_VERSION = "1.40.0"  # the one that the filter is built for (pyproject.toml pins it)
RUN_FILE = "run/web.json"  # where a control plane on this machine listens
START_SECONDS = 20.0  # how long a control plane that starts beside the node may stay unknown
BACKOFF_SECONDS_MIN = 0.1
BACKOFF_SECONDS_MAX = 5.0
LAST_WORDS_SECONDS_MAX = 3.0  # for shipping and reporting while stopping

_log = structlog.get_logger()


def run(settings: AgentSettings) -> None:
    """Run one node until SIGTERM or SIGINT.

    Raises:
        Problem: it cannot start: the folder, the port, the filter, or another agent.
    """
    asyncio.run(serve(settings))


async def serve(
    settings: AgentSettings,
    *,
    clock: Clock | None = None,
    random_bytes: RandomBytes = secrets.token_bytes,
) -> None:
    """As `run`, inside a running loop, with the clock and the randomness handed in."""
    settings.paths.create()
    lock = _take_lock(settings)
    try:
        try:
            agent = Agent(settings, clock or SystemClock(), random_bytes)
        except (DependencyError, OSError) as error:
            raise Problem(
                ProblemType.UNAVAILABLE,
                f"The node cannot start: {error}.",
                "Free some room on the disk, or mend what the message names.",
            ) from error
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await agent.run(stop)
    finally:
        os.close(lock)


class Agent:
    """All parts of one node, wired together.

    Raises (constructor):
        Problem: it cannot start.
    """

    def __init__(self, settings: AgentSettings, clock: Clock, random_bytes: RandomBytes) -> None:
        paths = settings.paths
        check_installed(settings)
        state = load_state(paths.state, name=settings.name, random_bytes=random_bytes)
        self._settings = settings
        self._clock = clock
        self._began = clock.monotonic()
        self._has_told = False
        self._launcher = Launcher(settings, state.node)
        self._found = self._launcher.find()
        if self._found is None:
            check_port(settings.listen_address, settings.port)
        self._troubles = Troubles()
        kept = (
            certificate_keeper(settings, self._troubles, clock),
            authorities_keeper(settings, self._troubles, clock),
        )
        self._certificates = [keeper for keeper in kept if keeper is not None]
        self._control_plane = ControlPlane(
            lambda: control_plane_url(settings),
            settings.token_path,
            node=state.node,
            is_tls=settings.control_plane.startswith("https:"),
        )
        self._keeper = AccessKeeper(paths, state, self._troubles)
        translator = Translator(node_settings(settings, state.node))
        files = Files(paths, random_bytes)
        count = validators_count(settings.workers_count)
        self._validators = Validators(paths, count, self._troubles)
        contracts = Contracts(
            paths.contracts, self._control_plane, self._validators, self._troubles
        )
        self._introspection = Introspection(paths, self._troubles)
        beside = AllBeside(contracts, self._introspection)
        self._revisions = Revisions(
            paths, settings.gateway, translator, files, self._keeper, beside, self._troubles
        )
        self._sealer = Sealer(paths, state.node)
        hooks = Hooks(self._revisions.before_start, self._revisions.on_ready)
        self._supervisor = Supervisor(
            settings, self._launcher, self._sealer, self._troubles, hooks, random_bytes
        )
        self._shipping = Shipping(settings, self._sealer, self._transport(), self._troubles)
        self._snapshots = SnapshotSync(self._control_plane, settings.gateway, self._revisions)
        self._access = AccessSync(self._control_plane, self._keeper, self._troubles)
        self._leases = LeaseSync(self._control_plane, self._keeper)
        self._trials = Trials(self._control_plane, settings, state.node, clock)
        parts = Parts(
            node=state.node,
            envoy_version=ENVOY_VERSION,
            paths=paths,
            supervisor=self._supervisor,
            revisions=self._revisions,
            keeper=self._keeper,
            validators=self._validators,
            introspection=self._introspection,
            troubles=self._troubles,
        )
        self._reporter = Reporter(parts, self._control_plane, clock)

    async def run(self, stop: asyncio.Event) -> None:
        """Run all loops until `stop` is set, then stop in order."""
        raise_descriptor_limit()
        threads = ThreadPoolExecutor(initializer=thread_behind_calls)
        asyncio.get_running_loop().set_default_executor(threads)
        found: EnvoyRecord | None = self._found
        loops = [
            asyncio.create_task(self._supervisor.run(found)),
            asyncio.create_task(self._forever(Topic.VALIDATORS, self._validators.run)),
            asyncio.create_task(self._forever(Topic.INTROSPECTOR, self._introspection.run)),
            asyncio.create_task(self._forever(Topic.CONTROL_PLANE, self._sync_snapshots)),
            asyncio.create_task(self._forever(Topic.ACCESS, self._access.step)),
            asyncio.create_task(self._forever(Topic.LEASES, self._leases.step)),
            asyncio.create_task(self._forever(Topic.WANTS, self._leases.look)),
            asyncio.create_task(self._forever(Topic.TRIALS, self._try)),
            asyncio.create_task(self._forever(Topic.SEAL, self._seal)),
            asyncio.create_task(self._forever(Topic.SHIP, self._shipping.step)),
            asyncio.create_task(self._forever(Topic.REPORT, self._report)),
        ]
        for keeper in self._certificates:
            step = self._forever(keeper.topic_of_copy, keeper.step)
            loops.append(asyncio.create_task(step))
        stopped = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait([*loops, stopped], return_when=asyncio.FIRST_COMPLETED)
        _log.info("stopping")
        for task in (*loops, stopped):
            task.cancel()
        await asyncio.gather(*loops, stopped, return_exceptions=True)
        await self._stop()
        for task in done - {stopped}:
            task.result()  # a loop that ended by itself is a bug of ours: say so

    async def _stop(self) -> None:
        await self._supervisor.stop()
        if not self._settings.keep_envoy:
            await self._validators.stop()
            await self._introspection.stop()
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS_MAX):
                await self._shipping.ship_all()
                await self._reporter.send()
        except (TimeoutError, DependencyError, OSError) as error:
            _log.info("the control plane was not told", reason=str(error))
        await self._control_plane.close()
        self._keeper.close()

    def _transport(self) -> Transport:
        if self._settings.inbox is not None:
            return InboxTransport(self._settings.inbox)
        return UploadTransport(self._control_plane)

    async def _sync_snapshots(self) -> None:
        await self._supervisor.serving.wait()
        admin = self._supervisor.admin
        if admin is not None:
            await self._snapshots.step(admin)

    async def _try(self) -> None:
        await self._supervisor.serving.wait()
        await self._trials.step()

    async def _seal(self) -> None:
        await asyncio.sleep(self._shipping.seal_interval_seconds)
        await self._supervisor.serving.wait()
        admin = self._supervisor.admin
        if admin is not None:
            await self._shipping.seal(admin)
            is_refusing = self._shipping.must_refuse
            await self._revisions.refuse_calls(admin, is_refusing=is_refusing)

    async def _report(self) -> None:
        if self._has_told:  # else at once: who publishes waits for a node that has just started
            with suppress(TimeoutError):
                async with asyncio.timeout(REPORT_SECONDS):
                    await self._troubles.changed.wait()
        self._has_told = False
        self._troubles.changed.clear()
        await self._reporter.look()
        await self._reporter.send()
        self._has_told = True

    async def _forever(self, topic: Topic, step: Callable[[], Awaitable[None]]) -> None:
        """Repeat one step for good; an error is told, waited out, and never ends the loop."""
        delay, since = BACKOFF_SECONDS_MIN, ""
        while True:
            known = _known_since(self._settings)
            try:
                await step()
            except (DependencyError, Problem, OSError) as error:
                since = since or self._clock.now().strftime("%Y-%m-%d %H:%M:%SZ")
                if not self._is_starting():
                    self._troubles.set(topic, f"{_TROUBLE[topic]} (since {since}): {error}")
            except Exception as error:  # noqa: BLE001  # a bug in one loop must not stop traffic
                since = since or self._clock.now().strftime("%Y-%m-%d %H:%M:%SZ")
                _log.exception("a loop of the agent failed", loop=str(topic))
                self._troubles.set(
                    topic,
                    f"{_TROUBLE[topic]} (since {since}): {error!r}. This is a mistake in"
                    " Headgate: report it with the node's log.",
                )
            else:
                delay, since = BACKOFF_SECONDS_MIN, ""
                self._troubles.clear(topic)
                continue
            await self._pause(delay, known)
            delay = min(delay * 2, BACKOFF_SECONDS_MAX)

    def _is_starting(self) -> bool:
        """Whether the control plane of this machine may only not have said where it listens yet."""
        is_new = self._clock.monotonic() - self._began < START_SECONDS
        return is_new and not self._settings.control_plane and not _known_since(self._settings)

    async def _pause(self, seconds: float, known: int) -> None:
        """Wait, but no longer than until the control plane of this machine has started anew."""
        now = asyncio.get_running_loop().time
        deadline = now() + seconds
        while (left := deadline - now()) > 0 and _known_since(self._settings) == known:  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(min(left, BACKOFF_SECONDS_MIN))


_TROUBLE = {
    Topic.CONTROL_PLANE: "New revisions cannot be fetched or applied; traffic is served from the"
    " last one. Check that the control plane runs and that the node's token is valid",
    Topic.ACCESS: "Changes of keys, plans and blocks do not arrive; the last known ones are in"
    " force. Check that the control plane runs and that the node's token is valid",
    Topic.LEASES: "Which part of each quota this node has cannot be asked; it lets pass what it"
    " holds. Check that the control plane runs and that the node's token is valid",
    Topic.WANTS: "Parts of quotas that run low cannot be topped up; the rest of their calls are"
    " refused. Check that the control plane runs and that the node's token is valid",
    Topic.TRIALS: "Requests cannot be tried at this node; traffic does not need it. Check the disk",
    Topic.SEAL: "Logs cannot be sealed; records stay in the node's log for now. Check the disk",
    Topic.SHIP: "Records cannot be handed to the ingest; they wait in the spool. Check the disk"
    " and the control plane",
    Topic.CERTIFICATE_COPY: "A new certificate cannot be put into service; the one before stays.",
    Topic.CLIENT_AUTHORITIES_COPY: "New client authorities cannot be put into service."
    " Check the disk",
    Topic.VALIDATORS: "The validators cannot be looked after. Check the disk",
    Topic.INTROSPECTOR: "The introspector cannot be looked after. Check the disk",
    Topic.REPORT: "The node cannot report. Check that the control plane runs",
}


def control_plane_url(settings: AgentSettings) -> str:
    """Where the control plane is: from the settings, or the one that runs on this machine.

    Raises:
        DependencyError: none is known yet.
    """
    if settings.control_plane:
        return settings.control_plane.rstrip("/")
    place = settings.data / RUN_FILE
    try:
        return str(orjson.loads(place.read_bytes())["url"]).rstrip("/")
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise DependencyError(
            f"no control plane is known: {place} is not there", is_retryable=True
        ) from error


def _known_since(settings: AgentSettings) -> int:
    """When the control plane of this machine said where it listens; 0 where none has."""
    try:
        return (settings.data / RUN_FILE).stat().st_mtime_ns
    except OSError:
        return 0


def check_port(address: str, port: int) -> None:
    """Make sure that the gateway can listen.

    Raises:
        Problem: it cannot, with the reason and the next step.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise Problem(
                ProblemType.UNAVAILABLE,
                f"The gateway cannot listen on {address} port {port}: {error.strerror}.",
                "Stop what uses the port (`ss -ltnp` names it), or choose another one with"
                " --gateway-port.",
            ) from error


def _take_lock(settings: AgentSettings) -> int:
    """Be the only agent of this folder, until the process ends.

    Raises:
        Problem: another agent runs.
    """
    lock = os.open(settings.paths.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise Problem(
            ProblemType.CONFLICT,
            f"Another agent already runs the node in {settings.paths.folder}.",
            "Stop it first, or give this one another data folder.",
        ) from error
    return lock
