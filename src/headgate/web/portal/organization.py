"""Who belongs to an organization, and how does somebody join one or make one?"""

from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from headgate.core.text import slug
from headgate.store.models import Membership, Organization
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.alerts import notices
from headgate.store.services.consumers import members, organizations, teams
from headgate.store.services.consumers.roles import MemberRole
from headgate.store.services.transactions import change
from headgate.web.portal.pages import FormPage, carry_out
from headgate.web.site.forms import ConfirmForm, SiteForm, form_view
from headgate.web.site.listing import Column, Filter, Listing
from headgate.web.site.signed_in import choose, member, membership, origin, person
from headgate.web.site.teams import choice_field, offer

ROLES = (
    (MemberRole.OWNER.value, gettext_lazy("Owner: also invites and removes people")),
    (MemberRole.DEVELOPER.value, gettext_lazy("Developer: applications, keys, subscriptions")),
    (MemberRole.VIEWER.value, gettext_lazy("Viewer: sees them, changes nothing")),
)
ROLE_NAMES = {
    MemberRole.OWNER.value: gettext_lazy("Owner"),
    MemberRole.DEVELOPER.value: gettext_lazy("Developer"),
    MemberRole.VIEWER.value: gettext_lazy("Viewer"),
}


class FoundForm(SiteForm):
    """A new organization. Its name is made of its title where none is given."""

    title = forms.CharField(
        max_length=200,
        label=gettext_lazy("What is it called?"),
        help_text=gettext_lazy("As people know it, such as Acme Ltd."),
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    name = forms.CharField(
        max_length=63,
        required=False,
        label=gettext_lazy("Short name"),
        help_text=gettext_lazy("For addresses and commands: a-z, 0-9, dots and hyphens. Stays."),
        widget=forms.TextInput(attrs={"class": "code", "autocapitalize": "none"}),
    )


class InviteForm(SiteForm):
    """Somebody who shall join."""

    email = forms.CharField(
        max_length=254,
        label=gettext_lazy("E-mail address"),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(
        choices=ROLES, initial=MemberRole.DEVELOPER.value, label=gettext_lazy("Role")
    )
    team = choice_field()


class RoleForm(SiteForm):
    """Another role of a member."""

    role = forms.ChoiceField(choices=ROLES, label=gettext_lazy("Role"))


def members_listing() -> Listing[Membership]:
    """The members of an organization."""
    roles = tuple((role, str(name)) for role, name in ROLE_NAMES.items())
    return Listing(
        "members",
        (
            Column(
                "person",
                _("Person"),
                lambda row: (str(row.user), reverse("portal_member", args=[row.id])),
                "link",
                "user__email",
            ),
            Column("email", _("E-mail address"), lambda row: row.user.email),
            Column("role", _("Role"), lambda row: (str(ROLE_NAMES[row.role]), ""), "badge", "role"),
            Column("since", _("Since"), lambda row: row.created_at, "instant", "created_at"),
        ),
        search=("user__email", "user__name"),
        filters=(Filter("role", _("Role"), roles, lambda value: Q(role=value)),),
        order="user__email",
    )


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The members of the organization that was chosen, and who is invited."""
    if membership(request) is None:
        person(request)
        return redirect("portal_organization_new")
    actor = member(request)
    own = _own(actor)
    more = {
        "organization": own,
        "may_manage": actor.may(Scope.MEMBERS),
        "may_webhooks": actor.may(Scope.KEYS) and actor.teams != frozenset(),
        "invitations": members.open_invitations(actor),
        "waiting": members.invitations_for(actor, person(request)),
        "roles": ROLE_NAMES,
        "teams": teams.counted(actor, own),
    }
    rows = members.visible(actor)
    return members_listing().answer(request, rows, "portal/organization.html", more)


@form_view
def new(request: HttpRequest) -> HttpResponse:
    """Make an organization; or take an invitation that waits."""
    user, here = person(request), origin(request, person(request).email)
    form = FoundForm(request.POST if request.method == "POST" else None)

    def found(fields: dict[str, Any]) -> Organization:
        name = fields["name"] or slug(fields["title"])
        return members.found_organization(here, user, name=name, title=fields["title"])

    def then(made: Organization) -> tuple[str, str]:
        choose(request, made.id)
        told = _("%(name)s is there. Next: an application.") % {"name": made.title}
        return told, reverse("portal_application_new")

    form_page = FormPage(
        _("Name your organization"),
        _("Make it"),
        [(_("Organization"), reverse("portal_organization"))] if membership(request) else [],
        _("A company, a team or just you. It owns applications and keys; colleagues can join it."),
    )
    waiting = members.invitations_for(here, user)
    template = "portal/organization_new.html"
    return carry_out(
        request, form_page, form, found, then, template, waiting=waiting, roles=ROLE_NAMES
    )


@form_view
def invite(request: HttpRequest) -> HttpResponse:
    """Ask somebody to join, by mail."""
    actor = member(request)
    actor.require(Scope.MEMBERS)
    own = _own(actor)

    def ask(fields: dict[str, Any]) -> str:
        with change():
            made = members.invite(
                actor,
                own,
                email=fields["email"],
                role=MemberRole(fields["role"]),
                team=fields.get("team", ""),
            )
            notices.invited(actor, made)
        return made.email

    form = InviteForm(request.POST if request.method == "POST" else None)
    offer(form, teams.visible(actor))
    form_page = FormPage(
        _("Invite somebody"),
        _("Send the invitation"),
        [(_called(own), reverse("portal_organization"))],
        _(
            "They get a mail with the address of this site. Whoever signs in with that e-mail"
            " address can accept, within 14 days."
        ),
    )
    return carry_out(
        request,
        form_page,
        form,
        ask,
        lambda email: (
            _("%(email)s is invited.") % {"email": email},
            reverse("portal_organization"),
        ),
    )


@require_POST
def withdraw(request: HttpRequest, invitation: str) -> HttpResponse:
    """Take an invitation back; it can be sent again."""
    actor = member(request)
    members.withdraw(actor, _own(actor), invitation)
    return redirect("portal_organization")


@require_POST
def accept(request: HttpRequest, invitation: str) -> HttpResponse:
    """Join the organization that invites, and speak of it from now on."""
    user = person(request)
    joined = members.accept(origin(request, user.email), user, invitation)
    choose(request, joined.id)
    return redirect("portal_organization")


@form_view
def one(request: HttpRequest, membership_id: str) -> HttpResponse:
    """One member: another role, and the way to the end of the membership."""
    actor = member(request)
    own, row = _own(actor), members.find(actor, membership_id)
    form = RoleForm(request.POST if request.method == "POST" else None, initial={"role": row.role})
    form_page = FormPage(
        str(row.user),
        _("Change the role"),
        [(_called(own), reverse("portal_organization"))],
        row.user.email if row.user.name else "",
    )
    return carry_out(
        request,
        form_page,
        form,
        lambda fields: members.add_member(actor, own, row.user, MemberRole(fields["role"])),
        lambda _done: (_("The role is changed."), reverse("portal_organization")),
        "portal/member.html",
        row=row,
        role=ROLE_NAMES[row.role],
        may_manage=actor.may(Scope.MEMBERS),
        is_self=row.user_id == person(request).pk,
    )


@form_view
def remove(request: HttpRequest, membership_id: str) -> HttpResponse:
    """End a membership: one's own (leaving), or another's."""
    actor = member(request)
    own, row = _own(actor), members.find(actor, membership_id)
    is_self = row.user_id == person(request).pk
    if not is_self:
        actor.require(Scope.MEMBERS)
    names = {"person": row.user.email, "organization": _called(own)}
    form_page = FormPage(
        _("Leave %(organization)s") % names if is_self else _("Remove %(person)s") % names,
        _("Leave") if is_self else _("Remove"),
        [
            (_called(own), reverse("portal_organization")),
            (str(row.user), reverse("portal_member", args=[row.id])),
        ],
        hits=[
            _("Access to the organization's applications, keys and reports ends at once."),
            _("Keys that exist go on working: revoke those that should not."),
        ],
        is_danger=True,
    )
    told = _("You have left %(organization)s.") if is_self else _("%(person)s is removed.")
    return carry_out(
        request,
        form_page,
        ConfirmForm(row.user.email, request.POST if request.method == "POST" else None),
        lambda _fields: members.remove_member(actor, own, row.user.email),
        lambda _done: (told % names, reverse("portal" if is_self else "portal_organization")),
    )


def _own(actor: Actor) -> Organization:
    return organizations.find(actor, actor.organization or "")


def _called(own: Organization) -> str:
    return own.title or own.name
