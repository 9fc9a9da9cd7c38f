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
from headgate.core.phrases import Phrase, phrase, words_of

BREAKING = " (breaking)"
RESPONSE = words_of("response {name}")


class ChangeKind(StrEnum):
    """What happened to an operation."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One operation that is not as it was.

    `operation` is its id (the new one where it has changed), `title` its method and path.
    """

    kind: ChangeKind
    operation: str
    title: str
    differences: tuple["Difference", ...] = ()

    @property
    def is_breaking(self) -> bool:
        """Whether a caller that was right is certainly wrong now; false promises nothing, since
        schemas are compared for being equal only."""
        return self.kind is ChangeKind.REMOVED or any(one.is_breaking for one in self.differences)

    @property
    def what(self) -> str:
        """What differs, in one line."""
        if self.kind is not ChangeKind.CHANGED:
            return self.title + (BREAKING if self.is_breaking else "")
        return "; ".join(
            one.words + (BREAKING if one.is_breaking else "") for one in self.differences
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing about an operation that is not as it was."""

    words: Phrase
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
        differences = tuple(_differences(old, new, partner, (operation, found), comparison))
        if differences:
            result.append(Change(ChangeKind.CHANGED, name, _title(operation), differences))
    kept = {partner[0].id for partner in partners.values()}
    result += [
        Change(ChangeKind.REMOVED, name, _title(operation))
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
) -> Iterator[Difference]:
    was, now = before[0], after[0]
    if _title(was) != _title(now):
        yield Difference(
            phrase("moved from {before} to {after}", before=_title(was), after=_title(now)),
            is_breaking=True,
        )
    if was.id != now.id:
        yield Difference(phrase("renamed from {id!r}", id=was.id))
    if was.is_deprecated != now.is_deprecated:
        yield Difference(
            phrase("now deprecated") if now.is_deprecated else phrase("no longer deprecated")
        )
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
            yield Difference(phrase("{field} changed", field=field))
    texts = ("summary", "description", "tags")
    if any(one.get(field) != other.get(field) for field in texts):
        yield Difference(phrase("documentation changed"))


def _security(was: Operation, now: Operation) -> Iterator[Difference]:
    if set(was.security) == set(now.security):
        return
    before = ", ".join(was.security) or phrase("none")
    after = ", ".join(now.security) or phrase("none")
    words = phrase("security {before} → {after}", before=before, after=after)
    yield Difference(words, is_breaking=not was.security)


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
) -> Iterator[Difference]:
    for where, value in after.items():
        place, name = where
        title = phrase("{place} parameter {name!r}", place=place, name=name)
        is_required = value.get("required") is True
        if where not in before:
            words = (
                phrase("required {title} added", title=title)
                if is_required
                else phrase("optional {title} added", title=title)
            )
            yield Difference(words, is_breaking=is_required)
            continue
        was_required = before[where].get("required") is True
        if is_required != was_required:
            yield Difference(_now(title, is_required=is_required), is_breaking=is_required)
        at = comparison.difference(before[where], value, without="required")
        if at is not None:
            yield Difference(phrase("{title} changed at {at}", title=title, at=at))
    for place, name in before:
        if (place, name) not in after:
            yield Difference(
                phrase(
                    "{title} removed",
                    title=phrase("{place} parameter {name!r}", place=place, name=name),
                )
            )


def _bodies(before: Any, after: Any, comparison: Comparison) -> Iterator[Difference]:
    if not isinstance(before, dict) or not isinstance(after, dict):
        if isinstance(after, dict):
            is_required = after.get("required") is True
            body = phrase("request body")
            words = (
                phrase("required {title} added", title=body)
                if is_required
                else phrase("optional {title} added", title=body)
            )
            yield Difference(words, is_breaking=is_required)
        elif isinstance(before, dict):
            yield Difference(phrase("{title} removed", title=phrase("request body")))
        return
    was_required, is_required = before.get("required") is True, after.get("required") is True
    if was_required != is_required:
        words = _now(phrase("request body"), is_required=is_required)
        yield Difference(words, is_breaking=is_required)
    yield from _named(
        words_of("request body as {name}"), before.get("content"), after.get("content"), comparison
    )


def _responses(before: Any, after: Any, comparison: Comparison) -> Iterator[Difference]:
    yield from _named(RESPONSE, before, after, comparison)


def _now(title: Phrase, *, is_required: bool) -> Phrase:
    if is_required:
        return phrase("{title} is now required", title=title)
    return phrase("{title} is now optional", title=title)


def _named(words: str, before: Any, after: Any, comparison: Comparison) -> Iterator[Difference]:
    """Differences of two objects whose keys are statuses or media types; losing one breaks."""
    one = before if isinstance(before, dict) else {}
    other = after if isinstance(after, dict) else {}
    for name, value in other.items():
        if name.startswith("x-"):
            continue
        if name not in one:
            yield Difference(phrase("{title} added", title=phrase(words, name=name)))
            continue
        at = comparison.difference(one[name], value)
        if at is not None:
            yield Difference(
                phrase("{title} changed at {at}", title=phrase(words, name=name), at=at)
            )
    for name in one:
        if name not in other and not name.startswith("x-"):
            is_breaking = words != RESPONSE or name.startswith("2")
            removed = phrase("{title} removed", title=phrase(words, name=name))
            yield Difference(removed, is_breaking=is_breaking)
