"""Was this page helpful? The answer of anybody who reads it, with words or without."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, ResolverMatch, resolve
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from headgate.store.models import User
from headgate.store.models.feedback import FEEDBACK_CHARACTERS_MAX, PAGE_CHARACTERS_MAX
from headgate.store.services.catalog import branding, catalogue, feedback, reference
from headgate.store.services.values import invalid
from headgate.store.tries import SharedLimit
from headgate.web.accounts.limits import too_many_tries
from headgate.web.portal.reference import found_for
from headgate.web.site.forms import SiteForm
from headgate.web.site.signed_in import open_to_all, origin

GIVEN_PER_MINUTE = 10  # of one address
_tries = SharedLimit("feedback", GIVEN_PER_MINUTE)


class FeedbackForm(SiteForm):
    """Yes or no, and what could be better."""

    about = forms.CharField(max_length=PAGE_CHARACTERS_MAX, widget=forms.HiddenInput)
    helpful = forms.ChoiceField(choices=(("yes", ""), ("no", "")))
    text = forms.CharField(
        max_length=FEEDBACK_CHARACTERS_MAX,
        required=False,
        label=gettext_lazy("What could be better?"),
    )


@open_to_all
@require_POST
def give(request: HttpRequest) -> HttpResponse:
    """Take an answer, and go back to the page that it is about."""
    here = origin(request)
    if not _tries.take(here.address, here.at):
        raise too_many_tries()
    form = FeedbackForm(request.POST)
    if not form.is_valid():
        raise invalid("This is no answer to whether a page was helpful.", "/helpful")
    fields = form.cleaned_data
    feedback.give(
        here,
        request.user if isinstance(request.user, User) else None,
        page=fields["about"],
        title=_title(fields["about"]),
        is_helpful=fields["helpful"] == "yes",
        text=fields["text"],
    )
    messages.success(request, _("Thank you. Those who run this site read it."))
    return redirect(fields["about"])


def _title(page: str) -> str:
    """What a page shows that can be asked about; an address of ours in any case.

    Raises:
        Problem: INVALID_INPUT; NOT_FOUND: there is no such page.
    """
    try:
        match = resolve(page)
    except Resolver404:
        raise invalid("There is no such page.", "/about") from None
    name = str(match.kwargs.get("name", ""))
    if match.url_name in {"portal_api", "portal_operation"}:
        return _reference_title(name, match)
    if match.url_name == "portal_product":
        return catalogue.offer(name, catalogue.published()).title
    if match.url_name == "portal_text_page":
        return branding.page(name).title
    raise invalid("Nobody is asked about this page.", "/about")


def _reference_title(name: str, match: ResolverMatch) -> str:
    found = found_for(name)
    if match.url_name == "portal_api":
        return found.index.title
    return f"{found.index.title}: {reference.entry(found, match.kwargs['slug']).summary}"
