"""Admin interfaces that do what Envoy does with its log and its files, without an Envoy."""

from pathlib import Path

import orjson

from headgate.node.admin import EnvoySilent
from headgate.node.apply import CHOICES, SUBSCRIPTIONS
from headgate.node.paths import NodePaths


class LogReopener:
    """Opens the access log anew when asked; `is_silent` makes it answer nothing."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._file = log.open("ab", buffering=0)
        self.is_silent = False
        self.reopened = 0

    def write(self, line: bytes) -> None:
        """Append one line to whatever file is open."""
        self._file.write(line + b"\n")

    def close(self) -> None:
        """End the process."""
        self._file.close()

    async def reopen_logs(self) -> None:
        """As Envoy's `/reopen_logs`."""
        if self.is_silent:
            raise EnvoySilent("no answer")
        self._file.close()
        self._file = self._log.open("ab", buffering=0)
        self.reopened += 1


class FileReader:
    """Takes the resource files as Envoy does; refuses those that hold a resource named `bad`.

    `history` is what it took: (file, names of the resources, or of the filters that one holds). A
    cluster in `slow` is warming so many looks long before it is in use.
    """

    def __init__(self, paths: NodePaths) -> None:
        self._paths = paths
        self._taken: dict[str, str] = {}
        self._seen: dict[str, str] = {}
        self._rejected = dict.fromkeys(SUBSCRIPTIONS, 0)
        self.history: list[tuple[str, list[str]]] = []
        self.slow: dict[str, int] = {}

    async def warming_clusters(self) -> frozenset[str]:
        """As `EnvoyAdmin.warming_clusters`."""
        found = frozenset(name for name, looks in self.slow.items() if looks)
        self.slow = {name: max(looks - 1, 0) for name, looks in self.slow.items()}
        if found:
            self.history.append(("warming", sorted(found)))
        return found

    async def versions(self) -> dict[str, str]:
        """As `EnvoyAdmin.versions`, after a look at the files."""
        for name in SUBSCRIPTIONS:
            self._look_at(name)
        return {SUBSCRIPTIONS[name]: version for name, version in self._taken.items()}

    async def numbers(self, pattern: str) -> dict[str, int]:
        """As `EnvoyAdmin.numbers`: refusals of one file."""
        plain = pattern.replace("\\", "")
        return {
            name: count
            for name, count in self._rejected.items()
            if plain.startswith(f"^{SUBSCRIPTIONS[name]}.")
        }

    def _look_at(self, name: str) -> None:
        try:
            file = orjson.loads((self._paths.resources / name).read_bytes())
        except FileNotFoundError:
            return
        version = file["version_info"]
        if self._seen.get(name) == version:
            return
        self._seen[name] = version
        names = [resource["name"] for resource in file["resources"]]
        if "bad" in names:
            self._rejected[name] += 1
            with self._paths.envoy_log.open("a") as log:
                log.write("[1][warning] Filesystem config update rejected: no bad one\n  please\n")
                log.write("[1][warning] other\n")
            return
        self._taken[name] = version
        held = [
            one["typed_config"]["named_filter_chains"]
            for one in file["resources"]
            if name in CHOICES
        ]
        self.history.append((name, [key for keys in held for key in keys] if held else names))
