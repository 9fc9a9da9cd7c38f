"""What is wrong with a call, and how is that said to its caller?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import jsonschema_rs
import orjson

from headgate.core.problems import TYPE_PREFIX
from headgate.model.contract import Schema

MISTAKES_MAX = 20  # told of one call
MESSAGE_CHARACTERS_MAX = 300
BACKTRACKS_MAX = 50_000  # of a pattern with look-arounds, which no engine matches in linear time
MASK = "the value"  # an answer repeats nothing that was sent: it may be a secret

TYPES: Mapping[int, tuple[str, str, str]] = {
    400: (
        "invalid-request",
        "The request does not fit the API's description.",
        "Correct the listed places and send it again.",
    ),
    413: ("too-large", "The request's body is larger than the API takes.", "Send a smaller body."),
    415: (
        "unsupported-media-type",
        "The request's body is not of a type that the API takes.",
        "Send one of the listed types.",
    ),
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One place that is wrong. `parameter` is empty for the body, where `pointer` leads."""

    message: str
    pointer: str = ""
    parameter: str = ""


@dataclass(frozen=True, slots=True)
class Misfit:
    """A call or an answer that does not fit. `status` is what a caller gets."""

    status: int
    mistakes: tuple[Mistake, ...]

    def as_json(self, request_id: str, types: str = TYPE_PREFIX) -> bytes:
        """The problem document; `types` is what its `type` begins with. Source: RFC 9457."""
        kind, detail, next_step = TYPES[self.status]
        return orjson.dumps(
            {
                "type": types + kind,
                "title": kind.replace("-", " ").capitalize(),
                "status": self.status,
                "detail": detail,
                "next_step": next_step,
                "request_id": request_id,
                "errors": [
                    {name: value for name, value in _members(one) if value or name == "message"}
                    for one in self.mistakes
                ],
            }
        )


def compiled(schema: Schema, schemas: Mapping[str, Schema]) -> jsonschema_rs.Validator:
    """A schema ready to check values; `schemas` are what its references lead to.

    Raises:
        jsonschema_rs.ValidationError: it is no schema.
        jsonschema_rs.ReferencingError: a reference leads nowhere.
    """
    whole: Schema = schema
    needed = _needed(schema, schemas)
    if needed and isinstance(schema, dict):
        whole = schema | {"$defs": needed}
    return jsonschema_rs.Draft202012Validator(
        whole,
        validate_formats=True,
        mask=MASK,
        pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=BACKTRACKS_MAX),
        offline=True,
    )


def mistakes_of(
    validator: jsonschema_rs.Validator, value: Any, parameter: str = ""
) -> tuple[Mistake, ...]:
    """What is wrong with a value; empty when nothing is. At most `MISTAKES_MAX`."""
    errors = islice(validator.iter_errors(value), MISTAKES_MAX)
    return tuple(
        Mistake(error.message[:MESSAGE_CHARACTERS_MAX], _pointer(error.instance_path), parameter)
        for error in errors
    )


def _members(one: Mistake) -> Iterator[tuple[str, str]]:
    yield "pointer", one.pointer
    yield "parameter", one.parameter
    yield "message", one.message


def _pointer(path: list[str | int]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def _needed(schema: Schema, schemas: Mapping[str, Schema]) -> dict[str, Schema]:
    """The named schemas that a schema leads to, directly or through others."""
    found: dict[str, Schema] = {}
    waiting: list[Any] = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        if not isinstance(value, dict):
            continue
        waiting += value.values()
        reference = value.get("$ref")
        name = reference.removeprefix("#/$defs/") if isinstance(reference, str) else ""
        if name in schemas and name not in found:
            found[name] = schemas[name]
            waiting.append(schemas[name])
    return found
