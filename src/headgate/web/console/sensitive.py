"""What gives sensitive data, who decides on access to it, and who has it now?"""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.access.data_access import DAYS_DEFAULT, DAYS_MAX, OPEN, AccessState
from headgate.store.models import API, AccessRequest, SensitiveMark
from headgate.store.models.approvals import REASON_CHARACTERS_MAX
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.consumers import data_access, sensitive, sensitive_marks
from headgate.store.services.values import count_of
from headgate.web.console import hits
from headgate.web.console.data_access import state_of
from headgate.web.console.pages import (
    Act,
    Cell,
    FormPage,
    Part,
    Thing,
    allowed,
    badge,
    carry_out,
    code,
    link,
    listed,
    show,
    text,
    when,
)
from headgate.web.site.forms import ConfirmForm, SiteForm, form_view
from headgate.web.site.listing import Column, Listing

GRANTS_SHOWN_MAX = 50


class MarkForm(SiteForm):
    """Who decides, why, and how long a grant may last."""

    owner = forms.EmailField(
        label=gettext_lazy("Owner"),
        help_text=gettext_lazy("The address of the person who decides on access."),
    )
    why = forms.CharField(
        max_length=REASON_CHARACTERS_MAX,
        label=gettext_lazy("Why is it sensitive?"),
        help_text=gettext_lazy("Read by those who ask."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    days_max = forms.IntegerField(
        label=gettext_lazy("Longest grant, in days"), min_value=1, max_value=DAYS_MAX
    )


class NewMarkForm(MarkForm):
    """And what it stands at."""

    api = forms.CharField(label=gettext_lazy("API"), max_length=127)
    operation = forms.CharField(
        label=gettext_lazy("Operation"),
        required=False,
        max_length=255,
        help_text=gettext_lazy("Its id, such as GET /pets/{id}; empty for the whole API."),
    )
    field_order = ("api", "operation", "owner", "why", "days_max")


def back() -> tuple[str, str]:
    """The list."""
    return _("Sensitive data"), reverse("console_sensitive")


def address(row: SensitiveMark, page: str = "mark") -> str:
    """A page of a mark."""
    return reverse(f"console_{page}", args=[row.id])


def mark_fact(api: API, operation: str = "") -> tuple[tuple[str, Cell], ...]:
    """What a page of an API or operation says of the mark at exactly this place."""
    row = sensitive_marks.at(api, operation)
    return () if row is None else ((_("Sensitive"), link(row.owner, address(row))),)


def mark_acts(api: API, operation: str = "") -> tuple[Act, ...]:
    """The way to mark what is not marked yet."""
    if sensitive_marks.at(api, operation) is not None:
        return ()
    query = _query(api=api.name, operation=operation)
    return (Act(_("Mark as sensitive"), f"{reverse('console_mark_new')}?{query}", Scope.WRITE),)


def listing() -> Listing[SensitiveMark]:
    """The marks; rows are annotated with `held` and `waiting`."""
    return Listing(
        "sensitive",
        (
            Column("api", _("API"), lambda row: (row.api.name, address(row)), "link", "api__name"),
            Column(
                "operation",
                _("Operation"),
                lambda row: row.operation or _("all of it"),
                "mono",
                "operation",
            ),
            Column("owner", _("Owner"), lambda row: row.owner, "text", "owner"),
            Column(
                "grants",
                _("Grants"),
                lambda row: row.held,  # type: ignore[attr-defined]  # annotated
                "number",
                "held",
            ),
            Column(
                "waiting",
                _("Waiting"),
                lambda row: row.waiting,  # type: ignore[attr-defined]  # annotated
                "number",
                "waiting",
            ),
            Column("days", _("At most, days"), lambda row: row.days_max, "number", "days_max"),
            Column("why", _("Why"), lambda row: row.why[:120]),
            Column("since", _("Since"), lambda row: row.created_at, "instant", "created_at"),
        ),
        search=("api__name", "operation", "owner", "why"),
        order="api__name",
    )


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Everything that is marked."""
    actor = allowed(request, Scope.READ)
    granted = AccessRequest.objects.filter(state=AccessState.GRANTED, until__gt=actor.at)
    asked = AccessRequest.objects.filter(state=AccessState.ASKED)
    rows = sensitive.visible(actor).annotate(
        held=count_of(granted, "mark"), waiting=count_of(asked, "mark")
    )
    return listed(
        request,
        actor,
        listing(),
        rows,
        title=_("Sensitive data"),
        lead=_("Callers need a grant for it beside their subscription."),
        empty=_("Nothing is marked as sensitive."),
        acts=(
            Act(_("Mark an API or operation"), reverse("console_mark_new"), Scope.WRITE, "main"),
            Act(_("Requests and grants"), reverse("console_access")),
        ),
    )


@require_safe
def one(request: HttpRequest, mark: str) -> HttpResponse:
    """One mark, and who has or wants access."""
    actor = allowed(request, Scope.READ)
    row = sensitive.find(actor, mark)
    return show(
        request,
        actor,
        Thing(
            title=row.place,
            back=(back(),),
            badges=((_("sensitive"), "warn"),),
            lead=row.why,
            facts=(
                (_("API"), link(row.api.name, reverse("console_api", args=[row.api.name]))),
                (_("Operation"), code(row.operation or _("all of it"))),
                (_("Owner"), text(row.owner)),
                (_("Longest grant, in days"), text(row.days_max)),
                (_("Since"), when(row.created_at)),
            ),
            acts=(
                Act(_("Change"), address(row, "mark_edit"), Scope.WRITE),
                Act(
                    _("Open it to all subscribers"),
                    address(row, "mark_remove"),
                    Scope.WRITE,
                    "danger",
                ),
            ),
            parts=(_open(actor, row),),
        ),
    )


def _open(actor: Actor, row: SensitiveMark) -> Part:
    rows = data_access.visible(actor).filter(mark=row, state__in=OPEN).order_by("-pk")
    return Part(
        _("Who has access, or asks for it"),
        (_("Application"), _("State"), _("Until"), _("Reason")),
        [
            [
                link(one.application.path, reverse("console_access_request", args=[one.id])),
                badge(*state_of(one)),
                when(one.until),
                text(one.reason[:120]),
            ]
            for one in rows[:GRANTS_SHOWN_MAX]
        ],
        _("Nobody."),
        more=(
            _("All requests and grants"),
            f"{reverse('console_access')}?{_query(q=row.api.name)}",
        ),
    )


@form_view
def new(request: HttpRequest) -> HttpResponse:
    """Mark an API or operation."""
    actor = allowed(request, Scope.WRITE, "API")
    api = request.GET.get("api", "")
    initial = {
        "api": api,
        "operation": request.GET.get("operation", ""),
        "owner": actor.name if actor.user else "",
        "days_max": DAYS_DEFAULT,
    }
    form_page = FormPage(
        _("Mark as sensitive"),
        _("Mark it"),
        (back(),),
        lead=_("In force at once, in all versions: calls without a grant are refused."),
        hits=(hits.callers(actor, api=api),) if api else (),
    )
    return carry_out(
        request,
        form_page,
        NewMarkForm(request.POST or None, initial=initial),
        lambda given: sensitive.mark(actor, **given),
        lambda row: (_("It is marked. Callers need a grant from now on."), address(row)),
    )


@form_view
def edit(request: HttpRequest, mark: str) -> HttpResponse:
    """Another owner, reason or longest grant."""
    actor = allowed(request, Scope.WRITE, "mark")
    row = sensitive.find(actor, mark)
    initial = {"owner": row.owner, "why": row.why, "days_max": row.days_max}
    form_page = FormPage(
        _("Change %(name)s") % {"name": row.place},
        _("Save"),
        (back(), (row.place, address(row))),
        lead=_("Grants that were given stay as they are."),
    )

    def act(given: dict[str, Any]) -> SensitiveMark:
        return sensitive.update(actor, row.id, **given)

    return carry_out(
        request,
        form_page,
        MarkForm(request.POST or None, initial=initial),
        act,
        lambda changed: (_("It is saved."), address(changed)),
    )


@form_view
def remove(request: HttpRequest, mark: str) -> HttpResponse:
    """Open it to every subscriber again."""
    actor = allowed(request, Scope.WRITE, "mark")
    row = sensitive.find(actor, mark)
    form_page = FormPage(
        _("Open %(name)s to all subscribers") % {"name": row.place},
        _("Open it"),
        (back(), (row.place, address(row))),
        lead=_("Nobody needs a grant any more. Requests and grants end; a new mark has none."),
        is_danger=True,
        hits=(_open(actor, row),),
    )
    return carry_out(
        request,
        form_page,
        ConfirmForm(row.place, request.POST or None),
        lambda _given: sensitive.unmark(actor, row.id),
        lambda _done: (_("It is open to all subscribers."), reverse("console_sensitive")),
    )


def _query(**given: str) -> str:
    """What stands behind the question mark."""
    return urlencode({name: value for name, value in given.items() if value})
