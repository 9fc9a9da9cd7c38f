"""Which applications call, and what can be done with one?"""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.store.models import Application, Credential, Subscription
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.consumers import applications, subscriptions
from headgate.store.services.oauth import clients
from headgate.store.services.values import count_of
from headgate.web.console import hits, keys, teams, trusted
from headgate.web.console.organizations import state, suspended_filter
from headgate.web.console.pages import (
    Act,
    FormPage,
    Part,
    Thing,
    allowed,
    badge,
    carry_out,
    code,
    confirmed,
    link,
    listed,
    show,
    text,
    when,
)
from headgate.web.site.forms import NameField, SiteForm, form_view
from headgate.web.site.listing import Column, Listing, counted
from headgate.web.site.teams import choice_field, offer

PART_ROWS_MAX = 50


class ApplicationForm(SiteForm):
    """A new application."""

    organization = forms.CharField(
        label=gettext_lazy("Organization"), help_text=gettext_lazy("Its name.")
    )
    name = NameField()
    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


class ChangeForm(SiteForm):
    """What it is for, and whose it is."""

    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    team = choice_field()


def back() -> tuple[str, str]:
    """The way to the list."""
    return _("Applications"), reverse("console_applications")


def address(application: Application, act: str = "") -> str:
    """The page of one, or of something to do with it."""
    name = f"console_application_{act}" if act else "console_application"
    return reverse(name, args=[application.organization.name, application.name])


def _is_off(row: Application) -> bool:
    return row.is_suspended or row.organization.is_suspended


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All applications."""
    actor = allowed(request, Scope.READ)
    rows = applications.visible(actor).annotate(
        keys_count=count_of(Credential.objects.filter(revoked_at=None), "application"),
        subscriptions_count=count_of(Subscription.objects.filter(removed_at=None), "application"),
    )
    listing: Listing[Application] = Listing(
        name="applications",
        columns=(
            Column("name", _("Name"), lambda row: (row.name, address(row)), "link", "name"),
            Column(
                "organization",
                _("Organization"),
                lambda row: (
                    row.organization.name,
                    reverse("console_organization", args=[row.organization.name]),
                ),
                "link",
                "organization__name",
            ),
            Column("description", _("Description"), lambda row: row.description[:80] or None),
            counted("keys", _("Credentials")),
            counted("subscriptions", _("Subscriptions")),
            Column("state", _("State"), lambda row: state(is_suspended=_is_off(row)), "badge"),
            Column("created", _("Made"), lambda row: row.created_at, "instant", "created_at"),
        ),
        search=("name", "organization__name", "description"),
        filters=(suspended_filter(),),
        order="name",
    )
    return listed(
        request,
        actor,
        listing,
        rows,
        title=_("Applications"),
        empty=_("No application yet. Make one for an organization, or let developers do it."),
        acts=(Act(_("New application"), reverse("console_application_new"), Scope.KEYS, "main"),),
    )


@require_safe
def one(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """One application: what it is subscribed to, and by what it is known."""
    actor = allowed(request, Scope.READ)
    found = applications.get(actor, f"{organization}/{name}")
    traffic = f"?application={found.path}"
    thing = Thing(
        title=found.path,
        back=(back(),),
        badges=(state(is_suspended=_is_off(found)),),
        lead=found.description,
        facts=(
            (
                _("Organization"),
                link(organization, reverse("console_organization", args=[organization])),
            ),
            (
                _("Team"),
                link(found.team.path, teams.address(found.team)) if found.team else text(""),
            ),
            (_("Id"), code(found.id)),
            (_("Made"), when(found.created_at)),
        ),
        acts=(
            Act(_("New key"), address(found, "key"), Scope.KEYS, "main"),
            Act(_("Subscribe"), address(found, "subscribe"), Scope.KEYS),
            Act(_("New OAuth client"), address(found, "client"), Scope.KEYS),
            Act(_("Live traffic"), reverse("console_traffic") + traffic, Scope.TRAFFIC),
            hits.events_of(found.path),
            Act(_("Change"), address(found, "edit"), Scope.KEYS),
            Act(
                _("Resume") if found.is_suspended else _("Suspend"),
                address(found, "suspend"),
                Scope.KEYS,
            ),
            Act(_("Delete"), address(found, "delete"), Scope.KEYS, "danger"),
        ),
        parts=(
            _subscriptions(actor, found),
            keys.part(actor, found),
            _clients(actor, found),
            *trusted.parts(actor, found),
        ),
    )
    return show(request, actor, thing)


def _subscriptions(actor: Actor, found: Application) -> Part:
    rows = subscriptions.visible(actor).filter(application=found).order_by("product__name")
    return Part(
        _("Subscriptions"),
        (_("Plan"), _("State"), _("Until"), _("Since")),
        [
            [
                link(row.plan.path, reverse("console_subscription", args=[row.id])),
                badge(*state(is_suspended=row.is_suspended)),
                when(row.expires_at),
                when(row.created_at),
            ]
            for row in rows[:PART_ROWS_MAX]
        ],
        _("It is subscribed to nothing: its keys open only what is open to all."),
    )


def _clients(actor: Actor, found: Application) -> Part:
    rows = clients.visible(actor).filter(credential__application=found)
    return Part(
        _("OAuth clients"),
        (_("Name"), _("Client id"), _("State"), _("Last used")),
        [
            [
                link(row.credential.name or row.id, reverse("console_client", args=[row.id])),
                code(row.id),
                badge(*keys.state(row.credential, actor.at)),
                when(row.credential.last_used_at),
            ]
            for row in rows.order_by("-credential__pk")[:PART_ROWS_MAX]
        ],
        _("None."),
    )


@form_view
def new(request: HttpRequest) -> HttpResponse:
    """Make one."""
    actor = allowed(request, Scope.KEYS, "application")
    initial = {"organization": request.GET.get("organization", "")[:63]}
    return carry_out(
        request,
        FormPage(_("New application"), _("Make it"), (back(),)),
        ApplicationForm(request.POST or None, initial=initial),
        lambda given: applications.create(actor, **given),
        lambda made: (
            _("The application was made. Subscribe it, and give it a key."),
            address(made),
        ),
    )


@form_view
def edit(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Say what it is for, and give it to a team or to none."""
    actor = allowed(request, Scope.KEYS, "application")
    found = applications.get(actor, f"{organization}/{name}")
    initial = {"description": found.description, "team": found.team.name if found.team else ""}
    form = ChangeForm(request.POST or None, initial=initial)
    offer(form, found.organization.teams.filter(removed_at=None))
    return carry_out(
        request,
        FormPage(_("Change the application"), _("Save"), (back(), (found.path, address(found)))),
        form,
        lambda given: applications.update(actor, found.path, **given),
        lambda row: (_("Saved."), address(row)),
    )


