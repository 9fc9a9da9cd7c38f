"""What does a new import change for the callers of an API? One entry per operation.

Two operations are the same if their id is, or else their method and path.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from headgate.catalog.document import DocumentSource, Operation
from headgate.catalog.equality import Comparison, followed
from headgate.catalog.findings import Findings
from headgate.catalog.importer import describe
from headgate.catalog.library import Library, file_of
from headgate.catalog.operations import Found, Place, find_operations, follow, operation_ids


class ChangeKind(StrEnum):
    """What happened to an operation."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One operation that is not as it was.

    `operation` is its id (the new one where it has changed), `what` says in words what differs.
    `is_breaking` is true where a caller that was right is certainly wrong now; false promises
    nothing, since schemas are compared for being equal only.
    """

    kind: ChangeKind
    operation: str
    what: str
    is_breaking: bool = False


@dataclass(frozen=True, slots=True)
class _Difference:
    words: str
    is_breaking: bool = False


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two documents."""

    document: dict[str, Any]
    library: Library
    operations: dict[str, tuple[Operation, Found]]


def changes(before: dict[str, Any], after: dict[str, Any]) -> tuple[Change, ...]:
    """What lies between two bundled documents, in the order of the new one; the removed last."""
    old, new = _side(before), _side(after)
    comparison = Comparison(before, after)
    partners = _partners(old, new)
    result: list[Change] = []
    for name, (operation, found) in new.operations.items():
        partner = partners.get(name)
        if partner is None:
            result.append(Change(ChangeKind.ADDED, name, _title(operation)))
            continue
        differences = list(_differences(old, new, partner, (operation, found), comparison))
        if differences:
            words = "; ".join(
                item.words + (" (breaking)" if item.is_breaking else "") for item in differences
            )
            is_breaking = any(item.is_breaking for item in differences)
            result.append(Change(ChangeKind.CHANGED, name, words, is_breaking))
    kept = {partner[0].id for partner in partners.values()}
    result += [
        Change(ChangeKind.REMOVED, name, f"{_title(operation)} (breaking)", is_breaking=True)
        for name, (operation, _) in old.operations.items()
        if name not in kept
    ]
    return tuple(result)


def _side(document: dict[str, Any]) -> _Side:
    description = describe(document)
    library = Library(DocumentSource({"": ""}, ""), Findings())
    found = list(find_operations(library, file_of("", document)))
    ids = operation_ids(found)
    pairs = zip(description.operations, found, strict=True)
    return _Side(document, library, dict(zip(ids, pairs, strict=True)))


def _partners(old: _Side, new: _Side) -> dict[str, tuple[Operation, Found]]:
    """The old operation for the id of each new one that has one."""
    partners = {name: old.operations[name] for name in new.operations if name in old.operations}
    free = {
        (operation.method, operation.path): (operation, found)
        for name, (operation, found) in old.operations.items()
        if name not in partners
    }
    for name, (operation, _) in new.operations.items():
        where = (operation.method, operation.path)
        if name not in partners and where in free:
            partners[name] = free.pop(where)
    return partners


