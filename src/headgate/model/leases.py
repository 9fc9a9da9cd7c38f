"""How do nodes share a quota? What a node asks of the control plane, and what it is given.

Each node holds a part of every quota of a plan: without a lease the amount divided by `divisor`
(nothing in windows that had begun before it joined), in a window with a lease what that says.
Everything is absolute, so that a message that is lost, late or doubled never makes the parts add
up to more than the quota.
"""

from dataclasses import dataclass

DIVISOR_ALL = 0  # the whole amount: the gateway has one node
DIVISOR_NOTHING = 1  # nothing but leases: a node that the others have not made room for
LEASES_PER_CALL_MAX = 500


@dataclass(frozen=True, slots=True)
class Place:
    """One quota of one subscription (`row` and `slot` of the access table) in one window."""

    row: int
    slot: int
    index: int


@dataclass(frozen=True, slots=True)
class Want:
    """A part that runs low; `granted` is what the node knows that it holds."""

    place: Place
    granted: int


@dataclass(frozen=True, slots=True)
class Held:
    """A part that the node has made smaller, as `recalled`, or fixed (`version` 0).

    `is_spent`: nothing of it is left to be recalled.
    """

    place: Place
    granted: int
    is_spent: bool
    version: int = 0


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    """What a node holds and wants. `epoch` names its table: another table holds nothing yet.

    `divisor`: which the table has, None while `held` does not yet tell all that is fixed there.
    `rate_nodes`: among how many it divides shared rates.
    """

    epoch: str
    divisor: int | None
    rate_nodes: int = 0
    wants: tuple[Want, ...] = ()
    held: tuple[Held, ...] = ()


@dataclass(frozen=True, slots=True)
class Lease:
    """How much the node may let pass in this window, all in all. `is_final`: there is no more."""

    place: Place
    granted: int
    is_final: bool


@dataclass(frozen=True, slots=True)
class Recall:
    """Others want what is left of this part; the answer is a `Held` of the same version."""

    place: Place
    version: int


@dataclass(frozen=True, slots=True)
class LeaseAnswer:
    """`divisor`: which the node shall have. It never grows back, so a late answer harms nothing.

    `since_s` (since 1970): in windows that began earlier the node has nothing but leases.
    `rate_nodes`: among how many it shall divide shared rates.
    """

    divisor: int
    since_s: int = 0
    rate_nodes: int = 1
    leases: tuple[Lease, ...] = ()
    recalls: tuple[Recall, ...] = ()
