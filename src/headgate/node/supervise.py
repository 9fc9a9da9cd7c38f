"""How does Envoy keep running? Started, adopted, started again, replaced, stopped.

- An agent that starts adopts the Envoy that runs. `kill -9` of the agent leaves Envoy serving.
- An Envoy that ends is started again after a delay that doubles with every quick end.
- Upgrade: when the program, the filter, the bootstrap or the arguments differ from what the
  running Envoy was started with, a second one is started beside it on the same port
  (SO_REUSEPORT) with a log and an admin socket of its own; once it serves, the first one
  drains for `drain_seconds`: it says goodbye with its answers, more and more of them. Then it
  closes its socket and goes once its last connection is closed, or after another
  `drain_seconds`: a connection on which nothing was asked for so long is cut, and a request that
  takes longer. A connection that the kernel has queued for the first one at the moment it closes
  its socket is reset: at most the few that arrive within that millisecond.
- Stop: new connections are refused at once, also by an Envoy that is being replaced; requests
  under way get `drain_seconds`.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from headgate.core.ids import RandomBytes
from headgate.core.problems import DependencyError
from headgate.model.node import EnvoyState
from headgate.node import process
from headgate.node.admin import EnvoyAdmin
from headgate.node.launch import (
    BOOT_BYTES,
    EnvoyProcess,
    EnvoyRecord,
    Launcher,
    rotate_log,
    tail,
)
from headgate.node.priority import main_thread_behind_calls
from headgate.node.seal import Sealer
from headgate.node.settings import AgentSettings
from headgate.node.troubles import Topic, Troubles

READY_POLL_SECONDS = 0.01
READY_SECONDS_MAX = 60.0  # of a replacement; a first start is waited for without end
RESTART_DELAYS_SECONDS = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
STABLE_SECONDS = 30.0  # an Envoy that ran this long ends the back-off
QUICK_ENDS_BEFORE_TROUBLE = 3
TERM_SECONDS_MAX = 10.0
DRAIN_POLL_SECONDS = 0.2  # each look walks over all of Envoy's gauges

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the rest of the agent does around Envoy's life.

    `before_start` writes the files that Envoy reads. `on_ready` is told an Envoy that serves;
    while it runs, nothing else counts on Envoy.
    """

    before_start: Callable[[], Awaitable[None]]
    on_ready: Callable[[EnvoyAdmin], Awaitable[None]]


