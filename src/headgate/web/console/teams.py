"""Which teams do organizations have, who is in one, and what can be done with it?"""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.store.models import Application, Organization, Team, TeamPlace
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.consumers import teams
from headgate.store.services.consumers.roles import TeamRole
from headgate.store.services.values import count_of
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
from headgate.web.site.choosing import offer_rows
from headgate.web.site.forms import SiteForm, form_view
from headgate.web.site.listing import Column, Filter, Listing, counted
from headgate.web.site.teams import (
    ROLE_NAMES,
    AddForm,
    PlaceForm,
    TeamForm,
    TitleForm,
    called,
    members_to_add,
)

PART_ROWS_MAX = 20


class NewTeamForm(TeamForm):
    """Also whose."""

    organization = forms.CharField(
        label=gettext_lazy("Organization"), help_text=gettext_lazy("Its name.")
    )
    field_order = ("organization", "title", "name")


def back() -> tuple[str, str]:
    """The way to the list."""
    return _("Teams"), reverse("console_teams")


def address(team: Team, act: str = "", *more: str) -> str:
    """The page of one, or of something to do with it."""
    name = f"console_team_{act}" if act else "console_team"
    return reverse(name, args=[team.organization.name, team.name, *more])


def crumbs(team: Team) -> tuple[tuple[str, str], ...]:
    """The way to a page below one's own."""
    return back(), (team.path, address(team))