def _title(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def _differences(
    old: _Side,
    new: _Side,
    before: tuple[Operation, Found],
    after: tuple[Operation, Found],
    comparison: Comparison,
) -> Iterator[_Difference]:
    was, now = before[0], after[0]
    if _title(was) != _title(now):
        yield _Difference(f"moved from {_title(was)} to {_title(now)}", is_breaking=True)
    if was.id != now.id:
        yield _Difference(f"renamed from {was.id!r}")
    if was.is_deprecated != now.is_deprecated:
        yield _Difference("now deprecated" if now.is_deprecated else "no longer deprecated")
    yield from _security(was, now)
    yield from _parameters(
        _all_parameters(old, before[1]), _all_parameters(new, after[1]), comparison
    )
    one, other = before[1].operation.value, after[1].operation.value
    yield from _bodies(
        followed(old.document, one.get("requestBody")),
        followed(new.document, other.get("requestBody")),
        comparison,
    )
    yield from _responses(
        followed(old.document, one.get("responses")),
        followed(new.document, other.get("responses")),
        comparison,
    )
    for field in ("callbacks", "consumes", "produces", "servers"):
        are_names = field == "callbacks"
        if comparison.difference(one.get(field), other.get(field), are_names=are_names) is not None:
            yield _Difference(f"{field} changed")
    texts = ("summary", "description", "tags")
    if any(one.get(field) != other.get(field) for field in texts):
        yield _Difference("documentation changed")


def _security(was: Operation, now: Operation) -> Iterator[_Difference]:
    if set(was.security) == set(now.security):
        return
    before = ", ".join(was.security) or "none"
    after = ", ".join(now.security) or "none"
    yield _Difference(f"security {before} → {after}", is_breaking=not was.security)


def _all_parameters(side: _Side, found: Found) -> dict[tuple[str, str], dict[str, Any]]:
    """The path item's parameters and the operation's own, by place and name."""
    own = Place(
        found.operation.value.get("parameters"),
        found.operation.file,
        (found.operation.at, "parameters"),
    )
    result: dict[tuple[str, str], dict[str, Any]] = {}
    for source in (found.shared, own):
        if source is None or not isinstance(source.value, list):
            continue
        for index, item in enumerate(source.value):
            place = follow(side.library, Place(item, source.file, (source.at, index)))
            if place is not None:
                value = place.value
                result[str(value.get("in")), str(value.get("name"))] = value
    return result


def _parameters(
    before: dict[tuple[str, str], dict[str, Any]],
    after: dict[tuple[str, str], dict[str, Any]],
    comparison: Comparison,
) -> Iterator[_Difference]:
    for where, value in after.items():
        place, name = where
        title = f"{place} parameter {name!r}"
        is_required = value.get("required") is True
        if where not in before:
            kind = "required" if is_required else "optional"
            yield _Difference(f"{kind} {title} added", is_breaking=is_required)
            continue
        was_required = before[where].get("required") is True
        if is_required != was_required:
            words = "is now required" if is_required else "is now optional"
            yield _Difference(f"{title} {words}", is_breaking=is_required)
        at = comparison.difference(before[where], value, without="required")
        if at is not None:
            yield _Difference(f"{title} changed at {at}")
    for place, name in before:
        if (place, name) not in after:
            yield _Difference(f"{place} parameter {name!r} removed")


def _bodies(before: Any, after: Any, comparison: Comparison) -> Iterator[_Difference]:
    if not isinstance(before, dict) or not isinstance(after, dict):
        if isinstance(after, dict):
            is_required = after.get("required") is True
            kind = "required" if is_required else "optional"
            yield _Difference(f"{kind} request body added", is_breaking=is_required)
        elif isinstance(before, dict):
            yield _Difference("request body removed")
        return
    was_required, is_required = before.get("required") is True, after.get("required") is True
    if was_required != is_required:
        words = "is now required" if is_required else "is now optional"
        yield _Difference(f"request body {words}", is_breaking=is_required)
    yield from _named("request body as", before.get("content"), after.get("content"), comparison)


def _responses(before: Any, after: Any, comparison: Comparison) -> Iterator[_Difference]:
    yield from _named("response", before, after, comparison)


def _named(title: str, before: Any, after: Any, comparison: Comparison) -> Iterator[_Difference]:
    """Differences of two objects whose keys are statuses or media types; losing one breaks."""
    one = before if isinstance(before, dict) else {}
    other = after if isinstance(after, dict) else {}
    for name, value in other.items():
        if name.startswith("x-"):
            continue
        if name not in one:
            yield _Difference(f"{title} {name} added")
            continue
        at = comparison.difference(one[name], value)
        if at is not None:
            yield _Difference(f"{title} {name} changed at {at}")
    for name in one:
        if name not in other and not name.startswith("x-"):
            is_breaking = title != "response" or name.startswith("2")
            yield _Difference(f"{title} {name} removed", is_breaking=is_breaking)