class Supervisor:
    """Keeps one Envoy serving. `serving` is set while it is; `admin` is then its admin door."""

    def __init__(
        self,
        settings: AgentSettings,
        launcher: Launcher,
        sealer: Sealer,
        troubles: Troubles,
        hooks: Hooks,
        random_bytes: RandomBytes,
    ) -> None:
        self._settings = settings
        self._launcher = launcher
        self._sealer = sealer
        self._troubles = troubles
        self._hooks = hooks
        self._random_bytes = random_bytes
        self._envoy: EnvoyProcess | None = None
        self._last_boot = ""
        self._draining: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._quick_ends = 0
        self.state = EnvoyState.DOWN
        self.restarts = 0
        self.admin: EnvoyAdmin | None = None
        self.serving = asyncio.Event()

    async def run(self, found: EnvoyRecord | None) -> None:
        """Serve until cancelled, beginning with the Envoy that was `found` running, if any."""
        while True:
            try:
                if found is not None:
                    adopted, found = found, None
                    await self._adopt(adopted)
                if self._envoy is None:
                    await self._start()
                await self._watch()
            except (OSError, DependencyError) as error:
                self._quick_ends += 1
                self._troubles.set(
                    Topic.ENVOY,
                    f"Envoy cannot be started: {error}. It is tried again; free room on the disk"
                    " or mend what the message names.",
                )
            except Exception as error:  # noqa: BLE001  # a bug of ours must not end what serves
                self._quick_ends += 1
                _log.exception("the supervisor failed")
                self._troubles.set(
                    Topic.ENVOY,
                    f"Envoy cannot be looked after: {error!r}. This is a mistake in Headgate:"
                    " report it with the node's log.",
                )
            await asyncio.sleep(self._delay())

    async def stop(self) -> None:
        """Drain and end Envoy, or leave it serving when the settings say so."""
        envoy, admin = self._envoy, self.admin
        self.serving.clear()
        if envoy is None or self._settings.keep_envoy:
            await self._close_admin()
            return
        self.state = EnvoyState.DRAINING
        self._stopping.set()
        if admin is not None:
            with suppress(DependencyError):
                await admin.drain(is_graceful=False)
                await self._wait_until_none(admin.requests_active)
        await self._end(envoy)
        if self._draining is not None:
            await self._draining
        await self._close_admin()
        self.state = EnvoyState.DOWN
        self._envoy = None
        with suppress(OSError):
            self._sealer.seal_left_over(self._settings.paths.access_log, envoy.boot)

    async def _start(self) -> None:
        """Start an Envoy with a new boot where none runs."""
        self.state = EnvoyState.STARTING
        self._seal_left_overs()
        rotate_log(self._settings.paths.envoy_log)
        await self._hooks.before_start()
        boot = self._last_boot = self._random_bytes(BOOT_BYTES).hex()
        self._sealer.begin_boot(boot)
        self._envoy = self._launcher.start(boot)
        self.admin = EnvoyAdmin(self._settings.paths.folder, self._envoy.socket_name)
        _log.info("envoy started", boot=boot, pid=self._envoy.pid)

    def _seal_left_overs(self) -> None:
        """Seal what Envoys that are gone left behind."""
        paths = self._settings.paths
        record = self._launcher.recall()
        known = self._last_boot or (record.current.boot if record else "")
        boot = known or self._random_bytes(BOOT_BYTES).hex()
        self._sealer.begin_boot(boot)
        for log, drained_boot in self._sealer.left_over_draining_logs():
            self._sealer.seal_left_over(log, drained_boot)
        self._sealer.seal_left_over(paths.access_log, boot)
        self._sealer.settled.set()
        for socket in paths.folder.glob("admin-*.sock"):
            socket.unlink(missing_ok=True)

    async def _adopt(self, found: EnvoyRecord) -> None:
        """Take over running Envoys, and replace the serving one when it is not ours any more."""
        envoy = found.current
        _log.info("envoy adopted", boot=envoy.boot, pid=envoy.pid)
        self._envoy, self._last_boot = envoy, envoy.boot
        self._sealer.begin_boot(envoy.boot)
        self.admin = EnvoyAdmin(self._settings.paths.folder, envoy.socket_name)
        draining_log = self._sealer.draining_log(envoy.boot)
        if draining_log.exists() and not self._settings.paths.access_log.exists():
            draining_log.rename(self._settings.paths.access_log)
        if found.draining is not None:
            self._drain_beside(found.draining)
        if envoy.fingerprint != self._launcher.fingerprint:
            await self._replace(envoy)

    async def _watch(self) -> None:
        """Wait until Envoy serves, tell the others, and return once it has ended."""
        envoy, admin = self._envoy, self.admin
        if envoy is None or admin is None:
            return
        began = asyncio.get_running_loop().time()
        ended = asyncio.create_task(process.wait_for_exit(envoy.identity))
        try:
            is_ready = await self._is_ready_before(ended, admin)
            if is_ready:
                main_thread_behind_calls(envoy.pid)
                await self._announce(admin)
                await self._until_ended(ended)
        finally:
            ended.cancel()
            self.serving.clear()
        await self._note_end(envoy, ran=asyncio.get_running_loop().time() - began)

    async def _until_ended(self, ended: asyncio.Task[None]) -> None:
        """Wait for the end; a long run is the end of the trouble with quick ones."""
        done, _ = await asyncio.wait({ended}, timeout=STABLE_SECONDS)
        if not done:
            self._quick_ends = 0
            self._troubles.clear(Topic.ENVOY)
            await ended

    async def _announce(self, admin: EnvoyAdmin) -> None:
        """Let the rest of the agent prepare, then say that Envoy serves."""
        try:
            await self._sealer.recover(admin)
            await self._hooks.on_ready(admin)
        except (DependencyError, OSError) as error:
            _log.warning("envoy serves, but not all could be prepared", reason=str(error))
        self.state = EnvoyState.SERVING
        self.serving.set()
        self._troubles.changed.set()
        _log.info("envoy serves")

    async def _note_end(self, envoy: EnvoyProcess, *, ran: float) -> None:
        how = self._launcher.ending(envoy)
        await self._close_admin()
        self._envoy = None
        self.state = EnvoyState.DOWN
        self.restarts += 1
        self._quick_ends = 1 if ran >= STABLE_SECONDS else self._quick_ends + 1
        _log.warning("envoy ended", boot=envoy.boot, how=how, ran_seconds=round(ran, 1))
        self._troubles.changed.set()
        if self._quick_ends >= QUICK_ENDS_BEFORE_TROUBLE:
            self._troubles.set(
                Topic.ENVOY,
                f"Envoy {how} {self._quick_ends} times in a row, each within"
                f" {STABLE_SECONDS:g} s of its start. It is started again with growing delays;"
                f" its last words:\n{tail(self._settings.paths.envoy_log)}",
            )

    def _delay(self) -> float:
        return RESTART_DELAYS_SECONDS[
            min(max(self._quick_ends, 1), len(RESTART_DELAYS_SECONDS)) - 1
        ]

    async def _is_ready_before(self, ended: asyncio.Task[None], admin: EnvoyAdmin) -> bool:
        """Whether Envoy serves; false when it ended first."""
        while not ended.done():
            if await admin.is_ready():
                if self._quick_ends < QUICK_ENDS_BEFORE_TROUBLE:
                    self._troubles.clear(Topic.ENVOY)
                return True
            await asyncio.sleep(READY_POLL_SECONDS)
        return False

    async def _replace(self, old: EnvoyProcess) -> None:
        """Start an Envoy beside `old`, then let `old` drain and go.

        When the new one does not come up, the old one goes on serving.
        """
        paths = self._settings.paths
        old_admin, boot = self.admin, self._random_bytes(BOOT_BYTES).hex()
        if old_admin is None:
            return
        await self._sealer.recover(old_admin)
        await self._hooks.before_start()
        paths.access_log.replace(self._sealer.draining_log(old.boot))
        self._sealer.begin_boot(boot)
        new = self._launcher.start(boot, draining=old)
        new_admin = EnvoyAdmin(paths.folder, new.socket_name)
        ended = asyncio.create_task(process.wait_for_exit(new.identity))
        try:
            async with asyncio.timeout(READY_SECONDS_MAX):
                is_ready = await self._is_ready_before(ended, new_admin)
        except TimeoutError:
            is_ready = False
        finally:
            ended.cancel()
        if not is_ready:
            await new_admin.close()
            await self._keep_old(old, new)
            return
        self._envoy, self.admin, self._last_boot = new, new_admin, new.boot
        await old_admin.close()
        _log.info("envoy is replaced", old=old.boot, new=new.boot)
        self._drain_beside(old)

    def _drain_beside(self, old: EnvoyProcess) -> None:
        """Drain `old` while the agent goes on with the new one."""
        self._draining = asyncio.create_task(self._finish_draining(old, self._draining))

    async def _keep_old(self, old: EnvoyProcess, failed: EnvoyProcess) -> None:
        paths = self._settings.paths
        await self._end(failed)
        self._sealer.seal_left_over(paths.access_log, failed.boot)
        self._sealer.draining_log(old.boot).replace(paths.access_log)
        self._sealer.begin_boot(old.boot)
        self._launcher.remember(EnvoyRecord(old))
        self._troubles.set(
            Topic.ENVOY,
            "The new Envoy did not start; the one from before the upgrade goes on serving. Its"
            f" last words:\n{tail(paths.envoy_log)}\nMend it and restart the node.",
        )

    async def _finish_draining(self, old: EnvoyProcess, before: asyncio.Task[None] | None) -> None:
        """Let `old` take leave of its callers, end it and seal its log; then wait for `before`.

        Its connections are waited for, not its requests: a caller learns that it has to go
        elsewhere from an answer, so one that is between two requests would be cut. Who stops the
        node waits for requests alone.
        """
        async with EnvoyAdmin(self._settings.paths.folder, old.socket_name) as admin:
            with suppress(DependencyError):
                await admin.drain(is_graceful=True)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._settings.drain_seconds):
                        await self._stopping.wait()
                await admin.drain(is_graceful=False)
                await self._wait_until_none(lambda: self._unfinished(admin))
        await self._end(old)
        log = self._sealer.draining_log(old.boot)
        if log.exists():
            self._sealer.seal_left_over(log, old.boot)
        if self._envoy is not None:
            self._launcher.remember(EnvoyRecord(self._envoy))
        if before is not None:
            await before

    async def _unfinished(self, admin: EnvoyAdmin) -> int:
        if self._stopping.is_set():
            return await admin.requests_active()
        return await admin.connections_active()

    async def _wait_until_none(self, active: Callable[[], Awaitable[int]]) -> None:
        """Return when `active` says 0, or after `drain_seconds`."""
        deadline = asyncio.get_running_loop().time() + self._settings.drain_seconds
        while await active():
            await asyncio.sleep(DRAIN_POLL_SECONDS)
            if asyncio.get_running_loop().time() > deadline:
                return

    async def _end(self, envoy: EnvoyProcess) -> None:
        """SIGTERM, which flushes the logs; SIGKILL when that is not enough."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            process.send_signal(envoy.identity, number)
            try:
                async with asyncio.timeout(TERM_SECONDS_MAX):
                    await process.wait_for_exit(envoy.identity)
                break
            except TimeoutError:
                _log.warning("envoy does not end", boot=envoy.boot, signal=number)
        self._launcher.ending(envoy)
        (self._settings.paths.folder / envoy.socket_name).unlink(missing_ok=True)

    async def _close_admin(self) -> None:
        if self.admin is not None:
            await self.admin.close()
            self.admin = None