def part(actor: Actor, organization: Organization) -> Part:
    """The teams of one organization, with the way to make one."""
    name = organization.name
    return Part(
        _("Teams"),
        (_("Name"), _("Title"), _("Members"), _("Applications")),
        [
            [
                link(row.name, address(row)),
                text(row.title),
                number(row.people),  # type: ignore[attr-defined]  # annotated
                number(row.held),  # type: ignore[attr-defined]  # likewise
            ]
            for row in teams.counted(actor, organization)[:PART_ROWS_MAX]
        ],
        _("None: all members see all applications."),
        acts=(
            Act(_("New team"), f"{reverse('console_team_new')}?organization={name}", Scope.MEMBERS),
        ),
        more=(_("All of its teams"), f"{reverse('console_teams')}?q={name}"),
    )


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All teams."""
    actor = allowed(request, Scope.READ)
    places = TeamPlace.objects.filter(removed_at=None, membership__removed_at=None)
    applications = Application.objects.filter(removed_at=None)
    listing: Listing[Team] = Listing(
        name="teams",
        columns=(
            Column("name", _("Name"), lambda row: (row.name, address(row)), "link", "name"),
            Column("title", _("Title"), lambda row: row.title or None, sort="title"),
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
            counted("members", _("Members")),
            counted("applications", _("Applications")),
            Column("created", _("Made"), lambda row: row.created_at, "instant", "created_at"),
        ),
        search=("name", "title", "organization__name"),
        order="name",
    )
    return listed(
        request,
        actor,
        listing,
        teams.visible(actor).annotate(
            members_count=count_of(places, "team"),
            applications_count=count_of(applications, "team"),
        ),
        title=_("Teams"),
        lead=_("The applications of a team are for its members and the organization's owners."),
        empty=_("No team yet: all members of an organization see all of its applications."),
        acts=(Act(_("New team"), reverse("console_team_new"), Scope.MEMBERS, "main"),),
    )


@require_safe
def one(request: HttpRequest, organization: str, team: str) -> HttpResponse:
    """One team: its people and its applications."""
    actor = allowed(request, Scope.READ)
    found = teams.get(actor, organization, team)
    whose = reverse("console_organization", args=[organization])
    query = urlencode({"organization": organization, "team": team})
    thing = Thing(
        title=called(found),
        back=(back(),),
        facts=(
            (_("Name"), code(found.path)),
            (_("Organization"), link(organization, whose)),
            (_("Id"), code(found.id)),
            (_("Made"), when(found.created_at)),
        ),
        acts=(
            Act(_("Put somebody in"), address(found, "add"), Scope.MEMBERS, "main"),
            Act(_("New webhook"), f"{reverse('console_webhook_new')}?{query}", Scope.ADMIN),
            Act(_("Rename"), address(found, "edit"), Scope.MEMBERS),
            Act(_("Delete"), address(found, "delete"), Scope.MEMBERS, "danger"),
        ),
        parts=(_people(found), _applications(found)),
    )
    return show(request, actor, thing)


def _people(team: Team) -> Part:
    rows = teams.places(team).order_by("membership__user__email")
    return Part(
        _("Members"),
        (_("Person"), _("Role"), _("Since")),
        [
            [
                link(row.membership.user.email, address(team, "member", row.id)),
                text(ROLE_NAMES[row.role]),
                when(row.created_at),
            ]
            for row in rows[:PART_ROWS_MAX]
        ],
        _("Nobody is in it yet: only owners see its applications."),
        more=(_("All of its members"), address(team, "members")),
    )


def _applications(team: Team) -> Part:
    rows, whose = team.applications.filter(removed_at=None), team.organization.name
    return Part(
        _("Applications"),
        (_("Name"), _("Description")),
        [
            [
                link(row.name, reverse("console_application", args=[whose, row.name])),
                text(row.description[:120]),
            ]
            for row in rows.order_by("name")[:PART_ROWS_MAX]
        ],
        _("None. It is given one on the application's page."),
    )


@require_safe
def people(request: HttpRequest, organization: str, team: str) -> HttpResponse:
    """Everybody in a team."""
    actor = allowed(request, Scope.READ)
    found = teams.get(actor, organization, team)
    roles = tuple((role, str(name)) for role, name in ROLE_NAMES.items())
    listing: Listing[TeamPlace] = Listing(
        name="members",
        columns=(
            Column(
                "person",
                _("Person"),
                lambda row: (row.membership.user.email, address(found, "member", row.id)),
                "link",
                "membership__user__email",
            ),
            Column("name", _("Name"), lambda row: row.membership.user.name or None),
            Column("role", _("Role"), lambda row: str(ROLE_NAMES[row.role]), sort="role"),
            Column("since", _("Since"), lambda row: row.created_at, "instant", "created_at"),
        ),
        search=("membership__user__email", "membership__user__name"),
        filters=(Filter("role", _("Role"), roles, lambda value: Q(role=value)),),
        order="membership__user__email",
    )
    return listed(
        request,
        actor,
        listing,
        teams.places(found),
        title=_("Members of %(team)s") % {"team": found.path},
        empty=_("Nobody is in it yet: only owners see its applications."),
        acts=(
            Act(_("Put somebody in"), address(found, "add"), Scope.MEMBERS, "main"),
            Act(_("Back to the team"), address(found)),
        ),
    )


@form_view
def new(request: HttpRequest) -> HttpResponse:
    """Make one."""
    actor = allowed(request, Scope.MEMBERS, "team")

    def act(given: dict[str, Any]) -> Team:
        return teams.create(actor, given.pop("organization"), **given)

    return carry_out(
        request,
        FormPage(_("New team"), _("Make it"), (back(),)),
        NewTeamForm(
            request.POST or None,
            initial={"organization": request.GET.get("organization", "")[:63]},
        ),
        act,
        lambda made: (_("The team is there. Next: who is in it."), address(made)),
    )


@form_view
def edit(request: HttpRequest, organization: str, team: str) -> HttpResponse:
    """Call it something else."""
    actor = allowed(request, Scope.MEMBERS, "team")
    found = teams.get(actor, organization, team)
    return carry_out(
        request,
        FormPage(_("Rename the team"), _("Save"), crumbs(found)),
        TitleForm(request.POST or None, initial={"title": found.title}),
        lambda given: teams.update(actor, organization, team, **given),
        lambda row: (_("Saved."), address(row)),
    )


@form_view
def delete(request: HttpRequest, organization: str, team: str) -> HttpResponse:
    """End it, once it has no applications."""
    actor = allowed(request, Scope.MEMBERS, "team")
    found = teams.get(actor, organization, team)
    form_page = FormPage(
        _("Delete the team %(name)s") % {"name": found.path},
        _("Delete the team"),
        crumbs(found),
        lead=_("Its applications go to another team first. Its tokens end: %(number)s.")
        % {"number": found.tokens.filter(removed_at=None).count()},
        hits=(_applications(found), _people(found)),
    )
    return confirmed(
        request,
        form_page,
        found.path,
        lambda: teams.delete(actor, organization, team),
        (_("The team was deleted."), back()[1]),
    )


@form_view
def add(request: HttpRequest, organization: str, team: str) -> HttpResponse:
    """Put a member of the organization into it."""
    actor = allowed(request, Scope.MEMBERS, "team")
    found = teams.get(actor, organization, team)
    form = AddForm(request.POST or None)
    offer_rows(request, form, "email", members_to_add(found))
    return carry_out(
        request,
        FormPage(
            _("Put somebody into the team"),
            _("Put in"),
            crumbs(found),
            lead=_("Members of the organization can be chosen; others are invited to it first."),
        ),
        form,
        lambda given: teams.put_member(
            actor, organization, team, given["email"].user.email, TeamRole(given["role"])
        ),
        lambda place: (
            _("%(person)s is in the team.") % {"person": place.membership.user.email},
            address(found),
        ),
    )


@require_safe
def member(request: HttpRequest, organization: str, team: str, member: str) -> HttpResponse:
    """Somebody's place in it."""
    actor = allowed(request, Scope.READ)
    found = teams.get(actor, organization, team)
    row = _place(found, member)
    thing = Thing(
        title=str(row.membership.user),
        back=crumbs(found),
        facts=(
            (_("E-mail address"), text(row.membership.user.email)),
            (_("Role"), text(ROLE_NAMES[row.role])),
            (_("Since"), when(row.created_at)),
        ),
        acts=(
            Act(_("Change role"), address(found, "member_role", row.id), Scope.MEMBERS),
            Act(
                _("Take out of the team"),
                address(found, "member_remove", row.id),
                Scope.MEMBERS,
                "danger",
            ),
        ),
    )
    return show(request, actor, thing)


