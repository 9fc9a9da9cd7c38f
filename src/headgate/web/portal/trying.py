"""What does an operation answer, right now? A call through the real gateway, from a page.

The call is made by the web process, so that the page asks no other host: to the gateway's address
and nowhere else, with the key that the reader types, which is kept nowhere. It counts and is
recorded like any call. At most `AT_ONCE_MAX` run at a time in one process; `TRIES_PER_MINUTE` of a
person are counted over all processes.
"""

import contextlib
import json
import threading
import time
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from headgate.catalog.reference.operation import OperationView, ParameterView
from headgate.catalog.sample import FormBody, JSONBody, SampleRequest, TextBody, sample_request
from headgate.core.problems import DependencyError
from headgate.store.services.catalog import reference
from headgate.store.services.catalog.reference import Reference
from headgate.store.tries import SharedLimit
from headgate.web.accounts.limits import too_many_tries
from headgate.web.portal.reference import found_for
from headgate.web.site.forms import SiteForm, form_view
from headgate.web.site.signed_in import origin, person

AT_ONCE_MAX = 2  # a slow upstream must not take the threads that pages need
TRIES_PER_MINUTE = 30
SECONDS_MAX = 15.0
ANSWER_BYTES_MAX = 200_000
VALUE_CHARACTERS_MAX = 4_000
BODY_CHARACTERS_MAX = 100_000
KEY_CHARACTERS_MAX = 200
URLENCODED = "application/x-www-form-urlencoded"
NOT_SENT = frozenset({"host", "content-length", "transfer-encoding", "connection", "te", "upgrade"})
_at_once = threading.BoundedSemaphore(AT_ONCE_MAX)
_tries = SharedLimit("trying", TRIES_PER_MINUTE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` is as text; `is_cut`: there was more of it."""

    status: int
    reason: str
    milliseconds: float
    headers: tuple[tuple[str, str], ...]
    body: str
    is_cut: bool
    request_id: str


class TryForm(SiteForm):
    """A field for each parameter, the body, and the key."""

    def __init__(self, view: OperationView, first: SampleRequest, *given: Any) -> None:
        super().__init__(*given)
        for number, one in enumerate(view.parameters):
            self.fields[f"p{number}"] = forms.CharField(
                label=f"{one.name} ({one.place})",
                required=one.is_required,
                max_length=VALUE_CHARACTERS_MAX,
                initial=_shown(one) if one.is_required or one.is_example_given else "",
            )
        if isinstance(first.body, JSONBody | TextBody | FormBody):
            self.fields["body"] = forms.CharField(
                label=_("Body"),
                required=False,
                max_length=BODY_CHARACTERS_MAX,
                initial=_body_text(first),
                widget=forms.Textarea(attrs={"class": "code", "rows": 10, "spellcheck": "false"}),
            )
        if first.key is not None:
            self.fields["key"] = forms.CharField(
                label=gettext_lazy("Your key"),
                required=False,
                max_length=KEY_CHARACTERS_MAX,
                help_text=gettext_lazy("It is sent with this call and kept nowhere."),
                widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
            )


@form_view
def page(request: HttpRequest, name: str, slug: str) -> HttpResponse:
    """The form, and what the operation answered."""
    user = person(request)
    found = found_for(name)
    view = reference.operation(found, slug)
    first = reference.call(found, view)
    form = TryForm(view, first, request.POST if request.method == "POST" else None)

    def sent(fields: dict[str, Any]) -> Answer:
        if not _tries.take(user.id, origin(request).at):
            raise too_many_tries()
        return _sent(_request(found, view, first, fields), fields.get("key", ""))

    form.do(sent)
    context = {
        "reference": found,
        "version": found.version,
        "index": found.index,
        "entry": view.entry,
        "form": form,
        "answer": form.result,
        "is_possible": first.body is None
        or isinstance(first.body, JSONBody | TextBody)
        or not getattr(first.body, "is_multipart", True),
    }
    return render(request, "portal/reference/try.html", context)


def _request(
    found: Reference, view: OperationView, first: SampleRequest, fields: dict[str, Any]
) -> SampleRequest:
    """The call as it was filled in."""
    filled = tuple(
        replace(one, example=_value(fields[f"p{number}"]), is_example_given=True)
        for number, one in enumerate(view.parameters)
        if fields[f"p{number}"] != ""
    )
    made = sample_request(replace(view, parameters=filled), found.server, found.sources)
    if "body" not in fields:
        return made
    headers = made.headers
    if isinstance(first.body, FormBody):
        headers = (*headers, ("Content-Type", URLENCODED))
    return replace(made, headers=headers, body=TextBody(fields["body"]))


def _sent(call: SampleRequest, key: str) -> Answer:
    url, headers = call.url, [one for one in call.headers if one[0].lower() not in NOT_SENT]
    if call.key is not None and key:
        if call.key.is_in_query:
            url = call.url_before_key + quote(key, safe="")
        else:
            headers.append((call.key.name, call.key.prefix + key))
    content = (
        call.body.text.encode() if isinstance(call.body, TextBody) and call.body.text else None
    )
    if not _at_once.acquire(blocking=False):
        raise DependencyError(_("Others are trying calls right now"), is_retryable=True)
    started = time.monotonic()
    try:
        with (
            httpx2.Client(timeout=SECONDS_MAX, trust_env=False) as client,
            client.stream(call.method, url, headers=headers, content=content) as answer,
        ):
            raw, is_cut = _read(answer)
            return _answer(answer, raw, is_cut=is_cut, seconds=time.monotonic() - started)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise DependencyError(
            _("The gateway was not reached: %(why)s") % {"why": type(error).__name__},
            is_retryable=True,
        ) from error
    finally:
        _at_once.release()


def _read(answer: "httpx2.Response") -> tuple[bytes, bool]:
    found = b""
    deadline = time.monotonic() + SECONDS_MAX
    for piece in answer.iter_bytes():
        found += piece
        if len(found) > ANSWER_BYTES_MAX or time.monotonic() > deadline:
            return found[:ANSWER_BYTES_MAX], True
    return found, False


def _answer(answer: "httpx2.Response", raw: bytes, *, is_cut: bool, seconds: float) -> Answer:
    text = raw.decode(answer.encoding or "utf-8", "replace").replace("\0", "")
    if "json" in answer.headers.get("content-type", "") and not is_cut:
        with contextlib.suppress(ValueError):  # what says that it is JSON and is not: as it is
            text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return Answer(
        answer.status_code,
        answer.reason_phrase,
        seconds * 1000,
        tuple(answer.headers.multi_items()),
        text,
        is_cut,
        answer.headers.get("x-request-id", ""),
    )


def _value(text: str) -> Any:
    """What somebody typed: lists and objects as JSON, anything else as it stands."""
    if text[:1] in {"[", "{"}:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _shown(one: ParameterView) -> str:
    example = one.example
    if isinstance(example, str):
        return example
    return json.dumps(example, ensure_ascii=False) if _is_json(example) else ""


def _is_json(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | list | dict)


def _body_text(first: SampleRequest) -> str:
    if isinstance(first.body, FormBody):
        return urlencode([(one.name, one.value) for one in first.body.fields])
    return first.body.text if isinstance(first.body, JSONBody | TextBody) else ""
