"""Which policies are attached to a place, and how are they changed? By form or YAML, previewed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from headgate.core.mistakes import reason
from headgate.core.problems import Problem
from headgate.gateway.effective import Place, effective
from headgate.gateway.policy import caller_error
from headgate.gateway.policy import policies as kinds
from headgate.model.snapshot import PolicyUse
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.catalog import apis
from headgate.store.services.gateway import gateways, policies
from headgate.store.services.gateway.gateways import DEFAULT_GATEWAY
from headgate.web.console import policy_forms
from headgate.web.console.pages import (
    Act,
    FormPage,
    Part,
    Thing,
    allowed,
    badge,
    carry_out,
    code,
    link,
    prose,
    show,
    text,
)
from headgate.web.console.setting_editor import Edited
from headgate.web.site.acts import REFUSED
from headgate.web.site.forms import NOT_TO_MEND, SiteForm, form_view
from headgate.web.site.words import refusal, said

Uses = tuple[PolicyUse, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """Where policies are attached. `back`: its own page; `waits`: for publishing."""

    place: str
    name: str
    back: tuple[str, str]
    get: Callable[[Actor], Uses]
    put: Callable[[Actor, Uses], Uses]
    waits: str = ""  # the API to publish; empty: in force at once

    def fits(self, kind: str) -> bool:
        """Whether policies of a kind can be attached here."""
        if self.place == "gateway":
            return kinds[kind].attaches_to_gateway
        return not (self.place in {"product", "plan"} and caller_error(kind))

    def address(self, query: str = "") -> str:
        """The page of its policies."""
        return reverse("console_policies", args=[self.place, self.name]) + query


def _target(place: str, name: str) -> Target:
    api, _slash, rest = name.partition("/")
    of_one: dict[str, Any] = {
        "gateway": (policies.of_gateway, policies.set_gateway, "console_gateway"),
        "api": (policies.of_api, policies.set_api, "console_api"),
        "product": (policies.of_product, policies.set_product, "console_product"),
    }
    if place in of_one:
        get, put, page = of_one[place]
        return Target(
            place,
            name,
            (name, reverse(page, args=[name])),
            lambda actor: get(actor, name),
            lambda actor, uses: put(actor, name, uses),
            waits=name if place == "api" else "",
        )
    if place == "plan" and rest:
        return Target(
            place,
            name,
            (name, reverse("console_plan", args=[api, rest])),
            lambda actor: policies.of_plan(actor, name),
            lambda actor, uses: policies.set_plan(actor, name, uses),
        )
    if place == "operation" and rest:
        return Target(
            place,
            name,
            (name, reverse("console_operation", args=[api, rest])),
            lambda actor: policies.of_operation(actor, api, rest),
            lambda actor, uses: policies.set_operation(actor, api, rest, uses),
            waits=api,
        )
    raise not_found("place for policies", f"{place} {name}"[:200])


def summary(kind: str) -> str:
    """What a kind does, in a line."""
    return _((kinds[kind].__doc__ or "").strip().partition("\n")[0])


@require_safe
def page(request: HttpRequest, place: str, name: str) -> HttpResponse:
    """What is attached, and what could be."""
    actor = allowed(request, Scope.READ)
    target = _target(place, name)
    uses = target.get(actor)
    may_write = actor.may(Scope.WRITE)
    there = {use.kind for use in uses}
    edit = reverse("console_policy", args=[place, name])

    def named(kind: str) -> Any:
        return link(kind, f"{edit}?kind={kind}") if may_write else code(kind)

    can_be = [kind for kind in kinds if kind not in there and target.fits(kind)]
    parts = [
        Part(
            _("Attached here"),
            (_("Policy"), _("What it does"), _("Settings")),
            [
                [named(use.kind), prose(summary(use.kind)), code(_short(use.settings))]
                for use in uses
            ],
            _("None."),
            lead=_("In force once the API is published.") if target.waits else _("In force."),
        )
    ]
    if may_write:
        parts.append(
            Part(
                _("Can be attached"),
                (_("Policy"), _("What it does")),
                [[named(kind), prose(summary(kind))] for kind in can_be],
                _("Nothing more."),
            )
        )
    acts = [Act(_("All of it as YAML"), f"{edit}?as=yaml", Scope.WRITE)]
    if target.waits:
        publish = reverse("console_api_publish", args=[target.waits])
        acts.insert(0, Act(_("Publish"), publish, Scope.WRITE, "main"))
    thing = Thing(
        title=_("Policies of %(name)s") % {"name": name},
        back=(target.back,),
        facts=(),
        acts=acts,
        parts=parts,
    )
    return show(request, actor, thing)


def _short(settings: Mapping[str, Any]) -> str:
    written = policy_forms.as_yaml(dict(settings)).strip().replace("\n", "; ")
    return written if len(written) <= 200 else f"{written[:200]}…"


@form_view
def edit(request: HttpRequest, place: str, name: str) -> HttpResponse:
    """One policy by its form or as YAML; with `as=yaml` alone all of the place as one text."""
    actor = allowed(request, Scope.WRITE, "API")
    target = _target(place, name)
    kind = request.GET.get("kind", "")
    if not kind:
        return _edit_all(request, actor, target)
    if kind not in kinds or not target.fits(kind):
        raise not_found("policy for this place", kind[:63])
    return _edit_one(request, actor, target, kind)


def _edit_one(request: HttpRequest, actor: Actor, target: Target, kind: str) -> HttpResponse:
    before = target.get(actor)
    present = next((use for use in before if use.kind == kind), None)
    settings = dict(present.settings if present else kinds[kind].example)
    edited = Edited.of(request, kinds[kind].model_json_schema(), settings)
    part = None
    if edited.is_tried:
        after = with_one(before, PolicyUse(kind, edited.settings))
        index = [use.kind for use in after].index(kind)
        edited.attempt(lambda: policies.check(after[index : index + 1]))
        if edited.do == "save" and not edited.errors:
            edited.attempt(lambda: target.put(actor, after))
        if edited.do == "save" and not edited.errors:
            return _saved(request, target)
        if not edited.errors:
            part = effect(actor, target, before, after)
    context = {
        "kind": kind,
        "doc": summary(kind),
        "present": present,
        "effect": part,
        **edited.context(),
        **_around(target),
    }
    return render(request, "console/policy.html", context, status=edited.status)


def with_one(uses: Uses, one: PolicyUse) -> Uses:
    """The list with a policy in the place of the one of its kind, or behind all others."""
    if any(use.kind == one.kind for use in uses):
        return tuple(one if use.kind == one.kind else use for use in uses)
    return (*uses, one)


def _around(target: Target) -> dict[str, Any]:
    return {
        "target": target,
        "list": target.address(),
        "back": (target.back, (_("Policies"), target.address())),
    }


def _saved(request: HttpRequest, target: Target) -> HttpResponse:
    told = _("Saved. Publish the API to put it in force.") if target.waits else _("In force now.")
    messages.success(request, told)
    if request.POST.get("then") == "publish" and target.waits:
        return redirect(reverse("console_api_publish", args=[target.waits]))
    return redirect(target.address())


def _edit_all(request: HttpRequest, actor: Actor, target: Target) -> HttpResponse:
    before = target.get(actor)
    written = policy_forms.as_yaml([_as_data(use) for use in before])
    errors: list[str] = []
    part = None
    if request.method == "POST":
        written = request.POST.get("yaml", "")
        try:
            after = _uses(policy_forms.from_yaml(written))
            policies.check(after)
            if request.POST.get("do") == "save":
                target.put(actor, after)
                return _saved(request, target)
            part = effect(actor, target, before, after)
        except Problem as error:
            if error.type in NOT_TO_MEND:
                raise
            errors = [f"{one.pointer} {said(one.message)}".strip() for one in error.errors]
            errors = errors or [refusal(error)]
        except ValueError as error:
            errors = [said(reason(error))]
    context = {"yaml": written, "errors": errors, "effect": part, **_around(target)}
    status = REFUSED if errors else 200
    return render(request, "console/policies_yaml.html", context, status=status)


def _as_data(use: PolicyUse) -> dict[str, Any]:
    return {"kind": use.kind, "settings": dict(use.settings)}


def _uses(found: Any) -> Uses:
    """Policies from a list of kind and settings.

    Raises:
        ValueError: it is none.
    """
    uses = []
    for number, one in enumerate(found or [], 1):
        if not isinstance(one, dict) or not isinstance(one.get("kind"), str):
            raise ValueError(_("Entry %(n)s has no kind.") % {"n": number})  # noqa: TRY004  # of a text
        settings = one.get("settings") or {}
        if set(one) - {"kind", "settings"} or not isinstance(settings, dict):
            raise ValueError(_("Entry %(n)s has more than kind and settings.") % {"n": number})
        uses.append(PolicyUse(one["kind"], settings))
    return tuple(uses)


@form_view
def remove(request: HttpRequest, place: str, kind: str, name: str) -> HttpResponse:
    """Take a policy away; it can be attached again."""
    actor = allowed(request, Scope.WRITE, "API")
    target = _target(place, name)
    before = target.get(actor)
    after = tuple(use for use in before if use.kind != kind)
    if after == before:
        raise not_found("policy here", kind[:63])
    form_page = FormPage(
        _("Remove %(kind)s from %(name)s") % {"kind": kind, "name": name},
        _("Remove it"),
        (target.back, (_("Policies"), target.address())),
        lead=_("It can be attached again; the audit log keeps its settings."),
        is_danger=True,
        hits=(effect(actor, target, before, after),),
    )
    return carry_out(
        request,
        form_page,
        SiteForm(request.POST or None),
        lambda _given: target.put(actor, after),
        lambda _done: (_("It is removed."), target.address()),
    )


def effect(actor: Actor, target: Target, before: Uses, after: Uses) -> Part:
    """What changes in the effective set: every policy that is not in force as it was."""
    old, new = (
        {(one.use.kind, one.place): one for one in effective(_chain(actor, target, uses))}
        for uses in (before, after)
    )
    rows = []
    for key in [*new, *(key for key in old if key not in new)]:
        was, now = old.get(key), new.get(key)
        if was != now:
            rows.append([code(key[0]), text(key[1]), _told(was), _told(now)])
    return Part(
        _("What changes in force"),
        (_("Policy"), _("Attached to"), _("Before"), _("After")),
        rows,
        _("Nothing."),
        lead=_("Of each kind an operation's own replaces the API's, and that the gateway's."),
    )


def _told(one: Any) -> Any:
    if one is None:
        return text(None)
    if one.replaced_by:
        return badge(_("replaced by %(place)s") % {"place": one.replaced_by})
    return code(_short(one.use.settings) or _("in force"))


def _chain(actor: Actor, target: Target, uses: Uses) -> Sequence[Place]:
    """The places that act together, the least specific first, with `uses` at the target."""
    own = Place(f"{target.place} {target.name}", "", uses)
    if target.place in {"gateway", "product"}:
        return [own]
    head = target.name.partition("/")[0]
    if target.place == "plan":
        return [Place(f"product {head}", "", policies.of_product(actor, head)), own]
    version = apis.get_version(actor, head)
    gateway = next(iter(gateways.published_on(version)), DEFAULT_GATEWAY)
    places = [Place(f"gateway {gateway}", "", policies.of_gateway(actor, gateway))]
    if target.place == "operation":
        places.append(Place(f"api {head}", "", policies.of_api(actor, head)))
    return [*places, own]
