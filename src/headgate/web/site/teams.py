"""What do both sites say of teams? The forms, the roles in a team, and what one is called."""

from collections.abc import Iterable

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from headgate.core.text import slug
from headgate.store.models import Membership, Team
from headgate.store.services.consumers import members, teams
from headgate.store.services.consumers.roles import TeamRole
from headgate.web.site.choosing import Choosable, RowField
from headgate.web.site.forms import SiteForm

ROLES = (
    (TeamRole.MEMBER.value, gettext_lazy("Member")),
    (TeamRole.MAINTAINER.value, gettext_lazy("Maintainer: also says who is in the team")),
)
ROLE_NAMES = {
    TeamRole.MEMBER.value: gettext_lazy("Member"),
    TeamRole.MAINTAINER.value: gettext_lazy("Maintainer"),
}


class TeamForm(SiteForm):
    """A new team. Its name is made of its title where none is given."""

    title = forms.CharField(
        max_length=200,
        label=gettext_lazy("What is it called?"),
        help_text=gettext_lazy("As people know it, such as Payments."),
    )
    name = forms.CharField(
        max_length=63,
        required=False,
        label=gettext_lazy("Short name"),
        help_text=gettext_lazy("For addresses and commands: a-z, 0-9, dots and hyphens. Stays."),
        widget=forms.TextInput(attrs={"class": "code", "autocapitalize": "none"}),
    )

    def clean_name(self) -> str:
        """What was typed, or made of the title."""
        return self.cleaned_data["name"] or slug(self.cleaned_data.get("title", ""))


class TitleForm(SiteForm):
    """What can be changed of a team."""

    title = forms.CharField(max_length=200, label=gettext_lazy("What is it called?"))


class PlaceForm(SiteForm):
    """Somebody's role in a team."""

    role = forms.ChoiceField(choices=ROLES, label=gettext_lazy("Role"))


class AddForm(PlaceForm):
    """Who of the organization shall be in the team."""

    email = RowField(label=gettext_lazy("Member of the organization"))
    field_order = ("email", "role")


def members_to_add(team: Team) -> Choosable[Membership]:
    """The members of a team's organization who are not in the team."""
    present = teams.places(team).values("membership")
    rows = members.of(team.organization).exclude(pk__in=present)
    return Choosable(
        "member",
        rows.order_by("user__email"),
        ("user__email", "user__name"),
        value=lambda row: row.user.email,
        by=lambda sent: Q(user__email=sent.lower()),
        title=lambda row: row.user.email,
    )


def choice_field() -> forms.ChoiceField:
    """Which team something belongs to; its choices come by `offer`."""
    return forms.ChoiceField(
        required=False,
        label=gettext_lazy("Team"),
        help_text=gettext_lazy("Only its members and the owners will see it."),
    )


def offer(form: SiteForm, rows: Iterable[Team]) -> None:
    """Give the field `team` its choices; without any it goes."""
    choices = sorted((called(row), row.name) for row in rows)
    if choices:
        named = [(name, title) for title, name in choices]
        form.offer("team", [("", _("none: for all of the organization")), *named])
    else:
        del form.fields["team"]


def called(team: Team) -> str:
    """What people call it."""
    return team.title or team.name
