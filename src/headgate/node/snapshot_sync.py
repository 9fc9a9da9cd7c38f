"""Which revision is in service, and how does the next one get there?

`snapshot.json` is the last revision that Envoy accepted. A new one is written beside it, tried,
and takes its place only when Envoy has accepted every file. A refused one is reported with
Envoy's words and not tried again; the last good one stays in service.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from traceback import format_exc

import structlog

from headgate.core.problems import DependencyError, Problem
from headgate.core.units import count
from headgate.gateway.compile import check, published_rows
from headgate.gateway.envoy.resources import Translator
from headgate.gateway.envoy.wire import ROUTES_FILE
from headgate.gateway.secrets import fill, redact, reference_mistakes, references
from headgate.gateway.token_keys import fill_keys
from headgate.model.access import PublishedRows
from headgate.model.codec import as_json, from_json
from headgate.model.snapshot import Snapshot, SnapshotDelta, merge
from headgate.node.access_sync import AccessKeeper
from headgate.node.admin import EnvoyAdmin, EnvoySilent
from headgate.node.apply import WARM_SECONDS_MAX, Files, Refused
from headgate.node.beside import Beside
from headgate.node.control_plane import WAIT_SECONDS, ControlPlane
from headgate.node.durable import write_file
from headgate.node.paths import NodePaths
from headgate.node.refusal import refusing_routes
from headgate.node.troubles import Topic, Troubles

ATTEMPTS_MAX = 3  # of one revision during which Envoy ended or stood still
UNCONFIRMED_WAIT_SECONDS = 2  # how soon files that Envoy refused at its start are offered again,
# or Envoy is asked again about an upstream that was not ready
PROBLEMS_SHOWN_MAX = 5

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Built:
    """A revision as the table and Envoy read it."""

    rows: PublishedRows
    files: dict[str, bytes]


class Revisions:
    """The revisions of one node. `seen` is the newest known, `live` the one in service.

    `error` says why `seen` is not live, in Envoy's words where they are Envoy's.
    """

    def __init__(
        self,
        paths: NodePaths,
        gateway: str,
        translator: Translator,
        files: Files,
        keeper: AccessKeeper,
        beside: Beside,
        troubles: Troubles,
    ) -> None:
        self._beside = beside
        self._paths = paths
        self._translator = translator
        self._files = files
        self._keeper = keeper
        self._troubles = troubles
        self._lock = asyncio.Lock()
        self._is_prepared = False
        self._is_refusing = False
        self._attempts = 0
        self._good = self._last_good(gateway)
        self.candidate = self._good
        self.live = 0
        self.error = ""
        self.is_confirmed = False

    @property
    def seen(self) -> int:
        """The newest revision that the control plane has sent."""
        return self.candidate.revision

    @property
    def is_waiting(self) -> bool:
        """Whether a revision is known that is neither live nor refused."""
        return self.candidate.revision != self._good.revision and not self.error

    async def before_start(self) -> None:
        """Write the files of the last good revision, for an Envoy that is about to start.

        On a full disk, or when the revision cannot be translated any more, the files that are
        there stay.
        """
        async with self._lock:
            self._is_prepared = True
            await self._beside.settle(self._good)
            try:
                built = await asyncio.to_thread(self._build, self._good)
                await self._keeper.publish(built.rows)
                await asyncio.to_thread(self._files.prepare, built.files)
            except (Refused, Problem, DependencyError, OSError) as error:
                self._say(f"The last good revision cannot be written: {error}.")
                with suppress(OSError):
                    self._files.fall_back()

    async def on_ready(self, admin: EnvoyAdmin) -> None:
        """Make sure that Envoy has taken the last good revision.

        Raises:
            DependencyError: Envoy does not answer.
        """
        async with self._lock:
            self.is_confirmed = False
            try:
                if self._is_prepared:
                    await self._files.confirm(admin)
                else:
                    await self._beside.settle(self._good)
                    await self._offer_good(admin)
            except (Refused, Problem, OSError) as error:
                self._say(f"Envoy refuses the last good revision: {error}.")
                with suppress(Refused, OSError):
                    await self._files.restore(admin)
                return
            finally:
                self._is_prepared = False
            self._is_good_live()

    async def confirm_again(self, admin: EnvoyAdmin) -> None:
        """Offer the last good revision once more to an Envoy that refused it.

        A port that was taken may be free by now.

        Raises:
            DependencyError: Envoy does not answer.
        """
        async with self._lock:
            try:
                self._files.forget()
                await self._offer_good(admin)
            except (Refused, Problem, OSError) as error:
                self._say(f"Envoy refuses the last good revision: {error}.")
                return
            self._is_good_live()

    async def refuse_calls(self, admin: EnvoyAdmin, *, is_refusing: bool) -> None:
        """Answer every call with 503, or serve again; nothing happens when it is so already.

        Raises:
            DependencyError, OSError: it could not be changed; to be called again.
        """
        if is_refusing == self._is_refusing:
            return
        async with self._lock:
            self._is_refusing = is_refusing
            try:
                await self._offer_good(admin)
            except BaseException:
                self._is_refusing = not is_refusing
                raise
            _log.warning("calls are refused" if is_refusing else "calls are served again")

    @property
    def has_cold_upstreams(self) -> bool:
        """Whether Envoy still looks for the hosts of an upstream that is in service."""
        return bool(self._files.cold)

    async def look_at_upstreams(self, admin: EnvoyAdmin) -> None:
        """Ask Envoy whether the upstreams that were not ready in time are so now.

        Raises:
            DependencyError: Envoy does not answer.
        """
        await self._files.look_at_cold(admin)
        self._say_cold()

    def take(self, delta: SnapshotDelta) -> None:
        """Know a newer revision.

        Raises:
            ValueError: the delta starts elsewhere; ask for a complete one.
        """
        self.candidate = merge(self.candidate, delta)
        self.error = ""
        self._attempts = 0

    async def bring(self, admin: EnvoyAdmin) -> None:
        """Bring the newest revision into service.

        Raises:
            DependencyError: Envoy ended or does not answer; to be called again.
            OSError: the disk refused; to be called again.
        """
        async with self._lock:
            snapshot = self.candidate
            try:
                await self._try(snapshot, admin)
            except (Refused, Problem) as refused:
                await self._refuse(str(refused), admin)
            except EnvoySilent as error:
                self._attempts += 1
                if self._attempts >= ATTEMPTS_MAX:
                    await self._refuse(f"tried {ATTEMPTS_MAX} times: {error}", admin)
                    return
                await self._take_back(admin)
                raise
            except (DependencyError, OSError):  # a full disk is no fault of the revision
                await self._take_back(admin)
                raise
            else:
                self._good = snapshot
                self._is_good_live()
                await self._beside.settle(snapshot)
                _log.info("revision is live", revision=snapshot.revision)

    async def _try(self, snapshot: Snapshot, admin: EnvoyAdmin) -> None:
        built = await asyncio.to_thread(self._build, snapshot)
        await self._beside.prepare(snapshot, self._good)
        await asyncio.to_thread(self._write_next, snapshot)
        await self._keeper.publish(built.rows)
        await self._files.replace(admin, built.files)
        self._paths.snapshot_next.replace(self._paths.snapshot)

    def _write_next(self, snapshot: Snapshot) -> None:
        write_file(self._paths.snapshot_next, as_json(snapshot))

    def _build(self, snapshot: Snapshot) -> _Built:
        """Runs in a thread, one at a time.

        Raises:
            Refused: the snapshot has mistakes of policy or conflicts.
        """
        # Fails closed: a reference without its value must not reach an upstream as text.
        mistakes = reference_mistakes(references(snapshot), snapshot.secrets)
        secrets, snapshot = snapshot.secrets, fill_keys(fill(snapshot))
        mistakes += check(snapshot)
        if mistakes:
            shown = "; ".join(one.message for one in mistakes[:PROBLEMS_SHOWN_MAX])
            more = len(mistakes) - PROBLEMS_SHOWN_MAX
            raise Refused(shown + (f"; and {count(more, 'more mistake')}" if more > 0 else ""))
        try:
            files = self._translator.translate(snapshot).files()
        except Exception as error:  # noqa: BLE001  # one revision must not stop those after it
            words = redact(repr(error), secrets)
            trace = redact(format_exc(), secrets)
            _log.error("a revision cannot be translated", revision=snapshot.revision, trace=trace)
            raise Refused(f"it cannot be translated: {words}, a mistake in Headgate") from None
        if self._is_refusing:
            files[ROUTES_FILE] = refusing_routes(snapshot.revision, snapshot.problem_types)
        return _Built(published_rows(snapshot), files)

    async def _offer_good(self, admin: EnvoyAdmin) -> None:
        built = await asyncio.to_thread(self._build, self._good)
        await self._keeper.publish(built.rows)
        await self._files.replace(admin, built.files)

    async def _refuse(self, words: str, admin: EnvoyAdmin) -> None:
        """Give the candidate up and go on with the last good revision."""
        words = redact(words, self.candidate.secrets)  # Envoy quotes what it does not like
        _log.warning("revision refused", revision=self.candidate.revision, words=words)
        self.error = words
        self._say(
            f"Revision {self.candidate.revision} is refused, revision {self._good.revision} stays"
            f" in service: {words}. Correct the API that it names and publish again."
        )
        await self._take_back(admin)
        self._paths.snapshot_next.unlink(missing_ok=True)

    async def _take_back(self, admin: EnvoyAdmin) -> None:
        """Undo what was done of a revision; an Envoy that is gone finds the old files."""
        try:
            rows = await asyncio.to_thread(published_rows, self._good)
            await self._files.restore(admin)
            await self._keeper.publish(rows)
        except (Refused, Problem, DependencyError, OSError) as error:
            _log.warning("the last good revision is put back on disk only", reason=str(error))
            with suppress(OSError):
                self._files.fall_back()

    def _is_good_live(self) -> None:
        self.is_confirmed = True
        self.live = self._good.revision
        self._say_cold()
        if not self._is_refusing:
            with suppress(OSError):
                self._files.keep()
        if not self.error:
            self._troubles.clear(Topic.SNAPSHOT)
        self._troubles.changed.set()

    def _say_cold(self) -> None:
        cold = self._files.cold.values()
        if not cold:
            self._troubles.clear(Topic.UPSTREAM)
            return
        self._troubles.set(
            Topic.UPSTREAM,
            f"Envoy could not make ready within {WARM_SECONDS_MAX:g} s: {'; '.join(sorted(cold))}."
            " Calls to this upstream are answered 503 until its name resolves and its first health"
            " check has ended. Check the address and the health check of the API.",
        )

    def _say(self, sentence: str) -> None:
        sentence = redact(sentence, self._good.secrets)
        self._troubles.set(Topic.SNAPSHOT, sentence)
        self._troubles.changed.set()

    def _last_good(self, gateway: str) -> Snapshot:
        nothing = Snapshot(0, gateway)
        try:
            found = from_json(Snapshot, self._paths.snapshot.read_bytes())
        except FileNotFoundError:
            return nothing
        except Problem as problem:
            _log.warning("snapshot.json is damaged and left out", reason=problem.detail)
            return nothing
        return found if found.gateway == gateway else nothing


class SnapshotSync:
    """Follows the control plane's revisions."""

    def __init__(self, control_plane: ControlPlane, gateway: str, revisions: Revisions) -> None:
        self._control_plane = control_plane
        self._gateway = gateway
        self._revisions = revisions
        self._wait = 0
        self._must_be_complete = False

    async def step(self, admin: EnvoyAdmin) -> None:
        """One long poll, and what it brought into service.

        Raises:
            DependencyError: the control plane or Envoy does not answer.
            OSError: the disk refused.
        """
        revisions = self._revisions
        if not revisions.is_confirmed:
            await revisions.confirm_again(admin)
        if revisions.has_cold_upstreams:
            await revisions.look_at_upstreams(admin)
        if not revisions.is_waiting:
            await self._poll()
        if revisions.is_waiting:
            await revisions.bring(admin)

    async def _poll(self) -> None:
        is_steady = self._revisions.is_confirmed and not self._revisions.has_cold_upstreams
        delta = await self._control_plane.snapshot(
            gateway=self._gateway,
            after=0 if self._must_be_complete else self._revisions.seen,
            wait=min(self._wait, WAIT_SECONDS if is_steady else UNCONFIRMED_WAIT_SECONDS),
        )
        self._wait = WAIT_SECONDS
        self._must_be_complete = False
        if delta is None:
            return
        try:
            self._revisions.take(delta)
        except ValueError as error:
            self._must_be_complete = True
            self._wait = 0
            _log.warning("a complete snapshot is needed", reason=str(error))
