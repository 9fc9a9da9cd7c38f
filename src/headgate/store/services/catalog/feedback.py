"""What do readers say of pages, and what became of it? Taken from everybody, read by operators.

Of a stranger nothing is kept that leads back to them: a keyed digest of their address, for a day,
so that one reader counts once for a page and cannot fill the list.
"""

from datetime import datetime, timedelta

from django.db.models import F, QuerySet

from headgate.core.ids import new_id
from headgate.core.problems import Problem, ProblemType
from headgate.model.events import EventKind
from headgate.store.models import Feedback, User
from headgate.store.models.feedback import FEEDBACK_CHARACTERS_MAX
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.sealing import keyed_digest
from headgate.store.services import audit
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.alerts import event_log
from headgate.store.services.audit import Action
from headgate.store.services.transactions import change
from headgate.store.services.values import PAGE_ITEMS_DEFAULT, Page, check_text, page_of

FEEDBACK_MAX = 10_000  # beyond it the oldest go, those that are done first
OF_ONE_GIVER_MAX = 30  # pages in a day
GIVER_KEPT = timedelta(days=1)
DIGESTED_FOR = "feedback giver"


@change()
def give(
    actor: Actor, user: User | None, *, page: str, title: str, is_helpful: bool, text: str = ""
) -> Feedback:
    """Write down what a reader says of a page; a second answer takes the place of the first.

    Raises:
        Problem: INVALID_INPUT: the text; TOO_MANY: this reader has said a lot today.
    """
    check_text(text, FEEDBACK_CHARACTERS_MAX, "/text")
    giver = keyed_digest(DIGESTED_FOR, user.id if user else actor.address)
    lately = Feedback.objects.filter(giver=giver, at__gt=actor.at - GIVER_KEPT)
    row = lately.filter(page=page, done_at=None).first()
    is_new = row is None
    if row is None:
        if lately.count() >= OF_ONE_GIVER_MAX:
            raise Problem(
                ProblemType.TOO_MANY,
                "You have said a lot today: thank you.",
                "Come back tomorrow.",
            )
        row = Feedback(id=new_id("fdb"), page=page, giver=giver, user=user)
    row.at, row.title = actor.at, title[:TITLE_CHARACTERS_MAX]
    row.is_helpful, row.text = is_helpful, text.strip()
    row.save()
    if is_new:
        _make_room()
        event_log.publish(
            actor.at,
            EventKind.FEEDBACK_GIVEN,
            subject=row.id,
            data={"feedback": row.id, "page": page, "is_helpful": is_helpful},
        )
    return row


@change()
def settle(actor: Actor, feedback_id: str, *, is_done: bool = True) -> Feedback:
    """Mark an answer as done, or as open again.

    Raises:
        Problem: FORBIDDEN without the scope `write`; NOT_FOUND.
    """
    actor.require_operator(Scope.WRITE, "feedback")
    row = find(actor, feedback_id)
    if is_done == (row.done_at is not None):
        return row
    row.done_at, row.done_by = (actor.at, actor.name) if is_done else (None, "")
    row.save(update_fields=["done_at", "done_by"])
    audit.record(actor, Action.FEEDBACK_SETTLED, row.id, after={"is_done": is_done})
    return row


def page(
    actor: Actor,
    *,
    is_done: bool | None = None,
    is_helpful: bool | None = None,
    about: str | None = None,
    cursor: str | None = None,
    limit: int = PAGE_ITEMS_DEFAULT,
) -> Page[Feedback]:
    """Answers, newest first; `about`: those on the page of this address.

    Raises:
        Problem: FORBIDDEN without the scope `read`; NOT_FOUND for an organization.
    """
    rows = visible(actor)
    if is_done is not None:
        rows = rows.filter(done_at__isnull=not is_done)
    if is_helpful is not None:
        rows = rows.filter(is_helpful=is_helpful)
    if about is not None:
        rows = rows.filter(page=about)
    return page_of(rows, cursor, limit, newest_first=True)


def visible(actor: Actor) -> QuerySet[Feedback]:
    """All of it, for operators.

    Raises:
        Problem: FORBIDDEN without the scope `read`.
    """
    actor.require_operator(Scope.READ, "feedback")
    return Feedback.objects.select_related("user")


def find(actor: Actor, feedback_id: str) -> Feedback:
    """One answer.

    Raises:
        Problem: FORBIDDEN; NOT_FOUND.
    """
    row = visible(actor).filter(id=feedback_id).first()
    if row is None:
        raise not_found("feedback", feedback_id)
    return row


def forget_givers(now: datetime) -> int:
    """Forget who gave it, once that has served its purpose; of how many."""
    return Feedback.objects.filter(at__lt=now - GIVER_KEPT).exclude(giver="").update(giver="")


def _make_room() -> None:
    beyond = Feedback.objects.count() - FEEDBACK_MAX
    if beyond > 0:
        order = (F("done_at").asc(nulls_last=True), "pk")
        oldest = Feedback.objects.order_by(*order).values_list("pk", flat=True)[:beyond]
        Feedback.objects.filter(pk__in=list(oldest)).delete()
