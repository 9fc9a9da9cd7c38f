"""How does a test put calls into the traffic store? As log lines, through the real ingest."""

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from headgate.core.clock import FixedClock
from headgate.store.services.traffic.ingest import Ingest
from headgate.store.services.traffic.reading import reader
from headgate.traffic.io.engine import Engine
from headgate.traffic.io.folders import TrafficFolders
from tests.support.lines import line
from tests.support.older_files import make_older

NOBODY = "-" * 16


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operation; ids are 16 characters, empty where nobody is known."""

    at: datetime
    api: str = "pets"
    version: str = "v1"
    operation: str = "listPets"
    organization: str = ""
    application: str = ""
    verdict: str = "allowed"

    def line(self, number: int) -> bytes:
        """As Envoy writes it."""
        ids = (NOBODY, self.application or NOBODY, self.organization or NOBODY, NOBODY, NOBODY)
        caller = "".join(ids) if self.application else "-"
        found = line(
            started_us=str(round(self.at.timestamp() * 1_000_000)),
            request_id=f"req-{number}",
            route=f"1 {self.api} {self.version} {self.operation}",
            access=f"{self.verdict} {caller} /",
        )
        return json.dumps(found).encode() + b"\n"


@dataclass
class Recorded:
    """The traffic store of a data folder."""

    data: Path
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def add(self, calls: Iterable[Call], now: datetime) -> None:
        """Store these calls, as one segment."""
        folders = TrafficFolders(self.data)
        folders.make()
        number = next(self._numbers)
        text = b"".join(call.line(number * 1_000_000 + place) for place, call in enumerate(calls))
        (folders.inbox / f"nod_a-00000001-{number:08d}.jsonl").write_bytes(text)
        engine = Engine(folders.scratch / "ingest")
        try:
            result = Ingest(folders, engine, clock=FixedClock(now), holder="test").tick()
        finally:
            engine.close()
        assert result is not None
        assert result.rejected == result.aside == 0

    def make_older(self) -> None:
        """Make files of the first release's schema of those that are there."""
        for path in TrafficFolders(self.data).files.rglob("*.parquet"):
            make_older(path)

    def damage(self) -> dict[Path, bytes]:
        """Make every file unreadable; what was in them."""
        kept = {
            path: path.read_bytes() for path in TrafficFolders(self.data).files.rglob("*.parquet")
        }
        for path in kept:
            path.write_bytes(b"this is no Parquet")
        return kept

    def mend(self, kept: dict[Path, bytes]) -> None:
        """Undo it."""
        for path, content in kept.items():
            path.write_bytes(content)

    def close(self) -> None:
        """End this process's reader."""
        reader().engine.close()
