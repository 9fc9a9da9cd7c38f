"""What does the demonstration remember? Its key, shown once by the product, and its port.

They stand in `DATA/demo.json`, readable by the owner alone, so that a second start changes
nothing and can still say the key. No other key is ever kept.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from headgate.cli.up.answering import bind_error

FILE_NAME = "demo.json"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Memory:
    """`upstream` is where httpbin answered; `is_complete` once the whole demonstration ran."""

    upstream: str = ""
    key: str = ""
    key_id: str = ""
    is_complete: bool = False


def recall(data: Path) -> Memory:
    """What an earlier demonstration left; empty when there was none."""
    try:
        return Memory(**json.loads((data / FILE_NAME).read_text()))
    except (OSError, ValueError, TypeError):
        return Memory()


def remember(data: Path, memory: Memory) -> None:
    """Write the file, whole or not at all, mode 0600."""
    draft = data / f"{FILE_NAME}.new"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(memory), file)
    draft.replace(data / FILE_NAME)


def kept_port(data: Path) -> int | None:
    """The port of the earlier demonstration's service, if it is free now."""
    port = recall(data).upstream.rpartition(":")[2]
    if not port.isdecimal() or bind_error(LOOPBACK, int(port)) is not None:
        return None
    return int(port)
