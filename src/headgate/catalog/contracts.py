"""What does a document ask of the callers of its operations? Its contract, to be checked by nodes.

What a document leaves open stays open: an operation without `requestBody` takes any body, a
content type without a schema any content.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from headgate.catalog.dialect import Dialect, Side
from headgate.catalog.document import DocumentSource, Format
from headgate.catalog.findings import Findings
from headgate.catalog.importer import detect_format
from headgate.catalog.library import BrokenReference, Library, file_of
from headgate.catalog.operations import Found, Place, find_operations, follow
from headgate.catalog.pointers import keys, pointer
from headgate.catalog.swagger import swagger_body, swagger_parameter
from headgate.core.phrases import phrase
from headgate.core.problems import Bug, Detail, Problem, ProblemType
from headgate.model.contract import (
    FORM_TYPES,
    FORMAT,
    MULTIPART,
    Body,
    Contract,
    Media,
    OperationContract,
    Parameter,
    Shape,
    is_json_type,
)

IGNORED_HEADERS = frozenset({"accept", "content-type", "authorization"})  # OpenAPI 3.1 §4.8.12
STYLES: Mapping[str, str] = {
    "path": "simple",
    "query": "form",
    "header": "simple",
    "cookie": "form",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """An operation that a contract is to hold; `path` is the document's."""

    row: int
    method: str  # upper case
    path: str


def contract_id(document_sha256: str, base_path: str, wanted: Iterable[Wanted]) -> str:
    """The id of the contract that `make_contract` makes of the same, without making it."""
    parts = [FORMAT, document_sha256, base_path, *([w.row, w.method, w.path] for w in wanted)]
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()[:32]


def make_contract(
    name: str, document: dict[str, Any], base_path: str, wanted: Iterable[Wanted]
) -> Contract:
    """The contract of some operations of a bundled document.

    Raises:
        Problem: a reference leads nowhere, with the place of each.
    """
    findings = Findings()
    entry = file_of("", document)
    document_format = detect_format(entry, findings)
    if document_format is None:
        raise Bug("a bundled document is neither Swagger nor OpenAPI")
    library = Library(DocumentSource({"": ""}, ""), findings)
    maker = _Maker(library, document_format, document, base_path)
    found = {(one.method.upper(), one.path): one for one in find_operations(library, entry)}
    broken: list[Detail] = []
    operations: list[OperationContract] = []
    for one in wanted:
        place = found.get((one.method, one.path))
        if place is None:
            continue  # an operation that the document no longer has
        try:
            operations.append(maker.operation(one, place))
        except BrokenReference as error:
            broken.append(Detail(str(error), pointer(keys(place.operation.at))))
    try:
        schemas = maker.dialect.finish()
    except BrokenReference as error:
        broken.append(Detail(str(error)))
    if broken:
        raise Problem(
            ProblemType.CONFLICT,
            phrase("Calls of this API cannot be validated: {message}.", message=broken[0].message),
            "Correct the document's references, or take the policy `validate` off.",
            broken,
        )
    return Contract(name, tuple(operations), schemas)