@form_view
def role(request: HttpRequest, organization: str, team: str, member: str) -> HttpResponse:
    """Another role in it."""
    actor = allowed(request, Scope.MEMBERS, "team")
    found = teams.get(actor, organization, team)
    row = _place(found, member)
    email = row.membership.user.email
    return carry_out(
        request,
        FormPage(_("Role of %(person)s") % {"person": email}, _("Save"), crumbs(found)),
        PlaceForm(request.POST or None, initial={"role": row.role}),
        lambda given: teams.put_member(actor, organization, team, email, TeamRole(given["role"])),
        lambda _row: (_("The role is changed."), address(found)),
    )


@form_view
def remove(request: HttpRequest, organization: str, team: str, member: str) -> HttpResponse:
    """Take somebody out of it."""
    actor = allowed(request, Scope.MEMBERS, "team")
    found = teams.get(actor, organization, team)
    email = _place(found, member).membership.user.email
    form_page = FormPage(
        _("Take %(person)s out") % {"person": email},
        _("Take out"),
        crumbs(found),
        lead=_("The team's applications are out of sight at once; keys go on working."),
        is_danger=True,
        hits=(_applications(found),),
    )
    return carry_out(
        request,
        form_page,
        SiteForm(request.POST or None),
        lambda _given: teams.remove_member(actor, organization, team, email),
        lambda _done: (_("%(person)s is out of the team.") % {"person": email}, address(found)),
    )


def _place(team: Team, member: str) -> TeamPlace:
    found = teams.places(team).filter(id=member).first()
    if found is None:
        raise not_found("member")
    return found
