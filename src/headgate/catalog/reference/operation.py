"""What does the page of one operation show? Parameters, bodies, answers and examples of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from typing import Any

from headgate.catalog.contracts import IGNORED_HEADERS, STYLES
from headgate.catalog.dialect import Side
from headgate.catalog.document import (
    DESCRIPTION_CHARACTERS_MAX,
    PARAMETERS_MAX,
    SUMMARY_CHARACTERS_MAX,
)
from headgate.catalog.operations import shown
from headgate.catalog.pointers import MISSING, pointer
from headgate.catalog.reference.examples import example
from headgate.catalog.reference.index import Entry, Link
from headgate.catalog.reference.merged import merged
from headgate.catalog.reference.parts import Found, Parts
from headgate.catalog.reference.tree import Node, Tree
from headgate.catalog.styles import Written
from headgate.model.contract import is_json_type

MEDIA_MAX = 20  # of one body
RESPONSES_MAX = 50
HEADERS_MAX = 50  # of one response
WIDE = 20  # properties of a body from which on only the first level is opened
OPENED_MAX = 50  # nodes of each side after which no more are opened unasked
EXAMPLES_MAX = 10  # of one media type
PLACES = ("path", "query", "header", "cookie")
_STATUS_TEXT = {"1XX": "Informational", "2XX": "Success", "3XX": "Redirection"} | {
    "4XX": "Client error",
    "5XX": "Server error",
    "DEFAULT": "Any other",
}


@dataclass(frozen=True, slots=True)
class ExampleView:
    """An example. `is_given`: it stands in the document."""

    name: str
    summary: str
    value: Any
    is_given: bool


@dataclass(frozen=True, slots=True)
class ParameterView:
    """A parameter, or a header of a response. `example`: a value for it, `MISSING` if none."""

    place: str  # path, query, header, cookie
    name: str
    description: str
    is_required: bool
    is_deprecated: bool
    style: str
    explode: bool
    is_json: bool
    schema: Node
    example: Any
    is_example_given: bool

    @property
    def written(self) -> Written:
        """The example as it is put into a request."""
        return Written(self.name, self.example, self.style, self.explode, self.is_json)


@dataclass(frozen=True, slots=True)
class MediaView:
    """A body in one content type. `encodings`: content type of a form's field, where given."""

    type: str
    schema: Node | None
    examples: tuple[ExampleView, ...]
    encodings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BodyView:
    """What is sent."""

    description: str
    is_required: bool
    media: tuple[MediaView, ...]


@dataclass(frozen=True, slots=True)
class ResponseView:
    """What comes back with a status: `200`, `4XX`, `default`."""

    status: str
    reason: str
    description: str
    headers: tuple[ParameterView, ...]
    media: tuple[MediaView, ...]


@dataclass(frozen=True, slots=True)
class OperationView:
    """The page of one operation. Descriptions are Markdown."""

    entry: Entry
    description: str
    link: Link | None
    parameters: tuple[ParameterView, ...]
    body: BodyView | None
    responses: tuple[ResponseView, ...]

    def parameters_in(self, place: str) -> tuple[ParameterView, ...]:
        """Those in one place."""
        return tuple(one for one in self.parameters if one.place == place)

    @property
    def places(self) -> tuple[tuple[str, tuple[ParameterView, ...]], ...]:
        """Parameters by place, without places that have none."""
        found = ((place, self.parameters_in(place)) for place in PLACES)
        return tuple((place, some) for place, some in found if some)


def operation_view(parts: Parts, entry: Entry, *, with_responses: bool = True) -> OperationView:
    """The page of an operation, from the parts that it needs."""
    parts.fetch(filter(None, (entry.pointer, entry.shared_pointer)))
    found = parts.value(entry.pointer)
    value = found if isinstance(found, dict) else {}
    return _Maker(parts).operation(entry, value, with_responses=with_responses)