class _Maker:
    """Makes the contracts of one document's operations, which share its schemas."""

    def __init__(
        self, library: Library, document_format: Format, root: dict[str, Any], base_path: str
    ) -> None:
        self._library = library
        self._format = document_format
        self._root = root
        self._base_path = base_path
        self.dialect = Dialect(library, document_format)

    def operation(self, wanted: Wanted, found: Found) -> OperationContract:
        """One operation."""
        own = found.operation
        listed = [*self._items(found.shared), *self._items(_field(own, "parameters"))]
        by_name = {(p.value.get("in"), p.value.get("name")): p for p in listed}
        places = list(by_name.values())
        is_swagger = self._format is Format.SWAGGER_2_0
        made = [self._parameter(place) for place in places]
        if is_swagger:
            body = swagger_body(self.dialect, self._root, own.value, places)
        else:
            body = self._request_body(_field(own, "requestBody"))
        return OperationContract(
            row=wanted.row,
            method=wanted.method,
            path=self._base_path + wanted.path,
            parameters=tuple(parameter for parameter in made if parameter),
            body=body,
            responses=self._responses(own, is_swagger=is_swagger),
        )

    def _items(self, at: Place | None) -> Iterable[Place]:
        if at is None or not isinstance(at.value, list):
            return
        for index in range(len(at.value)):
            item = follow(self._library, _field(at, index))
            if item is not None and isinstance(item.value.get("name"), str):
                yield item

    def _parameter(self, at: Place) -> Parameter | None:
        value = at.value
        location, name = value.get("in"), value["name"]
        if location not in STYLES or (location == "header" and name.lower() in IGNORED_HEADERS):
            return None
        if self._format is Format.SWAGGER_2_0:
            return swagger_parameter(self.dialect, at)
        content = value.get("content")
        schema_at = _field(at, "schema")
        is_json = False
        if isinstance(content, dict) and content:
            kind = next(iter(content))
            schema_at = _field(_field(_field(at, "content"), kind), "schema")
            is_json = is_json_type(kind)
            if not is_json:
                schema_at = Place(True, at.file, at.at)  # noqa: FBT003  # the schema of anything
        style = value.get("style") or STYLES[location]
        return Parameter(
            location=location,
            name=name.lower() if location == "header" else name,
            schema=self.dialect.schema(schema_at, Side.REQUEST),
            shape=Shape() if is_json else self.dialect.shape(schema_at),
            style=style,
            explode=value.get("explode", style == "form") is True,
            is_required=location == "path" or value.get("required") is True,
            is_json=is_json,
            allows_empty=value.get("allowEmptyValue") is True,
        )

    def _request_body(self, at: Place) -> Body | None:
        found = follow(self._library, at)
        if found is None:
            return None
        return self._body(found, Side.REQUEST, is_required=found.value.get("required") is True)

    def _body(self, at: Place, side: Side, *, is_required: bool = False) -> Body | None:
        content = at.value.get("content")
        if not isinstance(content, dict) or not content:
            return None
        places = ((kind, _field(_field(at, "content"), kind)) for kind in content)
        media = (self._media(kind, place, side) for kind, place in places)
        return Body(tuple(media), is_required)

    def _media(self, kind: str, at: Place, side: Side) -> Media:
        name = kind.partition(";")[0].strip().lower()
        name = name if "/" in name else "*/*"  # no type at all says nothing
        value = at.value if isinstance(at.value, dict) else {}
        if "schema" not in value:
            return Media(name)
        schema_at = _field(at, "schema")
        if name in FORM_TYPES and side is Side.REQUEST:
            return form(self.dialect, name, schema_at, value.get("encoding"))
        if not is_json_type(name) and name not in {"*/*", "application/*"}:
            return Media(name)
        return Media(name, self.dialect.schema(schema_at, side))

    def _responses(self, own: Place, *, is_swagger: bool) -> dict[str, Body | None]:
        listed = own.value.get("responses")
        found: dict[str, Body | None] = {}
        for status in listed if isinstance(listed, dict) else ():
            response = follow(self._library, _field(_field(own, "responses"), status))
            if response is None or str(status).startswith("x-"):
                continue
            key = str(status).upper() if str(status) != "default" else "default"
            if not is_swagger:
                found[key] = self._body(response, Side.RESPONSE)
            elif "schema" in response.value:
                kinds = own.value.get("produces") or self._root.get("produces") or ()
                schema = self.dialect.schema(_field(response, "schema"), Side.RESPONSE)
                media = tuple(Media(kind.lower(), schema) for kind in kinds if is_json_type(kind))
                found[key] = Body(media) if media else None
            else:
                found[key] = None
        return found


def form(dialect: Dialect, name: str, at: Place, encoding: object) -> Media:
    """A form: each property of its schema is a field, written as its `encoding` says.

    Of a multipart body only the presence of required fields is checked.
    """
    settings = encoding if isinstance(encoding, dict) else {}
    resolved = dialect.resolved(at)
    schema = dialect.schema(at, Side.REQUEST)
    shape = dialect.shape(at)
    own = resolved.value.get("required") if isinstance(resolved.value, dict) else None
    required = tuple(item for item in own if isinstance(item, str)) if isinstance(own, list) else ()
    if name == MULTIPART:
        return Media(name, True, required=required)  # noqa: FBT003  # any content
    fields = {}
    for key, part in shape.properties.items():
        said = settings.get(key)
        said = said if isinstance(said, dict) else {}
        style = said.get("style") or "form"
        fields[key] = Parameter(
            location="query",
            name=key,
            schema=True,
            shape=part,
            style=style,
            explode=said.get("explode", style == "form") is True,
            is_json=is_json_type(str(said.get("contentType", ""))) or "object" in part.types,
        )
    return Media(name, schema, fields)


def _field(at: Place, step: str | int) -> Place:
    value = at.value
    if isinstance(value, list) and isinstance(step, int):
        return Place(value[step], at.file, (at.at, step))
    found = value.get(step) if isinstance(value, dict) else None
    return Place(found, at.file, (at.at, step))
