"""What do readers say of the portal's pages? A list to work through."""

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from headgate.store.models import Feedback
from headgate.store.services.actor import Scope
from headgate.store.services.catalog import feedback
from headgate.web.console.pages import (
    Act,
    FormPage,
    Thing,
    allowed,
    carry_out,
    link,
    listed,
    show,
    text,
    when,
)
from headgate.web.site.forms import SiteForm, form_view
from headgate.web.site.listing import Column, Filter, Listing


def listing() -> Listing[Feedback]:
    """Every answer, the newest first."""
    return Listing(
        "feedback",
        (
            Column(
                "page",
                _("Page"),
                lambda row: (row.title or row.page, reverse("console_feedback_one", args=[row.id])),
                "link",
                "title",
            ),
            Column("helpful", _("Helpful"), _helpful, "badge", "is_helpful"),
            Column("text", _("What was said"), lambda row: row.text or None),
            Column("person", _("Person"), lambda row: row.user.email if row.user else None),
            Column("at", _("Said"), lambda row: row.at, "ago", "at"),
            Column("state", _("State"), _state, "badge", "done_at"),
            Column("address", _("Address"), lambda row: row.page, "mono", "page"),
        ),
        search=("title", "page", "text", "user__email"),
        filters=(
            Filter(
                "helpful",
                _("Helpful"),
                (("yes", _("yes")), ("no", _("no"))),
                lambda value: Q(is_helpful=value == "yes"),
            ),
            Filter(
                "state",
                _("State"),
                (("open", _("open")), ("done", _("done"))),
                lambda value: Q(done_at__isnull=value == "open"),
            ),
            Filter(
                "words",
                _("Words"),
                (("yes", _("with words")),),
                lambda _value: ~Q(text=""),
            ),
        ),
    )


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The list, also as CSV and JSON."""
    actor = allowed(request, Scope.READ)
    return listed(
        request,
        actor,
        listing(),
        feedback.visible(actor),
        title=_("Feedback"),
        lead=_("What readers answered to whether a page of the portal was helpful."),
        empty=_("Nobody has said anything yet."),
    )


@require_safe
def one(request: HttpRequest, feedback_id: str) -> HttpResponse:
    """One answer, whole."""
    actor = allowed(request, Scope.READ)
    row = feedback.find(actor, feedback_id)
    is_done = row.done_at is not None
    facts = [
        (_("Page"), link(row.page, row.page)),
        (_("What was said"), text(row.text)),
        (_("Person"), text(row.user.email if row.user else "")),
        (_("Said"), when(row.at)),
    ]
    if is_done:
        facts += [(_("Done"), when(row.done_at)), (_("By"), text(row.done_by))]
    thing = Thing(
        title=row.title or row.page,
        back=(_back(),),
        facts=facts,
        badges=(_helpful(row), _state(row)),
        acts=(
            Act(
                _("Open it again") if is_done else _("Mark as done"),
                reverse("console_feedback_settle", args=[row.id]),
                Scope.WRITE,
                "" if is_done else "main",
            ),
        ),
    )
    return show(request, actor, thing)


@form_view
def settle(request: HttpRequest, feedback_id: str) -> HttpResponse:
    """Mark it as done, or as open again."""
    actor = allowed(request, Scope.WRITE, "feedback")
    row = feedback.find(actor, feedback_id)
    is_done = row.done_at is None
    form_page = FormPage(
        row.title or row.page,
        _("Mark as done") if is_done else _("Open it again"),
        (_back(), (row.title or row.page, reverse("console_feedback_one", args=[row.id]))),
        lead=row.text,
    )
    return carry_out(
        request,
        form_page,
        SiteForm(request.POST or None),
        lambda _fields: feedback.settle(actor, row.id, is_done=is_done),
        lambda _done: (_("It is saved."), reverse("console_feedback")),
    )


def _back() -> tuple[str, str]:
    return _("Feedback"), reverse("console_feedback")


def _helpful(row: Feedback) -> tuple[str, str]:
    return (_("helpful"), "good") if row.is_helpful else (_("not helpful"), "bad")


def _state(row: Feedback) -> tuple[str, str]:
    return (_("done"), "") if row.done_at else (_("open"), "info")
