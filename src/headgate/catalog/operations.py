"""Which operations does a document have, and by which ids?"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from typing import Any

from headgate.catalog.document import (
    OPERATION_ID_CHARACTERS_MAX,
    SECURITY_MAX,
    SUMMARY_CHARACTERS_MAX,
    TAG_CHARACTERS_MAX,
    TAGS_MAX,
    Operation,
)
from headgate.catalog.grammar import METHODS
from headgate.catalog.library import REFERENCES_IN_A_ROW_MAX, BrokenReference, File, Library
from headgate.catalog.pointers import At, keys, place, pointer
from headgate.model.scopes import ScopeNeeds


@dataclass(frozen=True, slots=True)
class Place:
    """A value, and where it stands after its references were followed."""

    value: Any
    file: File
    at: At


@dataclass(frozen=True, slots=True)
class Found:
    """An operation as it stands in a document, before anything is said about it.

    `shared` are the parameters of its path item, `path_at` is the path's key in the entry.
    """

    path: str
    method: str  # lower case
    operation: Place
    shared: Place | None
    path_at: At


def follow(library: Library, start: Place) -> Place | None:
    """The object that `start` is or refers to; None if the references lead nowhere."""
    here = start
    for _ in range(REFERENCES_IN_A_ROW_MAX):
        if not isinstance(here.value, dict):
            return None
        reference = here.value.get("$ref")
        if not isinstance(reference, str):
            return here
        try:
            target = library.target(here.file, reference, keys(here.at))
        except BrokenReference:
            return None
        here = Place(target.value, target.file, place(target.steps))
    return None


def find_operations(library: Library, entry: File) -> Iterator[Found]:
    """Every operation below `paths`, in the document's order."""
    paths = entry.root.get("paths")
    if not isinstance(paths, dict):
        return
    for path, item in paths.items():
        if path.startswith("x-"):
            continue
        at: At = ((None, "paths"), path)
        fields = path_item_fields(library, Place(item, entry, at))
        for name, field in fields.items():
            if name in METHODS and isinstance(field.value, dict):
                yield Found(path, name, field, fields.get("parameters"), at)


def path_item_fields(library: Library, item: Place) -> dict[str, Place]:
    """The fields of a path item: what stands beside a `$ref` goes before what it leads to."""
    fields: dict[str, Place] = {}
    here = item
    for _ in range(REFERENCES_IN_A_ROW_MAX):
        if not isinstance(here.value, dict):
            break
        for key, value in here.value.items():
            if key != "$ref" and value is not None:
                fields.setdefault(key, Place(value, here.file, (here.at, key)))
        reference = here.value.get("$ref")
        if not isinstance(reference, str):
            break
        try:
            target = library.target(here.file, reference, keys(here.at))
        except BrokenReference:
            break
        here = Place(target.value, target.file, place(target.steps))
    return fields


def operation_ids(found: list[Found]) -> list[str]:
    """A stable id for each: the operationId where usable and unique, else method and path."""
    declared = [_declared(item) for item in found]
    counts = Counter(declared)
    return [
        name if name and counts[name] == 1 else fallback_id(item.method, item.path)
        for name, item in zip(declared, found, strict=True)
    ]


def fallback_id(method: str, path: str) -> str:
    """`GET /pets/{id}`; where that is too long, its beginning and a hash of all of it."""
    full = f"{method.upper()} {path}"
    if len(full) <= OPERATION_ID_CHARACTERS_MAX:
        return full
    digest = sha256(full.encode()).hexdigest()[:16]
    return f"{full[: OPERATION_ID_CHARACTERS_MAX - 17]}~{digest}"


def is_usable_id(name: object) -> bool:
    """Whether an operationId can name an operation in logs, addresses and commands."""
    return (
        isinstance(name, str)
        and 0 < len(name) <= OPERATION_ID_CHARACTERS_MAX
        and name.isprintable()
        and name == name.strip()
        and not name.startswith(tuple(f"{method.upper()} /" for method in METHODS))
    )


def describe_operations(
    library: Library, entry: File, needs: Callable[[dict[str, Any]], ScopeNeeds]
) -> tuple[Operation, ...]:
    """The operations of a document that was checked; `needs` reads which scopes one needs."""
    found = list(find_operations(library, entry))
    general = _scheme_names(entry.root.get("security"))
    return tuple(
        _operation(item, name, general, needs(item.operation.value))
        for item, name in zip(found, operation_ids(found), strict=True)
    )


def _operation(item: Found, name: str, general: tuple[str, ...], needs: ScopeNeeds) -> Operation:
    value = item.operation.value
    own = value.get("security")
    return Operation(
        id=name,
        method=item.method.upper(),
        path=item.path,
        summary=shown(value.get("summary"), SUMMARY_CHARACTERS_MAX),
        tags=_tags(value.get("tags")),
        is_deprecated=value.get("deprecated") is True,
        sunset_at=_sunset(value),
        security=general if own is None else _scheme_names(own),
        needs=needs,
        pointer=pointer(keys(item.operation.at)),
    )


def _sunset(value: dict[str, Any]) -> datetime | None:
    """The day (its first instant, UTC) or instant of `x-sunset`; None where it says neither.

    Source: the extension as oasdiff reads it, RFC 3339.
    """
    text = value.get("x-sunset")
    if value.get("deprecated") is not True or not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return found.astimezone(UTC).replace(microsecond=0)


def shown(value: object, characters_max: int) -> str:
    """A text of the document as it is shown in lists: shortened, no NUL, numbers as written."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).replace("\0", "")[:characters_max]


def _tags(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    names = (shown(tag, TAG_CHARACTERS_MAX) for tag in value[:TAGS_MAX])
    return tuple(dict.fromkeys(name for name in names if name))


def _declared(item: Found) -> str:
    name = item.operation.value.get("operationId")
    return name if isinstance(name, str) and is_usable_id(name) else ""


def _scheme_names(requirements: object) -> tuple[str, ...]:
    if not isinstance(requirements, list):
        return ()
    dicts = (item for item in requirements[:SECURITY_MAX] if isinstance(item, dict))
    names = dict.fromkeys(name for item in dicts for name in islice(item, SECURITY_MAX))
    return tuple(islice(names, SECURITY_MAX))
