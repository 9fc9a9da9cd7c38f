"""Which slot does each limit of a plan have? A slot is where subscriptions count.

A limit is the same limit after an edit when it has the same kind and window (a month from another
day is another window): it keeps its slot, and its subscribers keep what they have used.
"""

from collections.abc import Sequence

from headgate.model.limits import LIMITS_PER_PLAN_MAX, Limit, LimitKind

Slots = tuple[Limit | None, ...]


def limits_error(limits: Sequence[Limit]) -> str | None:
    """Why `limits` cannot be a plan's; None when they can."""
    if len(limits) > LIMITS_PER_PLAN_MAX:
        return f"a plan has at most {LIMITS_PER_PLAN_MAX} limits, these are {len(limits)}"
    seen: set[tuple[str, str]] = set()
    for limit in limits:
        if (limit.kind, limit.window) in seen:
            window = f" per {limit.window}" if limit.kind is not LimitKind.CONCURRENT else ""
            return f"the plan has two {limit.kind} limits{window}; keep the smaller one"
        seen.add((limit.kind, limit.window))
    return None


def assign_slots(before: Slots, limits: Sequence[Limit]) -> Slots:
    """`limits` in slots: where they were, otherwise in a slot never used, otherwise in a free one.

    Raises:
        ValueError: `limits_error`.
    """
    error = limits_error(limits)
    if error is not None:
        raise ValueError(error)
    places = {_window(limit): n for n, limit in enumerate(before) if limit is not None}
    after: list[Limit | None] = [None] * LIMITS_PER_PLAN_MAX
    homeless = []
    for limit in limits:
        slot = places.get(_window(limit))
        if slot is None:
            homeless.append(limit)
        else:
            after[slot] = limit
    unused = [n for n in range(len(before), LIMITS_PER_PLAN_MAX) if after[n] is None]
    freed = [n for n in range(len(before)) if after[n] is None]
    for limit, slot in zip(homeless, [*unused, *freed], strict=False):
        after[slot] = limit
    used = max((n + 1 for n, limit in enumerate(after) if limit is not None), default=0)
    return tuple(after[: max(used, len(before))])


def _window(limit: Limit) -> tuple[str, str, int]:
    return limit.kind, limit.window, limit.anchor_day
