"""The real introspector's process, without an agent."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from headgate.gateway.introspection import servers
from headgate.model.snapshot import Snapshot, SnapshotAPI
from tests.support.companion import CompanionProcess


@dataclass
class Introspector(CompanionProcess):
    """An introspector on `socket`."""

    settings: Path
    module = "headgate.node.introspector"

    @property
    def arguments(self) -> list[str]:
        return ["--settings", str(self.settings)]

    def know(self, *apis: SnapshotAPI) -> None:
        """Ask the servers that these APIs name."""
        told = servers(Snapshot(1, "default", apis))
        self.settings.write_bytes(orjson.dumps(told))
        assert self.ask("PUT", "/settings") == ""

    def reading(self) -> dict[str, Any]:
        """What it has done for its only server."""
        found: list[dict[str, Any]] = json.loads(self.ask("GET", "/readings"))
        assert len(found) == 1
        return found[0]


@contextmanager
def introspector(folder: Path) -> Iterator[Introspector]:
    """A running introspector in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Introspector(folder / "i.sock", folder / "introspection.json")
    made.start()
    try:
        yield made
    finally:
        made.kill()
