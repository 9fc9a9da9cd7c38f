"""How do limits and refusals read to people? In their language; limits also side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from headgate.catalog.changes import ChangeKind
from headgate.core.phrases import Phrase
from headgate.core.problems import Problem
from headgate.model.lifecycle import Lifecycle
from headgate.model.limits import Limit, LimitKind, Window
from headgate.store.models import Plan
from headgate.store.services.traffic.explain import Step

CALLS = {
    Window.SECOND: gettext_lazy("{amount} per second"),
    Window.MINUTE: gettext_lazy("{amount} per minute"),
    Window.HOUR: gettext_lazy("{amount} per hour"),
    Window.DAY: gettext_lazy("{amount} per day"),
    Window.MONTH: gettext_lazy("{amount} per month"),
}
CHANGE_KINDS = {
    ChangeKind.ADDED: (gettext_lazy("added"), "good"),
    ChangeKind.CHANGED: (gettext_lazy("changed"), "info"),
    ChangeKind.REMOVED: (gettext_lazy("removed"), "bad"),
}
LIFECYCLES = {
    Lifecycle.DRAFT: gettext_lazy("draft"),
    Lifecycle.PUBLISHED: gettext_lazy("published"),
    Lifecycle.DEPRECATED: gettext_lazy("deprecated"),
    Lifecycle.RETIRED: gettext_lazy("retired"),
}
STEPS = {
    "access": gettext_lazy("access to data"),
    "answer": gettext_lazy("answer"),
    "credential": gettext_lazy("credential"),
    "limits": gettext_lazy("limits"),
    "policies": gettext_lazy("policies"),
    "route": gettext_lazy("route"),
    "scopes": gettext_lazy("scopes"),
    "subscription": gettext_lazy("subscription"),
    "upstream": gettext_lazy("upstream"),
    "validation": gettext_lazy("validation"),
}
OUTCOMES = {
    "in order": (gettext_lazy("in order"), ""),
    "observed": (gettext_lazy("observed"), ""),
    "passed": (gettext_lazy("passed"), "good"),
    "refused": (gettext_lazy("refused"), "bad"),
    "skipped": (gettext_lazy("skipped"), ""),
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


def change_kind(kind: ChangeKind) -> tuple[str, str]:
    """What happened to an operation, in a word, and how that is shown."""
    name, shown = CHANGE_KINDS[kind]
    return str(name), shown


def lifecycle_name(state: str) -> str:
    """Where a version is between its import and its end."""
    return str(LIFECYCLES[Lifecycle(state)])


def step_name(step: Step) -> str:
    """What was looked at."""
    return str(STEPS[step.name])


def step_outcome(step: Step) -> tuple[str, str]:
    """How it came out, in a word, and how that is shown; a verdict is its own word."""
    word, shown = OUTCOMES.get(step.outcome, (step.outcome, ""))
    return str(word), shown


def said(text: str) -> str:
    """What a service says, in the reader's language: a phrase with its values, or a sentence."""
    if isinstance(text, Phrase):
        return text.said(_)
    return _(text) if text else ""


def refusal(problem: Problem) -> str:
    """What is wrong and what to do, in one line."""
    return f"{said(problem.detail)} {said(problem.next_step)}".strip()


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