class _Maker:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._request = Tree(parts, Side.REQUEST, OPENED_MAX)
        self._response = Tree(parts, Side.RESPONSE, OPENED_MAX)

    def operation(
        self, entry: Entry, found: Mapping[str, Any], *, with_responses: bool
    ) -> OperationView:
        parameters = tuple(self._parameters(entry))
        order = {place: number for number, place in enumerate(PLACES)}
        documentation = found.get("externalDocs")
        return OperationView(
            entry=entry,
            description=_described(found),
            link=_link(documentation),
            parameters=tuple(sorted(parameters, key=lambda one: order[one.place])),
            body=self._body(f"{entry.pointer}/requestBody"),
            responses=tuple(self._responses(entry)) if with_responses else (),
        )

    def _parameters(self, entry: Entry) -> Iterator[ParameterView]:
        """Those of the operation before those of its path, as the document has them."""
        found: dict[tuple[str, str], Found] = {}
        for at in (entry.shared_pointer, f"{entry.pointer}/parameters"):
            listed = self._parts.value(at) if at else None
            if not isinstance(listed, list):
                continue
            self._parts.fetch_references(listed[:PARAMETERS_MAX])
            for index in range(min(len(listed), PARAMETERS_MAX)):
                one = self._parts.follow(f"{at}/{index}")
                if one is not None and isinstance(one.value.get("name"), str):
                    found[str(one.value.get("in")), one.value["name"]] = one
        for (place, name), one in found.items():
            is_ignored = place == "header" and name.lower() in IGNORED_HEADERS
            if place in PLACES and not is_ignored:
                yield self._parameter(place, name, one, self._request)

    def _parameter(self, place: str, name: str, found: Found, tree: Tree) -> ParameterView:
        value = found.value
        kind, at = _schema_place(found)
        side = Side.REQUEST if tree is self._request else Side.RESPONSE
        given = self._given(found)
        made = example(self._parts, at, side) if given is None else None
        is_given = given is not None or (made is not None and made.is_given)
        style = str(value.get("style") or STYLES.get(place, "simple"))
        return ParameterView(
            place=place,
            name=name,
            description=_described(value),
            is_required=place == "path" or value.get("required") is True,
            is_deprecated=value.get("deprecated") is True,
            style=style,
            explode=value.get("explode", style == "form") is True,
            is_json=is_json_type(kind),
            schema=tree.root(at, levels=0 if place != "query" else 1),
            example=given.value if given else made.value if made else MISSING,
            is_example_given=is_given,
        )

    def _body(self, at: str) -> BodyView | None:
        found = self._parts.follow(at)
        if found is None:
            return None
        return BodyView(
            description=_described(found.value),
            is_required=found.value.get("required") is True,
            media=tuple(self._media(found, self._request, levels=2)),
        )

    def _media(self, found: Found, tree: Tree, levels: int) -> Iterator[MediaView]:
        content = found.value.get("content")
        for kind in islice(content, MEDIA_MAX) if isinstance(content, dict) else ():
            one = Found(f"{found.pointer}{pointer(('content', kind))}", content[kind])
            value = one.value if isinstance(one.value, dict) else {}
            has_schema = isinstance(value.get("schema"), dict | bool)
            at = f"{one.pointer}/schema"
            if levels > 1 and len(merged(self._parts, at).properties) > WIDE:
                levels = 1
            yield MediaView(
                type=str(kind),
                schema=tree.root(at, levels) if has_schema else None,
                examples=tuple(self._examples(one, at if has_schema else "", tree)),
                encodings=_encodings(value.get("encoding")),
            )

    def _examples(self, found: Found, at: str, tree: Tree) -> Iterator[ExampleView]:
        """Those of the document; without any, one that is made of the schema."""
        given = list(islice(self._given_examples(found), EXAMPLES_MAX))
        yield from given
        if given or not at:
            return
        side = Side.REQUEST if tree is self._request else Side.RESPONSE
        made = example(self._parts, at, side)
        if made is not None:
            yield ExampleView("", "", made.value, made.is_given)

    def _given(self, found: Found) -> ExampleView | None:
        return next(self._given_examples(found), None)

    def _given_examples(self, found: Found) -> Iterator[ExampleView]:
        if not isinstance(found.value, dict):
            return
        many = found.value.get("examples")
        for name in islice(many, EXAMPLES_MAX) if isinstance(many, dict) else ():
            one = self._parts.follow(f"{found.pointer}{pointer(('examples', name))}")
            if one is not None and "value" in one.value:
                summary = shown(one.value.get("summary"), SUMMARY_CHARACTERS_MAX)
                yield ExampleView(str(name), summary, one.value["value"], is_given=True)
        if "example" in found.value:
            yield ExampleView("", "", found.value["example"], is_given=True)

    def _responses(self, entry: Entry) -> Iterator[ResponseView]:
        at = f"{entry.pointer}/responses"
        listed = self._parts.value(at)
        names = (
            [name for name in listed if not str(name).startswith("x-")]
            if isinstance(listed, dict)
            else []
        )
        self._parts.fetch_references(listed[name] for name in names[:RESPONSES_MAX])
        for name in sorted(names[:RESPONSES_MAX], key=_status_order):
            found = self._parts.follow(f"{at}{pointer((name,))}")
            if found is not None:
                is_success = str(name).startswith("2")
                yield ResponseView(
                    status=str(name),
                    reason=_reason(str(name)),
                    description=_described(found.value),
                    headers=tuple(self._headers(found)),
                    media=tuple(self._media(found, self._response, levels=int(is_success))),
                )

    def _headers(self, found: Found) -> Iterator[ParameterView]:
        listed = found.value.get("headers")
        for name in islice(listed, HEADERS_MAX) if isinstance(listed, dict) else ():
            one = self._parts.follow(f"{found.pointer}{pointer(('headers', name))}")
            if one is not None and name.lower() != "content-type":
                yield self._parameter("header", name, one, self._response)


def _schema_place(found: Found) -> tuple[str, str]:
    """The content type of a parameter, "" for plain texts, and the address of its schema."""
    content = found.value.get("content")
    if isinstance(content, dict) and content:
        kind = next(iter(content))
        return str(kind), f"{found.pointer}{pointer(('content', kind, 'schema'))}"
    return "", f"{found.pointer}/schema"


def _encodings(value: object) -> dict[str, str]:
    listed = value if isinstance(value, dict) else {}
    found = (
        (name, one.get("contentType")) for name, one in listed.items() if isinstance(one, dict)
    )
    return {str(name): kind for name, kind in found if isinstance(kind, str)}


def _link(value: object) -> Link | None:
    url = value.get("url") if isinstance(value, dict) else None
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        return None
    words = (
        shown(value.get("description"), SUMMARY_CHARACTERS_MAX) if isinstance(value, dict) else ""
    )
    return Link(url[:SUMMARY_CHARACTERS_MAX], words or "More about it")


def _described(value: Mapping[str, Any]) -> str:
    return shown(value.get("description"), DESCRIPTION_CHARACTERS_MAX)


def _reason(status: str) -> str:
    if status.upper() in _STATUS_TEXT:
        return _STATUS_TEXT[status.upper()]
    try:
        return HTTPStatus(int(status)).phrase
    except ValueError:
        return ""


def _status_order(status: str) -> tuple[int, str]:
    """Successes first, then by number; `default` last."""
    text = str(status)
    return (0 if text.startswith("2") else 2 if text.lower() == "default" else 1), text
