"""How does a page of the console look? One thing with its facts and parts, or a form for one act.

Pages are described here in Python and drawn by three templates, so that they all look and read
alike. What a person may not do is not shown (`Act.scope`); the services refuse it in any case.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from headgate.store.services.actor import Actor, Scope
from headgate.web.site import acts as site_acts
from headgate.web.site.acts import Secret, Then
from headgate.web.site.forms import ConfirmForm, SiteForm
from headgate.web.site.listing import Listing
from headgate.web.site.signed_in import operator

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as people see it; `show` is one of those of `site.listing.Column`."""

    value: Any
    show: str = "text"


@dataclass(frozen=True, slots=True)
class Act:
    """Something that can be done, on a page of its own, by holders of `scope`."""

    title: str
    address: str
    scope: Scope = Scope.READ
    kind: str = ""  # main, danger or nothing


@dataclass(frozen=True, slots=True)
class Part:
    """A small table below the facts. `more`: text and address of the whole list."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    empty: str = ""
    acts: Sequence[Act] = ()
    more: tuple[str, str] | None = None
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Thing:
    """The page of one thing. `back`: text and address of the list that it stands in."""

    title: str
    back: Sequence[tuple[str, str]]
    facts: Sequence[tuple[str, Cell]]
    badges: Sequence[tuple[str, str]] = ()
    lead: str = ""
    acts: Sequence[Act] = ()
    parts: Sequence[Part] = ()


@dataclass(frozen=True, slots=True)
class FormPage:
    """The page of an act. `hits`: what it will hit. `back`: where to go instead."""

    title: str
    submit: str
    back: Sequence[tuple[str, str]]
    lead: str = ""
    is_danger: bool = False
    hits: Sequence[Part] = ()
    warnings: Sequence[str] = field(default=())


def allowed(request: HttpRequest, scope: Scope, subject: str = "page") -> Actor:
    """The person in the console, who must hold `scope`.

    Raises:
        Problem: NOT_FOUND without a role there; FORBIDDEN without the scope.
    """
    actor = operator(request)
    actor.require_operator(scope, subject)
    return actor


def show(request: HttpRequest, actor: Actor, thing: Thing) -> HttpResponse:
    """The page of one thing, with what this person may do with it."""
    parts = [{"part": part, "acts": _for(actor, part.acts)} for part in thing.parts]
    context = {"thing": thing, "acts": _for(actor, thing.acts), "parts": parts}
    return render(request, "console/thing.html", context)


def listed(
    request: HttpRequest,
    actor: Actor,
    listing: Listing[M],
    rows: QuerySet[M],
    *,
    title: str,
    empty: str,
    lead: str = "",
    acts: Sequence[Act] = (),
) -> HttpResponse:
    """The page of a list."""
    more = {"title": title, "empty": empty, "lead": lead, "acts": _for(actor, acts)}
    return listing.answer(request, rows, "console/list.html", more)


def carry_out(
    request: HttpRequest,
    page: FormPage,
    form: SiteForm,
    act: Callable[[dict[str, Any]], Any],
    then: Then,
    template: str = "console/form.html",
    **more: Any,
) -> HttpResponse:
    """The page of an act, and once its form was sent and taken, where `then` leads."""
    return site_acts.carry_out(template, request, page, form, act, then, **more)


def confirmed(
    request: HttpRequest,
    page: FormPage,
    name: str,
    act: Callable[[], Any],
    then: tuple[str, str],
) -> HttpResponse:
    """The page of an act that cannot be undone: done once its `name` is typed."""
    form = ConfirmForm(name, request.POST or None)
    page = replace(page, is_danger=True)
    return carry_out(request, page, form, lambda _given: act(), lambda _done: then)


def reveal(request: HttpRequest, secret: Secret) -> HttpResponse:
    """The only page that a new secret ever stands on."""
    return site_acts.reveal("console/secret.html", request, secret)


def text(value: Any) -> Cell:
    """As it is; nothing as a dash."""
    return Cell("–" if value in {None, ""} else value)


def code(value: Any) -> Cell:
    """A name or id."""
    return Cell(value or "–", "mono")


def prose(sentence: str) -> Cell:
    """What a service says, in the reader's language, with its `names` as code."""
    return Cell(sentence, "prose")


def link(title: str, address: str) -> Cell:
    """A way to another page."""
    return Cell((title, address), "link")


def badge(word: str, kind: str = "") -> Cell:
    """A state."""
    return Cell((word, kind), "badge")


def when(value: datetime | None) -> Cell:
    """An instant."""
    return Cell(value, "instant")


def number(value: float | None) -> Cell:
    """A count."""
    return Cell(value, "number")


def _for(actor: Actor, acts: Sequence[Act]) -> list[Act]:
    return [act for act in acts if actor.may(act.scope)]
