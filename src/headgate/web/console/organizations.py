"""Which organizations consume APIs, and what can be done with one?"""

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.store.models import Application, Membership, Organization
from headgate.store.services.actor import Scope
from headgate.store.services.consumers import organizations
from headgate.store.services.values import count_of
from headgate.web.console import hits, teams
from headgate.web.console.pages import (
    Act,
    FormPage,
    Part,
    Thing,
    allowed,
    carry_out,
    code,
    confirmed,
    link,
    listed,
    number,
    show,
    text,
    when,
)
from headgate.web.site.forms import NameField, SiteForm, form_view
from headgate.web.site.listing import Column, Filter, Listing, counted

PART_ROWS_MAX = 20
IS_SUSPENDED = {"active": False, "suspended": True}


class OrganizationForm(SiteForm):
    """A new organization."""

    name = NameField()
    title = forms.CharField(label=gettext_lazy("Title"), required=False)


class TitleForm(SiteForm):
    """What people read in the place of a name."""

    title = forms.CharField(label=gettext_lazy("Title"), required=False)


def back() -> tuple[str, str]:
    """The way to the list."""
    return _("Organizations"), reverse("console_organizations")


def address(organization: Organization) -> str:
    """The page of one."""
    return reverse("console_organization", args=[organization.name])


