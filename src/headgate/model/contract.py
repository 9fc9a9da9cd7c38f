"""What do an API's callers have to send, in a form that can be checked without its document?

A contract is made from a document when an API is published (`catalog/contracts.py`), kept under an
id that names its content, fetched by nodes and compiled by their validators. Its schemas are JSON
Schema 2020-12; `{"$ref": "#/$defs/<name>"}` leads into `Contract.schemas`.
"""

from dataclasses import dataclass, field
from typing import Any

import orjson

FORMAT = 1
"""Part of every contract's id: a newer Headgate makes its contracts anew."""

CONTRACT_BYTES_MAX = 64 * 1024**2
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
FORM_TYPES = (URLENCODED, MULTIPART)
Schema = dict[str, Any] | bool


@dataclass(frozen=True, slots=True)
class Shape:
    """What a parameter's text can stand for: JSON types, and those of its parts.

    Empty `types` is any type.
    """

    types: tuple[str, ...] = ()
    items: "Shape | None" = None
    properties: dict[str, "Shape"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `style` is OpenAPI's, or `tabDelimited` for Swagger's tsv.

    `is_json`: the text is JSON (OpenAPI's `content`). `allows_empty`: an empty value is not
    checked (`allowEmptyValue`).
    """

    location: str  # path, query, header, cookie
    name: str  # lower case for headers
    schema: Schema
    shape: Shape
    style: str
    explode: bool
    is_required: bool = False
    is_json: bool = False
    allows_empty: bool = False


@dataclass(frozen=True, slots=True)
class Media:
    """One content type (or range) of a body. `schema` None: only the type is checked.

    `fields` says of forms how each field is written; others are written once, as they are.
    """

    type: str  # lower case, without parameters
    schema: Schema | None = None
    fields: dict[str, Parameter] = field(default_factory=dict)
    required: tuple[str, ...] = ()  # fields of a multipart body


@dataclass(frozen=True, slots=True)
class Body:
    """What a body may be."""

    media: tuple[Media, ...]
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class OperationContract:
    """One operation. `path` has the base path in front. `responses`: by status, `2XX`, `default`;
    None stands for a body that nothing is said about."""

    row: int
    method: str
    path: str
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    responses: dict[str, Body | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Contract:
    """The operations of one published API that are to be checked, and the schemas they use."""

    id: str
    operations: tuple[OperationContract, ...]
    schemas: dict[str, Schema]


def is_json_type(kind: str) -> bool:
    """Whether a content type is JSON. Source: RFC 6839 §3.1 (`+json`)."""
    name = kind.partition(";")[0].strip().lower()
    return name == "application/json" or name.endswith("+json")


def contract_bytes(contract: Contract) -> bytes:
    """A contract as it is stored and sent. Deterministic."""
    return orjson.dumps(contract, option=orjson.OPT_SORT_KEYS)


def contract_from(data: bytes) -> Contract:
    """The reverse of `contract_bytes`.

    Written by hand, so that a validator's process needs nothing that it does not use.

    Raises:
        ValueError: this is no contract.
    """
    try:
        found = orjson.loads(data)
        return Contract(
            found["id"], tuple(map(_operation, found["operations"])), dict(found["schemas"])
        )
    except (KeyError, TypeError, AttributeError, orjson.JSONDecodeError) as error:
        raise ValueError(f"this is no contract: {error!r}") from error


def _operation(found: dict[str, Any]) -> OperationContract:
    return OperationContract(
        **found
        | {
            "parameters": tuple(map(_parameter, found["parameters"])),
            "body": _body(found["body"]),
            "responses": {status: _body(body) for status, body in found["responses"].items()},
        }
    )


def _parameter(found: dict[str, Any]) -> Parameter:
    return Parameter(**found | {"shape": _shape(found["shape"])})


def _body(found: dict[str, Any] | None) -> Body | None:
    if found is None:
        return None
    return Body(tuple(map(_media, found["media"])), found["is_required"])


def _media(found: dict[str, Any]) -> Media:
    fields = {name: _parameter(one) for name, one in found["fields"].items()}
    return Media(found["type"], found["schema"], fields, tuple(found["required"]))


def _shape(found: dict[str, Any]) -> Shape:
    return Shape(
        tuple(found["types"]),
        _shape(found["items"]) if found["items"] else None,
        {name: _shape(one) for name, one in found["properties"].items()},
    )
