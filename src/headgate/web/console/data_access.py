"""Who asks for sensitive data, who has it, and what is decided? An inbox and its decisions."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import Case, IntegerField, Q, Value, When
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.access.data_access import AccessState
from headgate.store.models import AccessRequest
from headgate.store.models.approvals import REASON_CHARACTERS_MAX
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.consumers import data_access
from headgate.store.services.consumers import data_access_judges as judges
from headgate.web.console import hits
from headgate.web.console.pages import (
    Act,
    Cell,
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

STATES = {
    AccessState.ASKED: (gettext_lazy("waits"), "info"),
    AccessState.GRANTED: (gettext_lazy("granted"), "good"),
    AccessState.REFUSED: (gettext_lazy("refused"), "bad"),
    AccessState.WITHDRAWN: (gettext_lazy("withdrawn"), ""),
    AccessState.REVOKED: (gettext_lazy("revoked"), "bad"),
    AccessState.LAPSED: (gettext_lazy("lapsed"), ""),
    AccessState.ENDED: (gettext_lazy("ended"), ""),
}


def _word(*, is_required: bool = False) -> forms.CharField:
    return forms.CharField(
        max_length=REASON_CHARACTERS_MAX,
        required=is_required,
        label=gettext_lazy("Why?") if is_required else gettext_lazy("A word to them"),
        help_text=gettext_lazy("Goes into their mail, and is kept with the request."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class GrantForm(SiteForm):
    """For how long, and a word."""

    days = forms.IntegerField(label=gettext_lazy("For how many days?"), min_value=1)
    word = _word()
    names = {"until": "days"}  # noqa: RUF012  # a ClassVar of the base


class RefuseForm(SiteForm):
    """Why."""

    word = _word(is_required=True)


class RevokeForm(SiteForm):
    """Why, if there is something to say."""

    word = _word()


def waiting(actor: Actor) -> int:
    """How many requests wait."""
    return data_access.visible(actor).filter(state=AccessState.ASKED).count()


def state_of(row: AccessRequest) -> tuple[str, str]:
    """Where a request stands."""
    name, kind = STATES[AccessState(row.state)]
    return str(name), kind


def address(row: AccessRequest, page: str = "access_request") -> str:
    """A page of a request."""
    return reverse(f"console_{page}", args=[row.id])


def listing(actor: Actor) -> Listing[AccessRequest]:
    """Requests and grants, those that wait first."""
    states = tuple((state.value, str(name)) for state, (name, _kind) in STATES.items())
    return Listing(
        "access",
        (
            Column(
                "application",
                _("Application"),
                lambda row: (row.application.path, address(row)),
                "link",
                "application__organization__name",
            ),
            Column("api", _("API"), lambda row: row.mark.api.name, "text", "mark__api__name"),
            Column(
                "operation",
                _("Operation"),
                lambda row: row.mark.operation or None,
                "mono",
                "mark__operation",
            ),
            Column("state", _("State"), state_of, "badge", "state"),
            Column("until", _("Until"), lambda row: row.until, "instant", "until"),
            Column("asked_by", _("Asked by"), lambda row: row.asked_by, "text", "asked_by"),
            Column("asked", _("Asked"), lambda row: row.created_at, "ago", "created_at"),
            Column("decided_by", _("Decided by"), lambda row: row.decided_by or None),
        ),
        search=(
            "application__name",
            "application__organization__name",
            "mark__api__name",
            "mark__operation",
            "asked_by",
            "reason",
        ),
        filters=(
            Filter("state", _("State"), states, lambda value: Q(state=value)),
            Filter(
                "owner",
                _("Owner"),
                (("mine", _("mine to decide")),),
                lambda _value: Q(mark__owner=actor.name),
            ),
        ),
        order="place",
    )


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All requests and grants."""
    actor = allowed(request, Scope.READ)
    place = Case(
        When(state=AccessState.ASKED, then=Value(0)),
        When(state=AccessState.GRANTED, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return listed(
        request,
        actor,
        listing(actor),
        data_access.visible(actor).annotate(place=place),
        title=_("Access to sensitive data"),
        lead=_("Who asks, who has it and until when. Those that wait come first."),
        empty=_("Nobody has asked yet."),
        acts=(Act(_("What is sensitive"), reverse("console_sensitive")),),
    )


@require_safe
def one(request: HttpRequest, wanted: str) -> HttpResponse:
    """One request: who asks, for what, why; and the ways to decide."""
    actor = allowed(request, Scope.READ)
    row = data_access.find(actor, wanted)
    thing = Thing(
        title=_("%(application)s: access to %(place)s")
        % {"application": row.application.path, "place": row.mark.place},
        back=(back(),),
        badges=(state_of(row),),
        lead=row.reason,
        facts=_facts(actor, row),
        acts=_acts(actor, row),
        parts=(hits.callers(actor, api=row.mark.api.name),),
    )
    return show(request, actor, thing)


def back() -> tuple[str, str]:
    """The list."""
    return _("Access to sensitive data"), reverse("console_access")


def _facts(actor: Actor, row: AccessRequest) -> list[tuple[str, Cell]]:
    owner = row.application.organization.name
    told = [
        (
            _("Application"),
            link(
                row.application.path,
                reverse("console_application", args=[owner, row.application.name]),
            ),
        ),
        (_("Data"), link(row.mark.place, reverse("console_mark", args=[row.mark.id])))
        if row.mark.removed_at is None
        else (_("Data"), text(row.mark.place)),
        (_("Why it is sensitive"), text(row.mark.why)),
        (_("Owner"), text(row.mark.owner)),
        (_("Asked by"), text(row.asked_by)),
        (_("Asked"), when(row.created_at)),
        (_("For how many days?"), text(row.days)),
    ]
    if row.state == AccessState.ASKED and judges.is_own(actor, row):
        able = ", ".join(user.email for user in judges.others(row))
        alone = _("You, for nobody else has the right.")
        told.append((_("Can be granted by"), text(able or alone)))
    if row.decided_at is not None:
        is_own = row.until is not None and row.decided_by == row.asked_by
        by = _("%(person)s, who asked for it as well") % {"person": row.decided_by}
        told += [
            (_("Decided"), when(row.decided_at)),
            (_("Decided by"), text(by if is_own else row.decided_by)),
            (_("Word"), text(row.word)),
        ]
    if row.until is not None:
        told.append((_("Until"), when(row.until)))
    if row.ended_at is not None:
        told += [
            (_("Ended"), when(row.ended_at)),
            (_("Ended by"), text(row.ended_by)),
            (_("Word"), text(row.end_word)),
        ]
    return told


def _acts(actor: Actor, row: AccessRequest) -> list[Act]:
    """What may be decided now, by this person: the owner needs no scope for it."""
    if not judges.may_decide(actor, row):
        return []
    if row.state == AccessState.ASKED:
        refusal = Act(_("Refuse"), address(row, "access_refuse"), kind="danger")
        if not judges.may_grant(actor, row):
            return [refusal]
        return [Act(_("Grant"), address(row, "access_grant"), kind="main"), refusal]
    if row.state == AccessState.GRANTED:
        return [Act(_("Revoke"), address(row, "access_revoke"), kind="danger")]
    return []


@form_view
def grant(request: HttpRequest, wanted: str) -> HttpResponse:
    """Let the application have it, for a time."""

    def act(actor: Actor, row: AccessRequest, given: dict[str, Any]) -> AccessRequest:
        until = actor.at + timedelta(days=given["days"])
        return data_access.grant(actor, row.id, until=until, word=given["word"])

    return _decision(request, wanted, GrantForm, _("Grant"), act, _("It is granted, at once."))


@form_view
def refuse(request: HttpRequest, wanted: str) -> HttpResponse:
    """Say no."""

    def act(actor: Actor, row: AccessRequest, given: dict[str, Any]) -> AccessRequest:
        return data_access.refuse(actor, row.id, word=given["word"])

    return _decision(request, wanted, RefuseForm, _("Refuse"), act, _("It is refused."))


@form_view
def revoke(request: HttpRequest, wanted: str) -> HttpResponse:
    """Take a grant away."""

    def act(actor: Actor, row: AccessRequest, given: dict[str, Any]) -> AccessRequest:
        return data_access.revoke(actor, row.id, word=given["word"])

    told = _("It is revoked: calls are refused from now on.")
    return _decision(request, wanted, RevokeForm, _("Revoke"), act, told)


def _decision(
    request: HttpRequest,
    wanted: str,
    form: type[SiteForm],
    title: str,
    act: Callable[[Actor, AccessRequest, dict[str, Any]], AccessRequest],
    told: str,
) -> HttpResponse:
    actor = allowed(request, Scope.READ)
    row = data_access.find(actor, wanted)
    judges.check_decides(actor, row)
    form_page = FormPage(
        f"{title}: {row.application.path}, {row.mark.place}",
        title,
        (back(), (row.application.path, address(row))),
        lead=row.reason,
        is_danger=form is not GrantForm,
    )
    return carry_out(
        request,
        form_page,
        form(request.POST or None, initial={"days": row.days}),
        lambda given: act(actor, row, given),
        lambda done: (told, address(done)),
    )
