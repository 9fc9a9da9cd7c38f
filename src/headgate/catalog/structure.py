"""Is every object of a document of the shape that its place asks for? And what does it refer to?

One walk by the grammar over everything that the entry reaches, through all files. It never
recurses, and looks at a shared value once. What stands in examples and defaults is left alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from headgate.catalog.document import WARNINGS_MAX, Format
from headgate.catalog.findings import Findings
from headgate.catalog.grammar import GRAMMARS, METHODS, Shape, Type
from headgate.catalog.library import (
    REFERENCES_IN_A_ROW_MAX,
    BrokenReference,
    File,
    Library,
    Target,
)
from headgate.catalog.pointers import At, keys, place
from headgate.core.phrases import either, phrase

_AN_OBJECT, _A_LIST = phrase("an object"), phrase("a list")
_A_TEXT, _A_NUMBER = phrase("a text"), phrase("a number")
_TRUE_OR_FALSE = phrase("true or false")
_JSON_TYPES = {dict: _AN_OBJECT, list: _A_LIST, str: _A_TEXT, bool: _TRUE_OR_FALSE}
_WANTED = {
    "text": _A_TEXT,
    "flag": _TRUE_OR_FALSE,
    "number": _A_NUMBER,
    "list": _A_LIST,
    "map": _AN_OBJECT,
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference that was met: the text at `container[key]` in `file` names `target`."""

    file: File
    container: dict[str, Any]
    key: str
    shape: str
    target: Target
    at: At


@dataclass(frozen=True, slots=True)
class _Visit:
    value: Any
    type: Type
    file: File
    at: At
    is_lenient: bool = False


