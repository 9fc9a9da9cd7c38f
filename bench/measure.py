"""What is one measured number, and does it keep its budget?"""

import json
import platform
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number. `budget` in the same unit, None where the design sets none.

    `is_upper` says that the budget is a maximum. `note` says why a budget is missed, or what
    exactly was measured.
    """

    suite: str
    what: str
    value: float
    unit: str
    budget: float | None = None
    is_upper: bool = True
    note: str = ""

    @property
    def is_kept(self) -> bool | None:
        """Whether the budget is kept; None without a budget."""
        if self.budget is None:
            return None
        return self.value <= self.budget if self.is_upper else self.value >= self.budget


def store(measurements: list[Measurement], *, suites: list[str], seconds: float) -> Path:
    """Write `bench/results/latest.json`: suites that ran replace their former numbers."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "latest.json"
    former = json.loads(path.read_text())["measurements"] if path.exists() else []
    kept = [m for m in former if m["suite"] not in suites]
    body = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(),
        "seconds": round(seconds),
        "measurements": kept + [asdict(m) for m in measurements],
    }
    path.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n")
    return path


def load() -> dict[str, object]:
    """What `store` wrote last."""
    found: dict[str, object] = json.loads((RESULTS / "latest.json").read_text())
    return found


def _machine() -> str:
    model = ""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    cores = subprocess.run(["nproc"], capture_output=True, text=True, check=True).stdout.strip()
    return f"{cores} cores, {model}, Python {platform.python_version()}"
