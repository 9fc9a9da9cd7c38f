"""Can one of many rows be chosen in a form, and none that is not for this person?"""

import re
from dataclasses import replace

import pytest
from django.http import HttpRequest, QueryDict
from django.template.loader import render_to_string
from django.test import RequestFactory

from headgate.core.problems import Problem, ProblemType
from headgate.store.models import Application
from headgate.store.services.actor import Actor
from headgate.store.services.consumers import applications, organizations
from headgate.web.portal.places import own_applications
from headgate.web.site.choosing import CHOICES_MAX, RowField, offer_rows
from headgate.web.site.forms import SiteForm

MANY = 3 * CHOICES_MAX
OPTION = re.compile(r'<option value="(\w+)"( selected)?>([^<]+)')


class Form(SiteForm):
    """Which application."""

    application = RowField()


@pytest.fixture
def ours(admin: Actor) -> Actor:
    """Somebody of acme, which has one application; globex has one too."""
    for name in ("acme", "globex"):
        organizations.create(admin, name=name)
        applications.create(admin, name="shop", organization=name)
    return replace(admin, organization="acme")


def fill(admin: Actor) -> None:
    for number in range(MANY):
        applications.create(admin, name=f"app-{number:03}", organization="acme")


def asked(query: str = "", **sent: str) -> HttpRequest:
    factory = RequestFactory()
    return factory.post(f"/?{query}", sent) if sent else factory.get(f"/?{query}")


def form_of(
    actor: Actor, request: HttpRequest, initial: dict[str, str] | None = None
) -> tuple[Form, list[tuple[str, ...]]]:
    """The form, and the options that stand in it: value, whether it is chosen, text."""
    data: QueryDict | None = request.POST if request.method == "POST" else None
    form = Form(data, initial=initial)
    offer_rows(request, form, "application", own_applications(actor))
    page = render_to_string("site/form.html", {"form": form, "request": request})
    return form, OPTION.findall(page)


def identifier(path: str) -> str:
    organization, name = path.split("/")
    return Application.objects.get(organization__name=organization, name=name).id


def test_few_rows_stand_in_the_select_without_a_search(ours: Actor) -> None:
    form, options = form_of(ours, asked())
    assert [text for _id, _chosen, text in options] == ["shop"]
    assert not form.is_narrowed
    assert 'type="search"' not in render_to_string("site/form.html", {"form": form})


def test_of_many_rows_the_first_stand_there_and_a_search_finds_the_others(
    admin: Actor, ours: Actor
) -> None:
    fill(admin)
    form, options = form_of(ours, asked())
    assert form.is_narrowed
    assert [text for *_, text in options] == [f"app-{number:03}" for number in range(CHOICES_MAX)]
    form, options = form_of(ours, asked("q=APP 149"))
    assert [text for *_, text in options] == ["app-149"]
    form, options = form_of(ours, asked("q=nowhere%00"))
    assert options == []
    assert "Nothing fits." in render_to_string("site/form.html", {"form": form})


def test_what_was_chosen_stands_in_the_select_though_the_search_does_not_find_it(
    admin: Actor, ours: Actor
) -> None:
    fill(admin)
    wanted = identifier("acme/app-140")
    _form, options = form_of(ours, asked(), initial={"application": wanted})
    assert options[0] == (wanted, " selected", "app-140")
    assert len(options) == CHOICES_MAX + 1
    _form, options = form_of(ours, asked("q=app-00"), initial={"application": wanted})
    assert "app-140" not in [text for *_, text in options]  # another one is looked for
    form, options = form_of(ours, asked("q=app-00", application=wanted))
    assert options[0] == (wanted, " selected", "app-140")
    assert form.is_valid()
    assert form.cleaned_data["application"].name == "app-140"


@pytest.mark.parametrize("sent", ["globex/shop", "app_000000000000", "x\0y"])
def test_what_is_not_for_this_person_is_not_there(ours: Actor, sent: str) -> None:
    value = identifier(sent) if "/" in sent else sent
    request = asked(application=value)
    form, options = form_of(ours, asked())
    form = Form(request.POST)
    offer_rows(request, form, "application", own_applications(ours))
    assert [text for *_, text in options] == ["shop"]
    with pytest.raises(Problem) as raised:
        form.is_valid()
    assert raised.value.type is ProblemType.NOT_FOUND


def test_nothing_chosen_is_told_at_the_field(ours: Actor) -> None:
    form, _options = form_of(ours, asked(application=""))
    assert not form.is_valid()
    assert "application" in form.errors
