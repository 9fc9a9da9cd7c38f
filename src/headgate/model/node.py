"""How is a node? What it tells the control plane about itself."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from headgate.model.introspection import IntrospectionReading
from headgate.model.validation import ValidationReading

NODE_FIELD = "Headgate-Node"
"""The header field in which a node says its name with every call."""


class EnvoyState(StrEnum):
    """Envoy as the agent sees it."""

    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"
    DOWN = "down"


class CounterKind(StrEnum):
    """Whose counters a `CounterReading` holds."""

    APPLICATION = "application"
    OPERATION = "operation"


@dataclass(frozen=True, slots=True)
class CounterReading:
    """The filter's counters of one row since the access table was made; they only grow.

    `epoch` names the table file: a new file starts again at 0 under a new epoch.
    """

    kind: CounterKind
    row: int
    allowed: int
    rejected: int
    epoch: str


@dataclass(frozen=True, slots=True)
class QuotaReading:
    """What a subscription has used of a quota on this node, in the window of this index.

    `row` and `slot` as in `leases.Place`. `is_refused`: a call was refused there for want of what
    it costs, with nothing more to be had from other nodes.
    """

    row: int
    slot: int
    index: int
    used: int
    is_refused: bool
    epoch: str


@dataclass(frozen=True, slots=True)
class NodeReport:
    """One report of a node, sent every few seconds and at every change of revision.

    `problems` are sentences for people, each with its next step. `counters` and `quotas` hold
    what changed since the last report that was accepted. `unchecked` requests passed since the
    agent's start because no validator answered; `validations` is what they have counted,
    `introspections` what the introspector has. `certificates_refused` counts connections that Envoy
    ended, since the agent's start, because the caller's certificate is of no trusted authority or
    out of date: they leave no record.
    """

    node: str
    reported_at: datetime
    agent_version: str
    envoy_version: str
    envoy_state: EnvoyState
    envoy_restarts: int
    revision_seen: int
    revision_live: int
    revision_error: str
    access_generation: str
    access_sequence: int
    spool_segments: int
    spool_bytes: int
    spool_oldest_at: datetime | None
    log_write_failures: int
    table_dropped: int
    clock_steps: int
    problems: tuple[str, ...] = ()
    validator_restarts: int = 0
    unchecked: int = 0
    validations: tuple[ValidationReading, ...] = ()
    introspections: tuple[IntrospectionReading, ...] = ()
    certificates_refused: int = 0
    counters: tuple[CounterReading, ...] = field(default=())
    quotas: tuple[QuotaReading, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class SegmentName:
    """`<node>-<boot>-<seq>`: one sealed file of log lines. `boot` is 8 hex digits."""

    node: str
    boot: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.node}-{self.boot}-{self.sequence:08d}"


def parse_segment_name(text: str) -> SegmentName:
    """The reverse of `str(SegmentName)`.

    Raises:
        ValueError: not a segment's name.
    """
    rest, _, sequence = text.rpartition("-")
    node, _, boot = rest.rpartition("-")  # from the right: a node's name may hold hyphens
    is_hex = len(boot) == 8 and all(c in "0123456789abcdef" for c in boot)
    if not (node and is_hex and sequence.isdecimal()):
        raise ValueError(f"{text!r} is not the name of a segment")
    return SegmentName(node, boot, int(sequence))
