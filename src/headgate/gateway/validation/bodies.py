"""Does a body fit what its operation takes? Content types, encodings, JSON and forms.

| body | rule |
|---|---|
| none, where one is required | 400 |
| of a type that is not listed, or without a type | 415 |
| compressed (`Content-Encoding`) | 415: what was not read was not checked |
| in another charset than UTF-8 (JSON, form) | 415 |
| JSON that not everybody reads alike | 400 (`json_text.py`) |
| JSON, form | checked against the schema |
| multipart | required fields are there; their content is not looked at |
| any other type | only the type is checked |
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from headgate.gateway.validation import json_text
from headgate.gateway.validation.mistakes import Misfit, Mistake, compiled, mistakes_of
from headgate.gateway.validation.text import NotText, decoded, objects_of, pairs, readings
from headgate.model.contract import (
    MULTIPART,
    URLENCODED,
    Body,
    Media,
    Parameter,
    Schema,
    Shape,
    is_json_type,
)

FIELDS_MAX = 1_000  # of one form
PARTS_MAX = 200  # of one multipart body
_UTF_8 = frozenset({"utf-8", "utf8", "us-ascii"})
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^";\s]*)', re.IGNORECASE)
_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^;\s]{1,70}))', re.IGNORECASE)
_PART_NAME = re.compile(
    rb'^content-disposition\s*:\s*form-data\b[^\r\n]*?;\s*name\s*=\s*(?:"([^"\r\n]*)"|([^;\s]+))',
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """One content type, ready to check. `shape` is what the fields of a form make."""

    media: Media
    validator: jsonschema_rs.Validator | None
    shape: Shape


class BodyJudge:
    """Judges bodies of one operation's requests, or of one status of its responses."""

    def __init__(self, body: Body, schemas: Mapping[str, Schema]) -> None:
        self._is_required = body.is_required
        self._kinds = {media.type: _kind(media, schemas) for media in body.media}

    def judge(self, headers: Mapping[str, str], body: bytes) -> Misfit | None:
        """What is wrong with a body; `headers` have lower-case names."""
        if not body:
            if self._is_required:
                return Misfit(400, (Mistake("a body is required"),))
            return None
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding not in {"", "identity"}:
            return _wrong_type(f"content-encoding {encoding[:40]!r} is not taken: send it plain")
        declared = headers.get("content-type", "")
        name = declared.partition(";")[0].strip().lower()
        kind = self._kind_of(name)
        if kind is None:
            listed = ", ".join(self._kinds)
            return _wrong_type(f"content-type {name[:100]!r} is not taken; taken: {listed}")
        is_checked = kind.validator is not None or kind.media.type == MULTIPART
        if not is_checked:
            return None
        if name != MULTIPART and _charset(declared) not in _UTF_8:
            return _wrong_type("the charset is not UTF-8")
        return self._content(kind, name, declared, body)

    def _kind_of(self, name: str) -> _Kind | None:
        """The most specific of the listed types that takes `name`."""
        if not name:
            return None
        main = name.partition("/")[0]
        for listed in (name, f"{main}/*", "*/*"):
            if listed in self._kinds:
                return self._kinds[listed]
        return None

    def _content(self, kind: _Kind, name: str, declared: str, body: bytes) -> Misfit | None:
        if name == MULTIPART:
            found = _multipart_mistakes(kind.media, declared, body)
        elif name == URLENCODED:
            found = _form_mistakes(kind, body)
        elif is_json_type(name):
            found = _json_mistakes(kind, body)
        else:
            found = ()
        return Misfit(400, found) if found else None


def _kind(media: Media, schemas: Mapping[str, Schema]) -> _Kind:
    validator = None if media.schema is None else compiled(media.schema, schemas)
    return _Kind(
        media, validator, Shape(("object",), None, {n: f.shape for n, f in media.fields.items()})
    )


def _wrong_type(message: str) -> Misfit:
    return Misfit(415, (Mistake(message),))


def _charset(declared: str) -> str:
    if ";" not in declared:
        return "utf-8"
    match = _CHARSET.search(declared)
    return match[1].lower() if match else "utf-8"


def _json_mistakes(kind: _Kind, body: bytes) -> tuple[Mistake, ...]:
    try:
        value = json_text.parse(body)
    except json_text.NotJSON as error:
        return (Mistake(str(error)),)
    if kind.validator is None or kind.validator.is_valid(value):
        return ()
    return mistakes_of(kind.validator, value)


def _form_mistakes(kind: _Kind, body: bytes) -> tuple[Mistake, ...]:
    """A form as one object: fields that are lists or objects by their style, the rest as texts."""
    try:
        listed = pairs(body.decode())
    except UnicodeDecodeError:
        return (Mistake("the form is not UTF-8"),)
    except NotText as error:
        return (Mistake(f"a field's name {error}"),)
    if len(listed) > FIELDS_MAX:
        return (Mistake(f"the form has more than {FIELDS_MAX} fields"),)
    raws: dict[str, list[str]] = {}
    for name, raw in listed:
        raws.setdefault(name, []).append(raw)
    plain: dict[str, list[str]] = {}
    written: dict[str, Any] = {}
    for name, texts in raws.items():
        field = kind.media.fields.get(name)
        try:
            if field is None or not _is_compound(field):
                plain[name] = [decoded(text) for text in texts]
            else:
                written[name] = _compound(field, texts)
        except (NotText, json_text.NotJSON) as error:
            return (Mistake(str(error), f"/{name}"),)
    return _first_fit(kind, plain, written)


def _first_fit(
    kind: _Kind, plain: Mapping[str, list[str]], written: Mapping[str, Any]
) -> tuple[Mistake, ...]:
    found: tuple[Mistake, ...] = ()
    if kind.validator is None:
        return found
    for value in objects_of(plain, kind.shape):
        wrong = mistakes_of(kind.validator, value | written)
        if not wrong:
            return ()
        found = found or wrong
    return found


def _is_compound(field: Parameter) -> bool:
    return field.is_json or "array" in field.shape.types or "object" in field.shape.types


def _compound(field: Parameter, texts: list[str]) -> Any:
    if field.is_json and len(texts) == 1:
        return json_text.parse(decoded(texts[0]).encode())
    return next(readings(texts, field))


def _multipart_mistakes(media: Media, declared: str, body: bytes) -> tuple[Mistake, ...]:
    boundary = _BOUNDARY.search(declared)
    if boundary is None:
        return (Mistake("the content-type names no boundary"),)
    mark = b"--" + (boundary[1] or boundary[2]).encode("latin-1", "replace")
    parts = body.split(mark, PARTS_MAX + 2)
    if len(parts) > PARTS_MAX + 2:
        return (Mistake(f"the body has more than {PARTS_MAX} parts"),)
    if len(parts) < 2 or not parts[-1].startswith(b"--"):
        return (Mistake("the body does not end with its boundary"),)
    names = set()
    for part in parts[1:-1]:
        head = part.partition(b"\r\n\r\n")[0]
        if match := _PART_NAME.search(head):
            names.add((match[1] or match[2] or b"").decode("utf-8", "replace"))
    missing = [name for name in media.required if name not in names]
    return tuple(Mistake("the field is required", f"/{name}") for name in missing)