@form_view
def suspend(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Stop all of its keys, or let them work again."""
    actor = allowed(request, Scope.KEYS, "application")
    found = applications.get(actor, f"{organization}/{name}")
    is_on = not found.is_suspended
    title = _("Suspend %(name)s") if is_on else _("Resume %(name)s")
    form_page = FormPage(
        title % {"name": found.path},
        _("Suspend") if is_on else _("Resume"),
        (back(), (found.path, address(found))),
        lead=_("All of its keys stop working at once, until you resume it.")
        if is_on
        else _("Its keys work again at once."),
        is_danger=is_on,
        hits=(hits.callers(actor, application=found.path),) if is_on else (),
    )
    return carry_out(
        request,
        form_page,
        SiteForm(request.POST or None),
        lambda _given: applications.update(actor, found.path, is_suspended=is_on),
        lambda row: (_("It is suspended.") if is_on else _("It is active again."), address(row)),
    )


@form_view
def delete(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Delete it, with its keys and subscriptions."""
    actor = allowed(request, Scope.KEYS, "application")
    found = applications.get(actor, f"{organization}/{name}")
    form_page = FormPage(
        _("Delete %(name)s") % {"name": found.path},
        _("Delete the application"),
        (back(), (found.path, address(found))),
        lead=_("Its keys are revoked and its subscriptions cancelled. This cannot be undone."),
        hits=(
            hits.callers(actor, application=found.path),
            _subscriptions(actor, found),
            keys.part(actor, found),
        ),
    )
    return confirmed(
        request,
        form_page,
        found.path,
        lambda: applications.delete(actor, found.path),
        (_("The application was deleted."), back()[1]),
    )
