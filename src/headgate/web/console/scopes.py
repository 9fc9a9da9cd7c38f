"""Which scopes and roles does an operation ask for? The document's, or others by a policy."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from headgate.model.scopes import ScopeNeeds
from headgate.model.snapshot import PolicyUse
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.catalog import apis
from headgate.store.services.gateway import policies
from headgate.web.console import hits
from headgate.web.console.apis import crumbs, operation_address
from headgate.web.console.pages import FormPage, allowed, carry_out
from headgate.web.console.policies import with_one
from headgate.web.site.forms import LinesField, SiteForm, form_view

KIND = "scopes"


class ScopesForm(SiteForm):
    """As the document says, or these."""

    source = forms.ChoiceField(
        label=gettext_lazy("Asked for"),
        widget=forms.RadioSelect,
        choices=[
            ("document", gettext_lazy("what the API's document says, or a policy of the API")),
            ("own", gettext_lazy("these:")),
        ],
    )
    any_of = LinesField(
        label=gettext_lazy("Scopes"),
        required=False,
        help_text=gettext_lazy(
            "A set of scopes a line, with spaces between; one set is enough. Empty: none."
        ),
    )
    roles = LinesField(
        label=gettext_lazy("Roles"),
        required=False,
        help_text=gettext_lazy("One a line, of which one is needed as well. Empty: none."),
    )

    def _field(self, pointer: str) -> str:
        return super()._field(pointer.partition("/settings")[2])


def own(actor: Actor, api: str, operation: str) -> ScopeNeeds | None:
    """What the operation's own policy asks for; None without one."""
    for use in policies.of_operation(actor, api, operation):
        if use.kind == KIND:
            settings = use.settings
            return ScopeNeeds(tuple(settings.get("any_of", ())), tuple(settings.get("roles", ())))
    return None


def own_told(actor: Actor, api: str, operation: str) -> str | None:
    """The same in words; None without one."""
    needs = own(actor, api, operation)
    return None if needs is None else told(needs)


def told(needs: ScopeNeeds | None) -> str:
    """What is asked for, in words."""
    if not needs:
        return _("nothing")
    parts = []
    if needs.any_of:
        parts.append(_("the scopes %(sets)s") % {"sets": _(" or ").join(needs.any_of)})
    if needs.roles:
        parts.append(_("one of the roles %(roles)s") % {"roles": ", ".join(needs.roles)})
    return "; ".join(parts)


@form_view
def edit(request: HttpRequest, api: str, operation: str) -> HttpResponse:
    """Change them; in force once the API is published."""
    actor = allowed(request, Scope.WRITE, "API")
    found = apis.get_version(actor, api)
    row = apis.operation(actor, api, operation)
    present = own(actor, api, operation)
    shown = present or row.needs or ScopeNeeds()
    initial = {
        "source": "document" if present is None else "own",
        "any_of": list(shown.any_of),
        "roles": list(shown.roles),
    }

    def act(given: dict[str, Any]) -> None:
        uses = policies.of_operation(actor, api, operation)
        wanted = PolicyUse(KIND, {"any_of": given["any_of"], "roles": given["roles"]})
        if given["source"] == "own":
            uses = with_one(uses, wanted)
        else:
            uses = tuple(use for use in uses if use.kind != KIND)
        policies.set_operation(actor, api, operation, uses)

    at = operation_address(found.path, operation)
    form_page = FormPage(
        _("Scopes and roles of %(name)s") % {"name": operation},
        _("Save"),
        (*crumbs(found), (operation, at)),
        lead=_("The document says: %(needs)s.") % {"needs": told(row.needs)},
        hits=(hits.callers(actor, api=found.api.name, version=found.name),),
    )
    return carry_out(
        request,
        form_page,
        ScopesForm(request.POST or None, initial=initial),
        act,
        lambda _done: (_("Saved. Publish the API to put it in force."), at),
    )
