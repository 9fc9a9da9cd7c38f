"""Which teams does an organization have, who is in one, and what is theirs?"""

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from headgate.store.models import Team, TeamPlace
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.consumers import applications, teams
from headgate.store.services.consumers.roles import TeamRole
from headgate.web.portal.pages import FormPage, carry_out
from headgate.web.portal.places import address_of, member_of
from headgate.web.site.choosing import offer_rows
from headgate.web.site.forms import ConfirmForm, SiteForm, form_view
from headgate.web.site.listing import Column, Filter, Listing
from headgate.web.site.signed_in import member, person
from headgate.web.site.teams import (
    ROLE_NAMES,
    AddForm,
    PlaceForm,
    TeamForm,
    TitleForm,
    called,
    members_to_add,
)

APPLICATIONS_SHOWN_MAX = 50


def address(team: Team, page: str = "portal_team", *more: str) -> str:
    """A page of a team."""
    return reverse(page, args=[team.organization.name, team.name, *more])


def _listing(team: Team) -> Listing[TeamPlace]:
    roles = tuple((role, str(name)) for role, name in ROLE_NAMES.items())
    return Listing(
        "team",
        (
            Column(
                "person",
                _("Person"),
                lambda row: (
                    str(row.membership.user),
                    address(team, "portal_team_member", row.id),
                ),
                "link",
                "membership__user__email",
            ),
            Column("email", _("E-mail address"), lambda row: row.membership.user.email),
            Column("role", _("Role"), lambda row: (str(ROLE_NAMES[row.role]), ""), "badge", "role"),
            Column("since", _("Since"), lambda row: row.created_at, "instant", "created_at"),
        ),
        search=("membership__user__email", "membership__user__name"),
        filters=(Filter("role", _("Role"), roles, lambda value: Q(role=value)),),
        order="membership__user__email",
    )


@require_safe
def page(request: HttpRequest, organization: str, team: str) -> HttpResponse:
    """One team: its people and its applications."""
    actor, found = _own(request, organization, team)
    own = applications.visible(actor).filter(team=found).order_by("name")
    shown = list(own[: APPLICATIONS_SHOWN_MAX + 1])
    more = {
        "team": found,
        "back": _way(),
        "applications": [(row, address_of(row)) for row in shown[:APPLICATIONS_SHOWN_MAX]],
        "has_more": len(shown) > APPLICATIONS_SHOWN_MAX,
        "may_keep": teams.keeps(actor, found),
        "may_delete": actor.may(Scope.MEMBERS),
    }
    return _listing(found).answer(request, teams.places(found), "portal/team.html", more)


@form_view
def new(request: HttpRequest) -> HttpResponse:
    """Make a team."""
    actor = member(request)
    actor.require(Scope.MEMBERS)

    return carry_out(
        request,
        FormPage(
            _("Make a team"),
            _("Make it"),
            _way(),
            _("Applications that you give to a team are seen and changed by its members alone."),
        ),
        TeamForm(request.POST if request.method == "POST" else None),
        lambda fields: teams.create(actor, actor.organization or "", **fields),
        lambda team: (_("The team is there. Next: who is in it."), address(team)),
    )


@form_view
def change(request: HttpRequest, organization: str, team: str) -> HttpResponse:
    """Call it something else."""
    actor, found = _own(request, organization, team)
    teams.require_keeper(actor, found)
    form = TitleForm(
        request.POST if request.method == "POST" else None, initial={"title": found.title}
    )
    return carry_out(
        request,
        FormPage(_("Rename the team"), _("Save"), _way(found)),
        form,
        lambda fields: teams.update(actor, organization, found.name, title=fields["title"]),
        lambda _done: (_("It is saved."), address(found)),
    )


