"""What must an agent remember from one start to the next?"""

import secrets
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from headgate.core.ids import RandomBytes, new_id
from headgate.core.problems import Problem
from headgate.model.codec import as_json, from_json
from headgate.node.durable import write_file

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class NodeState:
    """The node's name for good, and the generation of the access rows that it holds."""

    node: str
    generation: str = ""

    def with_generation(self, generation: str) -> "NodeState":
        """The same node with the rows of another store."""
        return replace(self, generation=generation)


def load_state(
    path: Path, *, name: str = "", random_bytes: RandomBytes = secrets.token_bytes
) -> NodeState:
    """The state of the last start, made when there is none. A damaged file is replaced.

    Raises:
        OSError: the new state cannot be written.
    """
    found: NodeState | None = None
    try:
        found = from_json(NodeState, path.read_bytes())
    except FileNotFoundError:
        pass
    except Problem as problem:
        _log.warning("the node's state is damaged and made anew", reason=problem.detail)
    if found is not None and name in {"", found.node}:
        return found
    state = NodeState(name or new_id("nod", random_bytes), found.generation if found else "")
    save_state(path, state)
    return state


def save_state(path: Path, state: NodeState) -> None:
    """Keep `state`.

    Raises:
        OSError: the disk refused; the old state stands.
    """
    write_file(path, as_json(state))
