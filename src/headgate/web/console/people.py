"""Who has an account, with which role, and when were they here last?"""

from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from headgate.store.models import Membership, User
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.consumers import people
from headgate.store.services.consumers.roles import Role
from headgate.store.services.values import count_of
from headgate.web.accounts.verified import verify
from headgate.web.console.pages import (
    Act,
    FormPage,
    Part,
    Thing,
    allowed,
    carry_out,
    code,
    link,
    listed,
    show,
    text,
    when,
)
from headgate.web.site.forms import SiteForm, form_view
from headgate.web.site.listing import Column, Filter, Listing

ROLES = [
    ("", gettext_lazy("none: the portal alone")),
    (Role.ADMIN.value, gettext_lazy("admin: everything, people included")),
    (Role.PUBLISHER.value, gettext_lazy("publisher: APIs, products, plans, policies")),
    (Role.OPERATOR.value, gettext_lazy("operator: consumers, keys, blocks")),
    (Role.BILLING.value, gettext_lazy("billing: sees consumers, plans and traffic")),
    (Role.SECURITY.value, gettext_lazy("security: blocks callers, sees the audit log")),
    (Role.AUDITOR.value, gettext_lazy("auditor: sees everything, changes nothing")),
]


class RoleForm(SiteForm):
    """A person's role in the console."""

    role = forms.ChoiceField(
        label=gettext_lazy("Role"), choices=ROLES, required=False, widget=forms.RadioSelect
    )


class PersonForm(RoleForm):
    """A new person, whose address an administrator vouches for."""

    email = forms.EmailField(label=gettext_lazy("E-mail address"))
    name = forms.CharField(label=gettext_lazy("Name"), required=False)
    password = forms.CharField(
        label=gettext_lazy("First password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("Tell it to the person, who can change it."),
        strip=False,
    )
    field_order = ("email", "name", "password", "role")


def back() -> tuple[str, str]:
    """The way to the list."""
    return _("People and roles"), reverse("console_people")


def _state(user: User) -> tuple[str, str]:
    return (_("open"), "good") if user.is_active else (_("closed"), "bad")


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All people."""
    actor = allowed(request, Scope.AUDIT)
    members = Membership.objects.filter(removed_at=None)
    listing: Listing[User] = Listing(
        name="people",
        columns=(
            Column(
                "email",
                _("Person"),
                lambda row: (row.email, reverse("console_person", args=[row.id])),
                "link",
                "email",
            ),
            Column("name", _("Name"), lambda row: row.name or None, sort="name"),
            Column("role", _("Role"), lambda row: row.role or None, sort="role"),
            Column(
                "organizations",
                _("Organizations"),
                lambda row: row.organizations_count,  # type: ignore[attr-defined]  # annotated
                "number",
                "organizations_count",
            ),
            Column("seen", _("Last sign-in"), lambda row: row.last_login, "instant", "last_login"),
            Column("state", _("Account"), _state, "badge"),
            Column("created", _("Since"), lambda row: row.created_at, "instant", "created_at"),
        ),
        search=("email", "name"),
        filters=(
            Filter(
                "role",
                _("Role"),
                (*((role.value, role.value) for role in Role), ("none", _("none"))),
                lambda value: Q(role="" if value == "none" else value),
            ),
            Filter(
                "state",
                _("Account"),
                (("open", _("open")), ("closed", _("closed"))),
                lambda value: Q(is_active=value == "open"),
            ),
        ),
        order="email",
    )
    return listed(
        request,
        actor,
        listing,
        people.visible(actor).annotate(organizations_count=count_of(members, "user")),
        title=_("People and roles"),
        empty=_("Nobody."),
        acts=(Act(_("New person"), reverse("console_person_new"), Scope.ADMIN, "main"),),
    )


def _find(actor: Actor, user: str) -> User:
    found = people.visible(actor).filter(id=user).first()
    if found is None:
        raise not_found("person", user)
    return found


@require_safe
def one(request: HttpRequest, user: str) -> HttpResponse:
    """One person."""
    actor = allowed(request, Scope.AUDIT)
    found = _find(actor, user)
    places = people.memberships(found)
    toggle = _("Close the account") if found.is_active else _("Open the account again")
    thing = Thing(
        title=str(found),
        back=(back(),),
        badges=(_state(found),),
        facts=(
            (_("E-mail address"), text(found.email)),
            (_("Id"), code(found.id)),
            (_("Role"), text(found.role)),
            (_("Last sign-in"), when(found.last_login)),
            (_("Since"), when(found.created_at)),
        ),
        acts=(
            Act(_("Change role"), reverse("console_person_role", args=[user]), Scope.ADMIN, "main"),
            Act(
                toggle,
                reverse("console_person_switch", args=[user]),
                Scope.ADMIN,
                "danger" if found.is_active else "",
            ),
        ),
        parts=(
            Part(
                _("Organizations"),
                (_("Organization"), _("Role"), _("Since")),
                [
                    [
                        link(
                            row.organization.name,
                            reverse("console_organization", args=[row.organization.name]),
                        ),
                        text(row.role),
                        when(row.created_at),
                    ]
                    for row in places
                ],
                _("None."),
            ),
        ),
    )
    return show(request, actor, thing)


@form_view
def new(request: HttpRequest) -> HttpResponse:
    """Make an account for somebody."""
    actor = allowed(request, Scope.ADMIN, "person")

    def act(given: dict[str, Any]) -> User:
        chosen = given.pop("role")
        made = people.create(actor, role=Role(chosen) if chosen else None, **given)
        verify(made)
        return made

    return carry_out(
        request,
        FormPage(_("New person"), _("Make the account"), (back(),)),
        PersonForm(request.POST or None),
        act,
        lambda made: (_("The account was made."), reverse("console_person", args=[made.id])),
    )


@form_view
def role(request: HttpRequest, user: str) -> HttpResponse:
    """Give another role."""
    actor = allowed(request, Scope.ADMIN, "person")
    found = _find(actor, user)
    at = reverse("console_person", args=[user])
    return carry_out(
        request,
        FormPage(
            _("Role of %(name)s") % {"name": found.email},
            _("Save"),
            (back(), (found.email, at)),
            lead=_("It holds from the person's next page on."),
        ),
        RoleForm(request.POST or None, initial={"role": found.role}),
        lambda given: people.update(actor, found.email, role=given["role"]),
        lambda _row: (_("Saved."), at),
    )


@form_view
def switch(request: HttpRequest, user: str) -> HttpResponse:
    """Close an account, or open it again."""
    actor = allowed(request, Scope.ADMIN, "person")
    found = _find(actor, user)
    at = reverse("console_person", args=[user])
    is_open = found.is_active
    title = _("Close the account of %(name)s") if is_open else _("Open the account of %(name)s")
    form_page = FormPage(
        title % {"name": found.email},
        _("Close it") if is_open else _("Open it again"),
        (back(), (found.email, at)),
        lead=_(
            "The person is signed out and cannot sign in until you open it again."
            " Keys of their organizations go on working."
        )
        if is_open
        else _("The person can sign in again, with the role that they had."),
        is_danger=is_open,
    )
    return carry_out(
        request,
        form_page,
        SiteForm(request.POST or None),
        lambda _given: people.update(actor, found.email, is_active=not is_open),
        lambda _row: (_("The account is closed.") if is_open else _("It is open again."), at),
    )
