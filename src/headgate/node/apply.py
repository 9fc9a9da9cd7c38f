"""How does a new revision come into service without a moment in which a route lacks its upstream?

Each file is written by rename and then waited for until Envoy says that it took it:

1. clusters: the new ones and those old ones that go away
2. a while until the new ones are warm: Envoy answers 503 for a cluster whose hosts it does not
   know yet, and meanwhile the old routes serve
3. listeners
4. filters that routes choose by name: the new ones and those old ones that go away
5. routes
6. those filters, then clusters: only the new ones

A file whose content did not change is not written. When Envoy refuses one, the files of the last
good revision are put back and Envoy's own words are the error.

Source: envoyproxy.io, "Eventual consistency considerations" (make before break).
"""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from headgate.core.ids import RandomBytes
from headgate.gateway.envoy import wire
from headgate.gateway.envoy.chain import held_file, holder_names
from headgate.node.admin import EnvoyAdmin, EnvoySilent
from headgate.node.durable import is_same_file, write_file
from headgate.node.paths import NodePaths
from headgate.node.versions import digest, split, with_version

CLUSTERS = "cds.json"
CHOICES = {
    held_file(name): f"extension_config_discovery.http_filter.{name}" for name in holder_names()
}
HELD = "named_filter_chains"
SUBSCRIPTIONS = {
    CLUSTERS: "cluster_manager.cds",
    "lds.json": "listener_manager.lds",
    **CHOICES,
    wire.ROUTES_FILE: "http.gateway.rds.gateway",
}
"""Where Envoy tells which version of a file it has taken; other files are not waited for."""

ACCEPT_SECONDS_MAX = 60.0  # 20,000 routes on a busy machine take seconds
WARM_SECONDS_MAX = 10.0  # Envoy gives a name up after 4 s; a health check has its own time
POLL_SECONDS = 0.01
WARM_POLL_SECONDS = 0.05
COUNTERS_POLL_SECONDS = 0.25  # a refusal that did not reach the log shows here
WORDS_SECONDS_MAX = 0.3  # how long Envoy's words may need to reach its log
_REFUSED = (" config update rejected: ", " config update failure: ")


class Refused(Exception):  # noqa: N818  # Envoy's word for it
    """Envoy did not take a file; the message is Envoy's own."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """A place in Envoy's log, to read what it says from then on."""

    inode: int
    offset: int