def state(*, is_suspended: bool) -> tuple[str, str]:
    """The badge of what can be suspended."""
    return (_("suspended"), "warn") if is_suspended else (_("active"), "good")


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All organizations."""
    actor = allowed(request, Scope.READ)
    applications = Application.objects.filter(removed_at=None)
    members = Membership.objects.filter(removed_at=None)
    rows = organizations.visible(actor).annotate(
        applications_count=count_of(applications, "organization"),
        members_count=count_of(members, "organization"),
    )
    listing: Listing[Organization] = Listing(
        name="organizations",
        columns=(
            Column("name", _("Name"), lambda row: (row.name, address(row)), "link", "name"),
            Column("title", _("Title"), lambda row: row.title or None, sort="title"),
            counted("applications", _("Applications")),
            counted("members", _("Members")),
            Column("state", _("State"), lambda row: state(is_suspended=row.is_suspended), "badge"),
            Column("created", _("Made"), lambda row: row.created_at, "instant", "created_at"),
        ),
        search=("name", "title"),
        filters=(suspended_filter(),),
        order="name",
    )
    return listed(
        request,
        actor,
        listing,
        rows,
        title=_("Organizations"),
        empty=_("No organization yet. Make one, or let developers sign up in the portal."),
        acts=(
            Act(_("New organization"), reverse("console_organization_new"), Scope.ADMIN, "main"),
        ),
    )


def suspended_filter() -> Filter:
    """Active or suspended."""
    return Filter(
        "state",
        _("State"),
        (("active", _("active")), ("suspended", _("suspended"))),
        lambda value: Q(is_suspended=IS_SUSPENDED[value]),
    )


@require_safe
def one(request: HttpRequest, name: str) -> HttpResponse:
    """One organization: its applications and people."""
    actor = allowed(request, Scope.READ)
    found = organizations.get(actor, name)
    applications = found.applications.filter(removed_at=None).order_by("name")
    members = found.memberships.filter(removed_at=None).select_related("user")
    query = f"?organization={found.name}"
    switch = _("Resume") if found.is_suspended else _("Suspend")
    thing = Thing(
        title=found.title or found.name,
        back=(back(),),
        badges=(state(is_suspended=found.is_suspended),),
        facts=(
            (_("Name"), code(found.name)),
            (_("Id"), code(found.id)),
            (_("Made"), when(found.created_at)),
            (_("Applications"), number(applications.count())),
            (_("Members"), number(members.count())),
        ),
        acts=(
            Act(
                _("New application"),
                reverse("console_application_new") + query,
                Scope.KEYS,
                "main",
            ),
            Act(_("Change title"), reverse("console_organization_edit", args=[name]), Scope.ADMIN),
            Act(switch, reverse("console_organization_suspend", args=[name]), Scope.ADMIN),
            Act(_("New webhook"), f"{reverse('console_webhook_new')}{query}", Scope.ADMIN),
            Act(
                _("Delete"),
                reverse("console_organization_delete", args=[name]),
                Scope.ADMIN,
                "danger",
            ),
        ),
        parts=(
            Part(
                _("Applications"),
                (_("Name"), _("Description"), _("State")),
                [
                    [
                        link(row.name, reverse("console_application", args=[name, row.name])),
                        text(row.description[:120]),
                        text(state(is_suspended=row.is_suspended)[0]),
                    ]
                    for row in applications[:PART_ROWS_MAX]
                ],
                _("None yet."),
                more=(
                    _("All of its applications"),
                    f"{reverse('console_applications')}?q={name}",
                ),
            ),
            _members(members),
            teams.part(actor, found),
        ),
    )
    return show(request, actor, thing)


def _members(members: QuerySet[Membership]) -> Part:
    return Part(
        _("Members"),
        (_("Person"), _("Role"), _("Since")),
        [
            [text(str(row.user)), text(row.role), when(row.created_at)]
            for row in members.order_by("user__email")[:PART_ROWS_MAX]
        ],
        _("Nobody yet: people join by invitation in the portal."),
    )


@form_view
def new(request: HttpRequest) -> HttpResponse:
    """Make one."""
    actor = allowed(request, Scope.ADMIN, "organization")
    form_page = FormPage(_("New organization"), _("Make it"), (back(),))
    return carry_out(
        request,
        form_page,
        OrganizationForm(request.POST or None),
        lambda given: organizations.create(actor, **given),
        lambda made: (_("The organization was made."), address(made)),
    )


@form_view
def edit(request: HttpRequest, name: str) -> HttpResponse:
    """Change its title."""
    actor = allowed(request, Scope.ADMIN, "organization")
    found = organizations.get(actor, name)
    return carry_out(
        request,
        FormPage(_("Change the title"), _("Save"), (back(), (name, address(found)))),
        TitleForm(request.POST or None, initial={"title": found.title}),
        lambda given: organizations.update(actor, name, **given),
        lambda row: (_("Saved."), address(row)),
    )


@form_view
def suspend(request: HttpRequest, name: str) -> HttpResponse:
    """Stop all of its keys, or let them work again."""
    actor = allowed(request, Scope.ADMIN, "organization")
    found = organizations.get(actor, name)
    is_on = not found.is_suspended
    form_page = FormPage(
        _("Suspend %(name)s") % {"name": name} if is_on else _("Resume %(name)s") % {"name": name},
        _("Suspend") if is_on else _("Resume"),
        (back(), (name, address(found))),
        lead=_("All keys of all of its applications stop working at once, until you resume it.")
        if is_on
        else _("All keys of its applications work again at once."),
        is_danger=is_on,
        hits=(hits.callers(actor, organization=name),) if is_on else (),
    )
    return carry_out(
        request,
        form_page,
        SiteForm(request.POST or None),
        lambda _given: organizations.update(actor, name, is_suspended=is_on),
        lambda row: (_("It is suspended.") if is_on else _("It is active again."), address(row)),
    )


@form_view
def delete(request: HttpRequest, name: str) -> HttpResponse:
    """Delete it, once it has no applications."""
    actor = allowed(request, Scope.ADMIN, "organization")
    found = organizations.get(actor, name)
    form_page = FormPage(
        _("Delete %(name)s") % {"name": name},
        _("Delete the organization"),
        (back(), (name, address(found))),
        lead=_("Its tokens end, its members lose their place. This cannot be undone."),
        hits=(hits.callers(actor, organization=name),),
    )
    return confirmed(
        request,
        form_page,
        name,
        lambda: organizations.delete(actor, name),
        (_("The organization was deleted."), back()[1]),
    )
