"""How does a setting name a secret, and where does the secret take its place?

`${secret:NAME}` in a text of a policy's settings or of an upstream stands for the value of the
secret NAME; the rest of the text stays (`Bearer ${secret:billing}`). Everywhere but on a node the
reference is all there is: in the store, in revisions, exports, answers and the audit log. A node
gets the values beside the snapshot and puts them in just before it writes Envoy's files.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Annotated, Any, TypeVar, cast

import orjson
from pydantic import BeforeValidator, WithJsonSchema

from headgate.core.phrases import phrase
from headgate.core.problems import Detail
from headgate.core.text import name_error
from headgate.model.snapshot import Snapshot, SnapshotAPI

BEGIN = "${secret:"
REFERENCES_MAX = 1_000  # different secrets in one snapshot
_REFERENCE = re.compile(r"\$\{secret:([^{}]*)\}")
_REDACTED_CHARACTERS_MIN = 4  # shorter values would redact every other word

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reference:
    """One place in a snapshot that names a secret."""

    name: str
    owner: str  # for people: "API pets, listPets"
    pointer: str


class Resolved(str):
    """A text into which a secret's value has been put."""

    __slots__ = ()


def names_secret(value: object) -> bool:
    """Whether a text takes its secret from the store, or has it already."""
    return isinstance(value, Resolved) or (
        isinstance(value, str) and _REFERENCE.search(value) is not None
    )


def without_references(text: str) -> str:
    """`text` without the references in it: what is left is written as it stands."""
    return _REFERENCE.sub("", text)


def _only_reference(value: object) -> object:
    is_reference = isinstance(value, str) and _REFERENCE.fullmatch(value) is not None
    if not (is_reference or isinstance(value, Resolved)):
        raise ValueError(
            phrase(
                "a secret does not stand in the settings: store it with"
                " `headgate secret set NAME` and write ${{secret:NAME}} here"
            )
        )
    return value


SecretText = Annotated[
    str,
    BeforeValidator(_only_reference),
    WithJsonSchema({"type": "string", "format": "secret-reference"}),
]
"""A setting that is a secret: clear text is refused, a reference is not."""


def references(snapshot: Snapshot) -> list[Reference]:
    """Every place of a snapshot that names a secret, well written or not."""
    return [
        Reference(name, owner, place)
        for owner, pointer, value in _places(snapshot)
        for place, name in _named(value, pointer)
    ]


def reference_mistakes(found: list[Reference], known: Mapping[str, object]) -> list[Detail]:
    """What is wrong with references: names that cannot be, or that nothing is stored under."""
    mistakes: list[Detail] = []
    for one in found:
        if name_error(one.name) is not None:
            message = f"{one.owner}: {one.name[:60]!r} cannot name a secret; write {BEGIN}NAME}}"
            mistakes.append(Detail(message, one.pointer))
        elif one.name not in known:
            message = (
                f"{one.owner}: there is no secret '{one.name}'; store it: "
                f"headgate secret set {one.name}"
            )
            mistakes.append(Detail(message, one.pointer))
    if len({one.name for one in found}) > REFERENCES_MAX:
        mistakes.append(
            Detail(phrase("more than {most:,} different secrets are named", most=REFERENCES_MAX))
        )
    return mistakes


def fill(snapshot: Snapshot) -> Snapshot:
    """The snapshot with the values of its secrets in their places, as `Resolved` texts.

    A reference whose value did not come with the snapshot stays; `references` finds it.
    """
    values = snapshot.secrets
    if not values:
        return snapshot
    return replace(
        snapshot,
        apis=tuple(_filled_api(api, values) for api in snapshot.apis),
        policies=_filled(snapshot.policies, values),
        callers=_filled(snapshot.callers, values),
    )


def redact(text: str, values: Mapping[str, str]) -> str:
    """`text` with references in the place of values, also as Envoy and JSON write them."""
    for name, value in values.items():
        if len(value) < _REDACTED_CHARACTERS_MIN:
            continue
        doubled = value.replace("%", "%%")
        for written in (value, doubled):
            quoted = orjson.dumps(written).decode()[1:-1]
            for form in sorted({written, quoted, repr(written)[1:-1]}, key=len, reverse=True):
                text = text.replace(form, f"{BEGIN}{name}}}")
    return text


def _places(snapshot: Snapshot) -> Iterator[tuple[str, str, object]]:
    """Owner, pointer and value of everything in which a secret may be named."""
    yield "the gateway", "/policies", snapshot.policies
    for index, api in enumerate(snapshot.apis):
        yield f"API {api.name}", f"/apis/{index}/policies", api.policies
        yield f"API {api.name}", f"/apis/{index}/upstream", api.upstream
        for number, operation in enumerate(api.operations):
            if operation.policies:
                owner = f"API {api.name}, {operation.id}"
                yield owner, f"/apis/{index}/operations/{number}/policies", operation.policies
    for index, one in enumerate(snapshot.callers):
        yield one.place, f"/callers/{index}/policies", one.policies


def _named(value: object, pointer: str) -> Iterator[tuple[str, str]]:
    """Pointer and name of each reference within a value; a torn one has the rest as its name."""
    if isinstance(value, str):
        for part in value.split(BEGIN)[1:]:
            name, brace, _ = part.partition("}")
            yield pointer, name if brace else f"{name} (the closing brace is missing)"
    else:
        for key, inner in _members(value):
            yield from _named(inner, f"{pointer}/{_token(key)}")


def _members(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        yield from ((str(key), inner) for key, inner in value.items())
    elif isinstance(value, (list, tuple)):
        yield from ((str(index), inner) for index, inner in enumerate(value))
    elif is_dataclass(value):
        yield from ((field.name, getattr(value, field.name)) for field in fields(value))


def _token(part: str) -> str:
    """One reference token of a JSON pointer. Source: RFC 6901 §3."""
    return part.replace("~", "~0").replace("/", "~1")


def _filled_api(api: SnapshotAPI, values: Mapping[str, str]) -> SnapshotAPI:
    found = {
        operation.row: policies
        for operation in api.operations
        if operation.policies
        and (policies := _filled(operation.policies, values)) is not operation.policies
    }
    policies, upstream = _filled(api.policies, values), _filled(api.upstream, values)
    if not found and policies is api.policies and upstream is api.upstream:
        return api
    operations = tuple(
        replace(operation, policies=found[operation.row]) if operation.row in found else operation
        for operation in api.operations
    )
    return replace(api, operations=operations, policies=policies, upstream=upstream)


def _filled(value: T, values: Mapping[str, str]) -> T:
    """`value` with every known reference replaced; the same object where there is none."""
    if isinstance(value, str):
        return cast("T", _filled_text(value, values))
    members = dict(_members(value))
    filled = {key: _filled(inner, values) for key, inner in members.items()}
    if all(filled[key] is inner for key, inner in members.items()):
        return value
    if isinstance(value, Mapping):
        return cast("T", filled)
    if is_dataclass(value):
        return cast("T", replace(cast("Any", value), **filled))
    return cast("T", type(cast("Any", value))(filled.values()))


def _filled_text(text: str, values: Mapping[str, str]) -> str:
    if BEGIN not in text:
        return text
    filled = _REFERENCE.sub(lambda match: values.get(match[1], match[0]), text)
    return Resolved(filled) if filled != text else text
