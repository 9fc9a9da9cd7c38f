"""How do limits read to people? As sentences, and side by side in a table of plans."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from headgate.model.limits import Limit, LimitKind, Window
from headgate.store.models import Plan

CALLS = {
    Window.SECOND: gettext_lazy("{amount} per second"),
    Window.MINUTE: gettext_lazy("{amount} per minute"),
    Window.HOUR: gettext_lazy("{amount} per hour"),
    Window.DAY: gettext_lazy("{amount} per day"),
    Window.MONTH: gettext_lazy("{amount} per month"),
}
AT_ONE_TIME = gettext_lazy("{amount} at one time")
HEADS = {
    (LimitKind.RATE, Window.SECOND): gettext_lazy("Calls per second"),
    (LimitKind.RATE, Window.MINUTE): gettext_lazy("Calls per minute"),
    (LimitKind.RATE, Window.HOUR): gettext_lazy("Calls per hour"),
    (LimitKind.RATE, Window.DAY): gettext_lazy("Calls per day"),
    (LimitKind.CONCURRENT, Window.SECOND): gettext_lazy("Calls at one time"),
    (LimitKind.QUOTA, Window.MINUTE): gettext_lazy("In each minute"),
    (LimitKind.QUOTA, Window.HOUR): gettext_lazy("In each hour"),
    (LimitKind.QUOTA, Window.DAY): gettext_lazy("In each day (UTC)"),
    (LimitKind.QUOTA, Window.MONTH): gettext_lazy("In each month (UTC)"),
}


@dataclass(frozen=True, slots=True)
class Compared:
    """One row of a table of plans: what is limited, and what each plan says to it."""

    title: str
    cells: tuple[str, ...]


def limit_words(limit: Limit) -> str:
    """`10 per second, up to 50 at once`: calls, or what they cost."""
    words = AT_ONE_TIME if limit.kind is LimitKind.CONCURRENT else CALLS[limit.window]
    text = words.format(amount=f"{limit.amount:,}")
    more = _further(limit)
    return f"{text}, {more}" if more else text


def plan_words(plan: Plan) -> list[str]:
    """The limits of a plan that refuse calls; empty where its use is not limited."""
    return [limit_words(limit) for limit in _enforced(plan)]


def compared(plans: Sequence[Plan]) -> list[Compared]:
    """The limits of several plans, those of a kind in a row."""
    rows = []
    for kind, title in HEADS.items():
        cells = [
            _cell([x for x in _enforced(plan) if (x.kind, x.window) == kind]) for plan in plans
        ]
        if any(cells):
            shown = tuple(cell or _("not limited") for cell in cells)
            rows.append(Compared(str(title), shown))
    return rows


def _enforced(plan: Plan) -> list[Limit]:
    order = list(HEADS)
    found = [limit for limit in plan.limits if limit is not None and not limit.is_shadow]
    return sorted(found, key=lambda limit: order.index((limit.kind, limit.window)))


def _cell(limits: Sequence[Limit]) -> str:
    texts = []
    for limit in limits:
        more = _further(limit)
        texts.append(f"{limit.amount:,} ({more})" if more else f"{limit.amount:,}")
    return "; ".join(texts)


def _further(limit: Limit) -> str:
    if limit.kind is LimitKind.RATE and limit.burst != limit.amount:
        return _("up to {number} at once").format(number=f"{limit.burst:,}")
    if limit.anchor_day != 1:
        return _("from day {day} on").format(day=limit.anchor_day)
    return ""