class Structure:
    """Walks one document; `references` are all that lead somewhere."""

    def __init__(self, library: Library, document_format: Format, findings: Findings) -> None:
        self.references: list[Reference] = []
        self._library = library
        self._shapes = GRAMMARS[document_format]
        self._has_schema_siblings = document_format is Format.OPENAPI_3_1
        self._findings = findings
        self._seen: set[tuple[int, str]] = set()
        self._waiting: list[_Visit] = []

    def walk(self, entry: File) -> None:
        """Visits the entry and everything that it refers to."""
        self._waiting.append(_Visit(entry.root, Type("shape", "document"), entry, None))
        while self._waiting:
            self._visit(self._waiting.pop())
        self._check_circles()

    def visited(self, shape: str) -> frozenset[int]:
        """The `id()` of every object that was looked at as `shape`."""
        return frozenset(found for found, name in self._seen if name == shape)

    def _visit(self, visit: _Visit) -> None:
        form = visit.type.form
        if form == "any":
            return
        if form == "shape":
            self._visit_shape(visit)
        elif form == "list":
            self._visit_list(visit)
        elif form == "map":
            self._visit_map(visit)
        elif form == "either":
            self._visit_either(visit)
        elif not _is_scalar(visit.value, form):
            self._wrong(visit, _WANTED.get(form, _A_TEXT))

    def _visit_list(self, visit: _Visit) -> None:
        if not isinstance(visit.value, list):
            self._wrong(visit, _A_LIST)
            return
        inner = visit.type.of[0]
        for index in range(len(visit.value) - 1, -1, -1):
            item = visit.value[index]
            self._push(item, inner, visit.file, (visit.at, index), is_lenient=visit.is_lenient)

    def _visit_map(self, visit: _Visit) -> None:
        if not isinstance(visit.value, dict):
            self._wrong(visit, _AN_OBJECT)
            return
        inner = visit.type.of[0]
        if inner.form == "ref":
            self._visit_mapping(visit)
            return
        for name, item in reversed(visit.value.items()):
            self._push(item, inner, visit.file, (visit.at, name), is_lenient=visit.is_lenient)

    def _visit_either(self, visit: _Visit) -> None:
        for option in visit.type.of:
            if option.form in ("shape", "list", "map"):
                is_match = isinstance(visit.value, list if option.form == "list" else dict)
            else:
                is_match = _is_scalar(visit.value, option.form)
            if is_match:
                self._push(visit.value, option, visit.file, visit.at, is_lenient=visit.is_lenient)
                return
        self._wrong(visit, _either_words(visit.type))

    def _visit_mapping(self, visit: _Visit) -> None:
        """`discriminator.mapping`: a name of a schema, or a reference to one."""
        for name, text in visit.value.items():
            if isinstance(text, str) and ("#" in text or "/" in text or "." in text):
                self._refer(visit, visit.value, name, "schema", is_needed=False)

    def _push(
        self, value: Any, wanted: Type, file: File, at: At, *, is_lenient: bool = False
    ) -> None:
        if wanted.form != "any":
            self._waiting.append(_Visit(value, wanted, file, at, is_lenient))

    def _visit_shape(self, visit: _Visit) -> None:
        name, value = visit.type.name, visit.value
        shape = self._shapes[name]
        if not isinstance(value, dict):
            if not (name == "schema" and isinstance(value, bool) and self._has_schema_siblings):
                self._wrong(visit, shape.title)
            return
        if (id(value), name) in self._seen:
            return
        self._seen.add((id(value), name))
        if "$ref" in value and shape.section:
            self._refer(visit, value, "$ref", name, is_needed=True)
            if name != "path_item" and not (name == "schema" and self._has_schema_siblings):
                return
        self._visit_fields(visit, shape)

    def _visit_fields(self, visit: _Visit, shape: Shape) -> None:
        value, file, at = visit.value, visit.file, visit.at
        for key, item in reversed(value.items()):
            known = shape.fields.get(key)
            wanted = known.type if known else shape.other
            if known is None and (key.startswith("x-") or key == "$ref"):
                continue
            if wanted is None:
                if not shape.is_open:
                    self._unknown(visit, key, shape)
            elif item is None and wanted.name != "operation" and not (known and known.is_required):
                if wanted.form != "any":
                    self._findings.warning(
                        file.location, (at, key), phrase("{key!r} is empty; leave it out", key=key)
                    )
            else:
                is_lenient = shape.is_open and "schema" not in wanted.name
                self._push(item, wanted, file, (at, key), is_lenient=is_lenient)
        for key, known in shape.fields.items():
            if key not in value and (known.is_required or known.is_expected):
                add = self._findings.error if known.is_required else self._findings.warning
                add(file.location, at, phrase("{title} needs {key!r}", title=shape.title, key=key))

    def _unknown(self, visit: _Visit, key: str, shape: Shape) -> None:
        """Suggests a field only while the warning will be listed: looking for one is slow."""
        is_listed = len(self._findings.warnings) < WARNINGS_MAX and len(key) < 80
        words = phrase("{title} has no field {key!r}", title=shape.title, key=key[:80])
        if key.lower() in shape.fields.keys() & set(METHODS):
            words = phrase(
                "{key!r} is not a method here; methods are written in lower case", key=key
            )
        elif is_listed and (near := get_close_matches(key, shape.fields, n=1)):
            words = phrase("{words}; is it {near!r}?", words=words, near=near[0])
        self._findings.warning(visit.file.location, (visit.at, key), words)

    def _refer(
        self, visit: _Visit, container: dict[str, Any], key: str, shape: str, *, is_needed: bool
    ) -> None:
        at: At = (visit.at, key)
        reference = container[key]
        add = self._findings.error if is_needed else self._findings.warning
        if not isinstance(reference, str):
            add(
                visit.file.location,
                at,
                phrase("a `$ref` must be a text, not {named}", named=_named(reference)),
            )
            return
        try:
            target = self._library.target(visit.file, reference, keys(visit.at))
        except BrokenReference as error:
            add(
                visit.file.location,
                at,
                phrase(
                    "the reference {reference!r} cannot be followed: {error}",
                    reference=reference,
                    error=error,
                ),
            )
            return
        self.references.append(Reference(visit.file, container, key, shape, target, at))
        self._push(target.value, Type("shape", shape), target.file, place(target.steps))

    def _wrong(self, visit: _Visit, wanted: str) -> None:
        is_sloppy = visit.type.form == "text" and isinstance(visit.value, int | float)
        add = self._findings.warning if visit.is_lenient or is_sloppy else self._findings.error
        name = f"{visit.at[1]!r}" if visit.at else phrase("the document")
        hint = phrase("; put it in quotes") if is_sloppy else ""
        add(
            visit.file.location,
            visit.at,
            phrase(
                "{name} must be {wanted}, not {named}{hint}",
                name=name,
                wanted=wanted,
                named=_named(visit.value),
                hint=hint,
            ),
        )

    def _check_circles(self) -> None:
        """A reference that only leads to references and back to itself names nothing."""
        leads = {id(ref.container): ref for ref in self.references if ref.key == "$ref"}
        for ref in leads.values():
            if any(after is ref for after in _followed(ref, leads)):
                self._findings.error(
                    ref.file.location, ref.at, phrase("this reference leads back to itself")
                )


def _followed(start: Reference, leads: dict[int, Reference]) -> Iterator[Reference]:
    ref: Reference | None = start
    for _ in range(REFERENCES_IN_A_ROW_MAX):
        ref = leads.get(id(ref.target.value)) if ref else None
        if ref is None or (ref.shape == "schema" and len(ref.container) > 1):
            return
        yield ref
        if ref is start:
            return


def _is_scalar(value: Any, form: str) -> bool:
    if form == "flag":
        return isinstance(value, bool)
    if form == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str)


def _either_words(wanted: Type) -> str:
    words = [_AN_OBJECT if o.form in ("shape", "map") else _WANTED[o.form] for o in wanted.of]
    return either(words)


def _named(value: Any) -> str:
    if value is None:
        return phrase("empty")
    return _JSON_TYPES.get(type(value), _A_NUMBER)
