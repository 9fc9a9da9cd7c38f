"""When is a log sealed, when does a segment leave, and what happens when none can leave?"""

import asyncio

import structlog

from headgate.core.problems import DependencyError
from headgate.core.units import count
from headgate.node.admin import EnvoyAdmin
from headgate.node.launch import rotate_log
from headgate.node.seal import Sealer
from headgate.node.settings import AgentSettings, FullSpool
from headgate.node.ship import Transport, ship
from headgate.node.spool import Sealed, list_sealed, measure, overflow
from headgate.node.troubles import Topic, Troubles

SEAL_SECONDS = ((100, 1.0), (1_000, 10.0))  # below so many waiting segments, seal this often
SEAL_SECONDS_MAX = 60.0  # with more: nobody fetches, and a million small files help nobody
ROOM_AGAIN = 0.9  # of the limit: below it calls are served again
IDLE_SECONDS = 5.0  # how often an unchanged spool is looked at

_log = structlog.get_logger()


class Shipping:
    """The way of a log line from Envoy's file to the ingest. `dropped` counts lost segments."""

    def __init__(
        self,
        settings: AgentSettings,
        sealer: Sealer,
        transport: Transport,
        troubles: Troubles,
    ) -> None:
        self._settings = settings
        self._sealer = sealer
        self._transport = transport
        self._troubles = troubles
        self._has_news = asyncio.Event()
        self.seal_interval_seconds = SEAL_SECONDS[0][1]
        self._is_full = False
        self.dropped = 0

    async def seal(self, admin: EnvoyAdmin) -> None:
        """Seal once, and keep the spool and Envoy's own log within their limits.

        Raises:
            DependencyError, OSError: it could not be sealed; nothing is lost.
        """
        if await self._sealer.seal(admin) is not None:
            self._has_news.set()
        self._keep_limit()
        if rotate_log(self._settings.paths.envoy_log):
            await admin.reopen_logs()

    async def step(self) -> None:
        """Wait for something to ship, and ship it.

        Raises:
            DependencyError, OSError: the rest stays in the spool.
        """
        await self._sealer.settled.wait()
        await self.ship_all()
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self._has_news.wait()
        except TimeoutError:
            return
        self._has_news.clear()

    async def ship_all(self) -> None:
        """Ship what is sealed, oldest first. One refused segment does not hold up the others.

        Raises:
            DependencyError: the control plane cannot be reached, or refused segments are left.
            OSError: the disk refused.
        """
        refused: DependencyError | None = None
        for segment in self._sealed():
            try:
                await ship(segment, self._transport)
            except FileNotFoundError:
                continue  # dropped meanwhile
            except DependencyError as error:
                if error.is_retryable:
                    raise
                refused = error
        if refused is not None:
            raise refused

    def _sealed(self) -> list[Sealed]:
        pending = self._sealer.pending
        return list_sealed(self._settings.paths.spool, besides={pending} if pending else ())

    @property
    def must_refuse(self) -> bool:
        """Whether calls must be refused because their records would have no place."""
        return self._is_full and self._settings.on_full_spool == FullSpool.REFUSE

    def _keep_limit(self) -> None:
        """Above the watermark, say so; and drop the oldest where the settings want that."""
        sealed, limit = self._sealed(), self._settings.spool_bytes_max
        size = measure(sealed)
        self.seal_interval_seconds = next(
            (seconds for below, seconds in SEAL_SECONDS if size.segments < below), SEAL_SECONDS_MAX
        )
        if size.bytes <= limit * (ROOM_AGAIN if self.must_refuse else 1):
            self._is_full = False
            self._troubles.clear(Topic.SPOOL)
            return
        self._is_full = True
        if self._settings.on_full_spool == FullSpool.DROP_OLDEST:
            gone = overflow(sealed, limit)
            for segment in gone:
                segment.path.unlink(missing_ok=True)
                _log.warning("segment dropped", segment=str(segment.name), bytes=segment.bytes)
            self.dropped += len(gone)
        done = (
            f"{count(self.dropped, 'oldest segment')} dropped so far"
            if self._settings.on_full_spool == FullSpool.DROP_OLDEST
            else "calls are refused until there is room"
        )
        self._troubles.set(
            Topic.SPOOL,
            f"The spool holds {size.bytes // 1024**2} MiB of records that nobody has fetched, more"
            f" than its limit; {done}. Check that the control plane and its ingest run.",
        )