class Files:
    """The resource files of one node and what Envoy makes of them. One task uses it at a time.

    `random_bytes` makes every written version unlike any before it, so that "taken" can never
    be said of an earlier file of the same revision. `cold` are the clusters that routes name though
    Envoy had not warmed them in time, with their addresses.
    """

    def __init__(
        self,
        paths: NodePaths,
        random_bytes: RandomBytes,
        *,
        warm_seconds_max: float = WARM_SECONDS_MAX,
    ) -> None:
        self._paths = paths
        self._warm_seconds_max = warm_seconds_max
        self._random_bytes = random_bytes
        self._digests: dict[str, bytes] = {}
        self._versions: dict[str, str] = {}
        self.cold: dict[str, str] = {}

    def prepare(self, files: dict[str, bytes]) -> None:
        """Write all files for an Envoy that is not running.

        Raises:
            OSError: the disk refused; files that were there stay.
        """
        for name, data in files.items():
            self._put(name, data)

    def fall_back(self) -> None:
        """Put back the files that were last good, without waiting.

        Raises:
            OSError: the disk refused.
        """
        for name in SUBSCRIPTIONS:
            good = self._paths.last_resources / name
            if good.exists():
                self._put(name, good.read_bytes())

    def keep(self) -> None:
        """Remember the present files as the last good ones: hard links, no byte is copied."""
        for name in SUBSCRIPTIONS:
            source = self._paths.resources / name
            if not source.exists() or is_same_file(source, self._paths.last_resources / name):
                continue  # a rename between two names of one file would do nothing
            temporary = self._paths.last_resources / f".{name}.tmp"
            temporary.unlink(missing_ok=True)
            os.link(source, temporary)
            temporary.replace(self._paths.last_resources / name)

    def forget(self) -> None:
        """Write every file at the next `replace`, whatever was written before."""
        self._digests.clear()

    async def replace(self, admin: EnvoyAdmin, files: dict[str, bytes]) -> None:
        """Bring `files` into service, in their order, as the module's docstring says.

        Raises:
            Refused: Envoy did not take one of them.
            EnvoySilent: Envoy does not answer or does not take notice.
            OSError: the disk refused.
        """
        for name, data in files.items():
            if self._digests.get(name) == digest(data):
                continue
            if name == CLUSTERS:
                union, new = await asyncio.to_thread(self._with_old_clusters, data)
                await self._put_and_wait(admin, name, union)
                await self._wait_until_warm(admin, new)
            elif name in CHOICES:
                union = await asyncio.to_thread(self._with_old_choices, name, data)
                await self._put_and_wait(admin, name, union)
            else:
                await self._put_and_wait(admin, name, data)
        for name in (*CHOICES, CLUSTERS):
            if name in files and self._digests.get(name) != digest(files[name]):
                await self._put_and_wait(admin, name, files[name])

    async def restore(self, admin: EnvoyAdmin) -> None:
        """Put the last good files back into service, routes before clusters.

        Raises:
            Refused, EnvoySilent, OSError: as `replace`.
        """
        for name in reversed(SUBSCRIPTIONS):
            good = self._paths.last_resources / name
            if not good.exists():
                continue
            data = await asyncio.to_thread(good.read_bytes)
            if self._digests.get(name) != digest(data):
                await self._put_and_wait(admin, name, data)

    async def confirm(self, admin: EnvoyAdmin) -> None:
        """Wait until an Envoy that has just started has taken every file.

        Raises:
            Refused, EnvoySilent: as `replace`.
        """
        for name in SUBSCRIPTIONS:
            if name in self._versions:
                await self._wait(admin, name, _Mark(0, 0))
        await self._wait_until_warm(admin, await asyncio.to_thread(self._present_clusters))

    async def look_at_cold(self, admin: EnvoyAdmin) -> None:
        """Leave those out of `cold` that have become warm, or are gone.

        Raises:
            EnvoySilent: Envoy does not answer.
        """
        warming = await admin.warming_clusters()
        self.cold = {name: address for name, address in self.cold.items() if name in warming}

    def _put(self, name: str, data: bytes) -> None:
        revision = split(data)[0].partition(".")[0]
        version = f"{revision}.{self._random_bytes(3).hex()}"
        write_file(self._paths.resources / name, with_version(data, version), is_synced=False)
        self._digests[name] = digest(data)
        self._versions[name] = version

    async def _put_and_wait(self, admin: EnvoyAdmin, name: str, data: bytes) -> None:
        mark = self._mark()
        rejected = await self._rejections(admin, name)
        await asyncio.to_thread(self._put, name, data)
        if name in SUBSCRIPTIONS:
            await self._wait(admin, name, mark, rejected)

    async def _wait(
        self, admin: EnvoyAdmin, name: str, mark: _Mark, rejected_before: int = 0
    ) -> None:
        """Return once Envoy has taken the file `name` in the version just written."""
        subscription, version = SUBSCRIPTIONS[name], self._versions[name]
        now = asyncio.get_running_loop().time
        deadline, look_at = now() + ACCEPT_SECONDS_MAX, now() + COUNTERS_POLL_SECONDS
        while (await admin.versions()).get(subscription) != version:
            words = self._refusal(mark)
            if now() >= look_at or words:
                look_at = now() + COUNTERS_POLL_SECONDS
                if await self._rejections(admin, name) > rejected_before:
                    raise Refused(words or await self._late_words(mark))
            if now() > deadline:
                raise EnvoySilent(
                    f"Envoy did not take notice of {name} within {ACCEPT_SECONDS_MAX:g} s"
                )
            await asyncio.sleep(POLL_SECONDS)

    async def _late_words(self, mark: _Mark) -> str:
        deadline = asyncio.get_running_loop().time() + WORDS_SECONDS_MAX
        while not (words := self._refusal(mark)):
            if asyncio.get_running_loop().time() > deadline:
                return "Envoy refused it without a reason in its log"
            await asyncio.sleep(POLL_SECONDS)
        return words

    async def _rejections(self, admin: EnvoyAdmin, name: str) -> int:
        if name not in SUBSCRIPTIONS:
            return 0
        prefix = SUBSCRIPTIONS[name].replace(".", r"\.")
        found = await admin.numbers(rf"^{prefix}\.update_(rejected|failure)$")
        return sum(found.values())

    async def _wait_until_warm(self, admin: EnvoyAdmin, new: dict[str, str]) -> None:
        """Give the `new` clusters a while; `cold` says which of them have needed longer."""
        now = asyncio.get_running_loop().time
        deadline = now() + self._warm_seconds_max
        while True:
            warming = await admin.warming_clusters() & new.keys()
            if not warming or now() >= deadline:
                break
            await asyncio.sleep(WARM_POLL_SECONDS)
        await self.look_at_cold(admin)
        self.cold |= {name: new[name] for name in sorted(warming)}

    def _with_old_clusters(self, data: bytes) -> tuple[bytes, dict[str, str]]:
        """The clusters of `data` and those of the present file that it does not name; and those
        that are new, with their addresses."""
        present = self._present_resources(CLUSTERS)
        wanted = orjson.loads(data)
        names = {cluster["name"] for cluster in wanted["resources"]}
        old = [cluster for cluster in present if cluster["name"] not in names]
        new = _addresses(wanted["resources"])
        for cluster in present:
            new.pop(cluster["name"], None)
        if not old:
            return data, new
        return orjson.dumps(wanted | {"resources": wanted["resources"] + old}), new

    def _present_clusters(self) -> dict[str, str]:
        return _addresses(self._present_resources(CLUSTERS))

    def _with_old_choices(self, name: str, data: bytes) -> bytes:
        """The filters of `data` and those of the present file that it does not name."""
        wanted = orjson.loads(data)
        held = wanted["resources"][0]["typed_config"]
        for present in self._present_resources(name):
            old = present["typed_config"][HELD]
            held[HELD] = dict(sorted((old | held[HELD]).items()))
        return orjson.dumps(wanted)

    def _present_resources(self, name: str) -> list[dict[str, Any]]:
        try:
            present = orjson.loads((self._paths.resources / name).read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            return []
        found: list[dict[str, Any]] = present["resources"]
        return found

    def _mark(self) -> _Mark:
        try:
            stat = self._paths.envoy_log.stat()
        except FileNotFoundError:
            return _Mark(0, 0)
        return _Mark(stat.st_ino, stat.st_size)

    def _refusal(self, mark: _Mark) -> str:
        """What Envoy has said about a refused file since `mark`, empty when nothing."""
        lines = _read_from(self._paths.envoy_log, mark).splitlines()
        for place, line in enumerate(lines):
            for phrase in _REFUSED:
                if phrase in line:
                    words = [line.partition(phrase)[2], *lines[place + 1 :]]
                    return " ".join(part.strip() for part in _until_next_entry(words))
        return ""


def _addresses(clusters: list[dict[str, Any]]) -> dict[str, str]:
    """The clusters' names, and where each leads to as people write it."""
    found = {}
    for cluster in clusters:
        groups = cluster.get("load_assignment", {}).get("endpoints", ())
        hosts = [host["endpoint"] for group in groups for host in group["lb_endpoints"]]
        found[cluster["name"]] = ", ".join(host.get("hostname", "") for host in hosts)
    return found


def _until_next_entry(lines: list[str]) -> list[str]:
    """The first line and those that continue it."""
    kept = lines[:1]
    for line in lines[1:]:
        if line.startswith("["):
            break
        kept.append(line)
    return kept


def _read_from(log: Path, mark: _Mark) -> str:
    try:
        with log.open("rb") as file:
            if os.fstat(file.fileno()).st_ino == mark.inode:
                file.seek(mark.offset)
            return file.read(1024 * 1024).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
