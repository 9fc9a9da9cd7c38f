"""Which mails does a person get, and how do they get fewer? By a form, or one click in a mail."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt

from headgate.store.services.alerts import mail_choices
from headgate.store.services.alerts.mail_choices import MailKind
from headgate.web.portal.pages import FormPage, carry_out
from headgate.web.site.forms import SiteForm, form_view
from headgate.web.site.signed_in import open_to_all, person

KINDS = {
    MailKind.KEYS_ENDING: gettext_lazy("Keys and OAuth clients that end soon"),
    MailKind.SUBSCRIPTIONS: gettext_lazy("What becomes of requests for a plan"),
    MailKind.DATA_ACCESS: gettext_lazy("What becomes of requests for sensitive data"),
    MailKind.APPROVALS: gettext_lazy("Requests that wait for a decision of yours"),
    MailKind.API_ENDINGS: gettext_lazy("APIs that your applications call and that end"),
}


class ChoiceForm(SiteForm):
    """The kinds that a person wants."""

    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("Send me"), required=False, widget=forms.CheckboxSelectMultiple
    )


@form_view
def page(request: HttpRequest) -> HttpResponse:
    """Choose the kinds of mail."""
    user = person(request)
    offered = mail_choices.offered(user)
    wanted = [kind for kind in offered if mail_choices.wants(user, kind)]
    form = ChoiceForm(request.POST if request.method == "POST" else None, initial={"kinds": wanted})
    form.offer("kinds", [(kind.value, str(KINDS[kind])) for kind in offered])

    def choose(fields: dict[str, Any]) -> None:
        mail_choices.choose(user, [MailKind(kind) for kind in fields["kinds"]])

    return carry_out(
        request,
        FormPage(
            _("Your mails"),
            _("Save"),
            [(_("Start page"), reverse("portal"))],
            _(
                "Codes, and whatever concerns the safety of your account, come in any case;"
                " so do invitations."
            ),
        ),
        form,
        choose,
        lambda _done: (_("It is saved."), reverse("portal_mails")),
    )


@open_to_all
@csrf_exempt  # mail programs send this form (RFC 8058): the address itself is what is proved
@form_view
def less(request: HttpRequest, token: str) -> HttpResponse:
    """End one kind of mail, signed in or not. GET asks first: programs look into links."""
    is_done = request.method == "POST"
    user, kind = (mail_choices.end if is_done else mail_choices.of_token)(token)
    context = {"kind": KINDS[kind], "address": user.email, "is_done": is_done}
    response = render(request, "portal/mails_less.html", context)
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response