@form_view
def delete(request: HttpRequest, organization: str, team: str) -> HttpResponse:
    """End a team, once its name was typed."""
    actor, found = _own(request, organization, team)
    actor.require(Scope.MEMBERS)
    own = applications.visible(actor).filter(team=found).count()
    return carry_out(
        request,
        FormPage(
            _("Delete %(name)s") % {"name": called(found)},
            _("Delete it"),
            _way(found),
            hits=[
                _("Its applications: %(number)s. Give them to another team first.")
                % {"number": own},
                _("People who leave it: %(number)s.") % {"number": teams.places(found).count()},
            ],
            is_danger=True,
        ),
        ConfirmForm(found.name, request.POST if request.method == "POST" else None),
        lambda _fields: teams.delete(actor, organization, found.name),
        lambda _done: (
            _("%(name)s is deleted.") % {"name": called(found)},
            reverse("portal_organization"),
        ),
    )


@form_view
def add(request: HttpRequest, organization: str, team: str) -> HttpResponse:
    """Put a member of the organization into the team."""
    actor, found = _own(request, organization, team)
    teams.require_keeper(actor, found)
    form = AddForm(request.POST if request.method == "POST" else None)
    offer_rows(request, form, "email", members_to_add(found))
    return carry_out(
        request,
        FormPage(
            _("Put somebody into the team"),
            _("Put in"),
            _way(found),
            _("Members of the organization can be chosen; others are invited to it first."),
        ),
        form,
        lambda fields: teams.put_member(
            actor,
            organization,
            found.name,
            fields["email"].user.email,
            TeamRole(fields["role"]),
        ),
        lambda place: (
            _("%(person)s is in the team.") % {"person": place.membership.user.email},
            address(found),
        ),
    )


@form_view
def one(request: HttpRequest, organization: str, team: str, member_id: str) -> HttpResponse:
    """Somebody in the team: another role, and the way out of it."""
    actor, found = _own(request, organization, team)
    row = _place(found, member_id)
    form = PlaceForm(request.POST if request.method == "POST" else None, initial={"role": row.role})
    user = row.membership.user
    return carry_out(
        request,
        FormPage(str(user), _("Change the role"), _way(found), user.email if user.name else ""),
        form,
        lambda fields: teams.put_member(
            actor, organization, found.name, user.email, TeamRole(fields["role"])
        ),
        lambda _done: (_("The role is changed."), address(found)),
        "portal/team_member.html",
        row=row,
        team=found,
        role=ROLE_NAMES[row.role],
        may_keep=teams.keeps(actor, found),
        is_self=user.pk == person(request).pk,
    )


@form_view
def remove(request: HttpRequest, organization: str, team: str, member_id: str) -> HttpResponse:
    """Take somebody out of the team, or leave it."""
    actor, found = _own(request, organization, team)
    row = _place(found, member_id)
    email = row.membership.user.email
    is_self = row.membership.user_id == person(request).pk
    if not is_self:
        teams.require_keeper(actor, found)
    names = {"person": email, "team": called(found)}
    told = _("You have left %(team)s.") if is_self else _("%(person)s is out of the team.")
    return carry_out(
        request,
        FormPage(
            _("Leave %(team)s") % names if is_self else _("Take %(person)s out") % names,
            _("Leave") if is_self else _("Take out"),
            _way(found),
            _("The team's applications are out of sight at once; keys go on working."),
            is_danger=True,
        ),
        SiteForm(request.POST if request.method == "POST" else None),
        lambda _fields: teams.remove_member(actor, organization, found.name, email),
        lambda _done: (
            told % names,
            reverse("portal_organization") if is_self else address(found),
        ),
    )


def _own(request: HttpRequest, organization: str, name: str) -> tuple[Actor, Team]:
    """The person and the team that an address names."""
    actor = member_of(request, organization)
    return actor, teams.get(actor, organization, name)


def _place(team: Team, member_id: str) -> TeamPlace:
    found = teams.places(team).filter(id=member_id).first()
    if found is None:
        raise not_found("member")
    return found


def _way(team: Team | None = None) -> list[tuple[str, str]]:
    above = [(_("Organization"), reverse("portal_organization"))]
    return [*above, (called(team), address(team))] if team else above
