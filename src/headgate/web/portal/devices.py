"""How does somebody who is signed in let a device in? By the code that it shows.

The page without an account, for the holder of a token, is `headgate.web.oauth.device_page`.
Source: RFC 8628 §3.3, §5.4 (what is asked for is shown before it is granted).
"""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from headgate.core.problems import Problem, ProblemType
from headgate.store.models import DeviceGrant
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.oauth import device_grants
from headgate.store.tries import SharedLimit
from headgate.web.accounts.limits import too_many_tries
from headgate.web.portal.places import address_of, member_of
from headgate.web.site.acts import REFUSED
from headgate.web.site.forms import SiteForm, form_view
from headgate.web.site.signed_in import organizations, origin, person

CODE_CHARACTERS_MAX = 40
CODES_PER_MINUTE = 20  # of one person
_codes = SharedLimit("device code", CODES_PER_MINUTE)


class CodeForm(SiteForm):
    """The code that a device shows."""

    user_code = forms.CharField(
        max_length=CODE_CHARACTERS_MAX,
        label=gettext_lazy("Code that the device shows"),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "class": "code"}
        ),
    )


@form_view
def page(request: HttpRequest) -> HttpResponse:
    """Ask for the code, show what the device wants, and decide about it."""
    actors = [member_of(request, one.organization.name) for one in organizations(request)]
    sent = request.POST if request.method == "POST" else request.GET
    form = CodeForm(sent if "user_code" in sent else None)
    if form.is_bound and not _codes.take(person(request).id, origin(request).at):
        raise too_many_tries()

    def find(fields: dict[str, Any]) -> tuple[Actor, DeviceGrant]:
        return _find(actors, fields["user_code"])

    if form.do(find):
        actor, grant = form.result
        if request.method == "POST":
            return _decide(request, actor, form.cleaned_data["user_code"])
        return render(request, "portal/device.html", {"form": form, "grant": grant})
    status = REFUSED if form.is_bound else 200
    return render(request, "portal/device.html", {"form": form}, status=status)


def _find(actors: list[Actor], code: str) -> tuple[Actor, DeviceGrant]:
    """The device, and the person in the organization that it asks for.

    Raises:
        Problem: FORBIDDEN: the person may nowhere make keys; NOT_FOUND: no device of theirs.
    """
    able = [actor for actor in actors if actor.may(Scope.KEYS)]
    for actor in able:
        try:
            return actor, device_grants.find(actor, code)
        except Problem as problem:
            if problem.type is not ProblemType.NOT_FOUND or actor is able[-1]:
                raise
    raise Problem(
        ProblemType.FORBIDDEN,
        "You may not let devices in for any organization.",
        "Ask one of its owners for the role of a developer.",
    )


def _decide(request: HttpRequest, actor: Actor, code: str) -> HttpResponse:
    is_approved = request.POST.get("decision") == "approve"
    try:
        client = device_grants.decide(actor, code, is_approved=is_approved)
    except Problem as problem:  # somebody else was faster
        messages.error(request, f"{_(problem.detail)} {_(problem.next_step)}")
        return redirect(reverse("portal_device"))
    application = client.credential.application
    told = _("The device may go on.") if is_approved else _("The device was turned away.")
    messages.success(request, told)
    return redirect(address_of(application, "portal_client", client.id))
