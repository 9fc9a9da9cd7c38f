"""Is the configuration as it is written down? Exported whole, applied in one transaction.

Keys, tokens and blocks are no configuration: secrets are never exported, and what is applied
never takes a key or an OAuth client away from an application that stays.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import yaml
from django.db import transaction
from pydantic import TypeAdapter, ValidationError

from headgate.core.mistakes import told
from headgate.core.phrases import phrase
from headgate.core.problems import Detail, Problem, ProblemType
from headgate.core.units import count
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.catalog.upstreams import Resolver, system_resolver
from headgate.store.services.configuration.documents import ConfigurationDocument
from headgate.store.services.configuration.kinds import Kind, kinds
from headgate.store.services.configuration.publications import Publications
from headgate.store.services.configuration.sources import Fields, parse_new_documents
from headgate.store.services.transactions import change

DOCUMENTS_MAX = 100_000  # of one apply
TEXT_BYTES_MAX = 64 * 1024 * 1024  # of one apply in YAML
NEVER_PRUNED = frozenset({"gateway", "client", "portal"})  # nodes, callers, visitors need theirs
ERRORS_MAX = 100  # listed in one problem; the rest is counted

_ADAPTER: TypeAdapter[Any] = TypeAdapter(ConfigurationDocument)


NEXT_STEPS = {
    "client": "It has no secret yet: headgate client rotate.",
    "webhook": "Nobody has seen the secret that signs its messages: headgate webhook rotate.",
}
"""What is to be done after an apply has made one."""


class ChangeAction(StrEnum):
    """What an apply does to one thing."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that an apply made, changed or took away; `fields` are those that changed.

    `next_step`: what an apply cannot do for what it made.
    """

    action: ChangeAction
    kind: str
    name: str
    fields: tuple[str, ...] = ()
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One document: its place in the list, and what it says."""

    place: int
    kind: str
    name: str
    fields: Fields


def export(actor: Actor) -> list[dict[str, Any]]:
    """The whole configuration: `kind`, `name` and fields of everything, in the order of apply.

    Raises:
        Problem: FORBIDDEN without the scope `admin`.
    """
    actor.require_operator(Scope.ADMIN, "configuration")
    return [
        {"kind": kind.name, "name": name} | fields
        for kind in kinds({}, system_resolver, Publications())
        for name, fields in kind.present()
    ]


def apply(
    actor: Actor,
    documents: Sequence[Any],
    *,
    dry_run: bool = False,
    prune: bool = False,
    resolve: Resolver = system_resolver,
) -> list[Change]:
    """Make everything as `documents` say, all or nothing; what changed, in order.

    Fields that are left out stay as they are. With `prune`, what no document names is deleted
    (but for gateways). A dry run does the same and takes it back.

    Raises:
        Problem: FORBIDDEN without the scope `admin`; INVALID_INPUT with every mistake, whose
            pointers begin with the document's place in the list.
    """
    actor.require_operator(Scope.ADMIN, "configuration")
    wanted, errors = _parse(documents)
    parsed, problems = parse_new_documents([_files(item) for item in wanted])
    for index, problem in problems.items():
        errors += _details(problem, f"/{wanted[index].place}/document")
    _refuse(errors)
    publications = Publications()
    listed = kinds(parsed, resolve, publications)
    if all(_is_as_wanted(kind, wanted, prune=prune) for kind in listed):
        return []  # found out without keeping other writers waiting
    changes: list[Change] = []
    with change():
        for kind in listed:
            own = [item for item in wanted if item.kind == kind.name]
            own.sort(key=lambda item: "@" in item.name)  # a version comes after its API
            errors += _apply_kind(actor, kind, own, changes)
        if not errors:
            errors += publications.publish(actor)
        if prune and not errors:
            for kind in reversed(listed):
                names = {item.name for item in wanted if item.kind == kind.name}
                errors += _prune(actor, kind, names, changes)
        _refuse(errors)
        if dry_run:
            transaction.set_rollback(True)
    return changes


def parse_yaml(text: str) -> list[Any]:
    """The documents of a YAML text; JSON is YAML too.

    Raises:
        Problem: TOO_LARGE; INVALID_INPUT: not YAML (with the line), or with aliases.
    """
    if len(text) > TEXT_BYTES_MAX:
        raise Problem(
            ProblemType.TOO_LARGE,
            phrase("The configuration has more than {most} characters.", most=TEXT_BYTES_MAX),
            "Apply it in several parts.",
        )
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1 if event.start_mark else None
                raise _invalid([Detail("aliases are not allowed here", "", line)])
        found = list(yaml.load_all(text, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise _invalid(
            [Detail(phrase("this is not YAML: {problem}", problem=error.problem), "", line)]
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _invalid([Detail(phrase("this is not YAML: {error}", error=error))]) from error
    documents: list[Any] = []
    for document in found:
        if document is not None:
            documents += document if isinstance(document, list) else [document]
    return documents


def write_yaml(documents: Iterable[Any]) -> str:
    """Documents as YAML, texts of several lines as they are read."""
    return yaml.dump_all(
        documents,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        explicit_start=True,
        width=100,
    )


class _Dumper(yaml.CSafeDumper):
    """Writes texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # the base class's signature
        return True


def _represent_text(dumper: yaml.CSafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def _parse(documents: Sequence[Any]) -> tuple[list[_Wanted], list[Detail]]:
    """What the documents say, and where they are wrong."""
    if len(documents) > DOCUMENTS_MAX:
        return [], [Detail(phrase("these are more than {most:,} documents", most=DOCUMENTS_MAX))]
    wanted: list[_Wanted] = []
    errors: list[Detail] = []
    seen: dict[tuple[str, str], int] = {}
    for place, document in enumerate(documents):
        try:
            parsed = _ADAPTER.validate_python(document)
        except ValidationError as error:
            errors += [
                Detail(told(item), _pointer(place, item["loc"]))
                for item in error.errors(include_url=False, include_input=False)
            ]
            continue
        first = seen.setdefault((parsed.kind, parsed.name), place)
        if first != place:
            errors.append(
                Detail(
                    phrase(
                        "document {first} describes the same {kind}", first=first, kind=parsed.kind
                    ),
                    f"/{place}",
                )
            )
        wanted.append(_Wanted(place, parsed.kind, parsed.name, parsed.wanted()))
    return wanted, errors


def _pointer(place: int, location: Iterable[int | str]) -> str:
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in location]
    return "/".join(["", str(place), *parts[1:]])  # the first part is the kind


def _files(item: _Wanted) -> Fields | None:
    files: Fields | None = item.fields.get("document")
    return files


def _is_as_wanted(kind: Kind, wanted: Iterable[_Wanted], *, prune: bool) -> bool:
    """Whether everything of a kind is as written down."""
    own = {item.name: item.fields for item in wanted if item.kind == kind.name}
    for name, before in kind.present():
        fields = own.pop(name, None)
        if fields is None:
            if prune and kind.name not in NEVER_PRUNED:
                return False
        elif _differing(before, fields):
            return False
    return not own


def _differing(before: Fields, wanted: Fields) -> Fields:
    return {field: value for field, value in wanted.items() if before.get(field) != value}


def _apply_kind(
    actor: Actor, kind: Kind, wanted: Iterable[_Wanted], changes: list[Change]
) -> list[Detail]:
    present = dict(kind.present())
    errors: list[Detail] = []
    for item in wanted:
        before = present.get(item.name)
        try:
            with transaction.atomic():
                if before is None:
                    kind.create(actor, item.name, item.fields)
                    change = _made(kind, item)
                else:
                    differing = _differing(before, item.fields)
                    if not differing:
                        continue
                    kind.change(actor, item.name, differing)
                    change = Change(ChangeAction.UPDATE, kind.name, item.name, tuple(differing))
            changes.append(change)
        except Problem as problem:
            errors += _details(problem, f"/{item.place}")
    return errors


def _made(kind: Kind, item: _Wanted) -> Change:
    needs_secret = kind.name != "client" or not item.fields.get("is_public", False)
    next_step = NEXT_STEPS.get(kind.name, "") if needs_secret else ""
    return Change(ChangeAction.CREATE, kind.name, item.name, tuple(item.fields), next_step)


def _prune(actor: Actor, kind: Kind, names: set[str], changes: list[Change]) -> list[Detail]:
    if kind.name in NEVER_PRUNED:
        return []
    errors: list[Detail] = []
    for name, _ in reversed(list(kind.present())):  # an API goes after its versions
        if name in names:
            continue
        try:
            with transaction.atomic():
                kind.delete(actor, name)
            changes.append(Change(ChangeAction.DELETE, kind.name, name))
        except Problem as problem:
            errors += [
                Detail(
                    phrase(
                        "{kind} '{name}': {detail}",
                        kind=kind.name,
                        name=name,
                        detail=problem.detail,
                    )
                )
            ]
    return errors


def _details(problem: Problem, place: str) -> list[Detail]:
    if problem.type is ProblemType.CONFLICT or not problem.errors:
        # The places of a conflict lie in the snapshot of a gateway, not in the document.
        messages = [error.message for error in problem.errors] or [problem.detail]
        return [Detail(message, place) for message in messages]
    return [Detail(e.message, f"{place}{e.pointer}", e.line) for e in problem.errors]


def _refuse(errors: list[Detail]) -> None:
    if errors:
        raise _invalid(errors)


def _invalid(errors: list[Detail]) -> Problem:
    more = f" and {len(errors) - ERRORS_MAX} more" if len(errors) > ERRORS_MAX else ""
    first = errors[0]
    where = f"{first.pointer}: " if first.pointer else ""
    return Problem(
        ProblemType.INVALID_INPUT,
        phrase(
            "The configuration has {errors}{more}: {where}{message}.",
            errors=count(len(errors), "mistake"),
            more=more,
            where=where,
            message=first.message,
        ),
        "Correct the listed places and apply it again; nothing has been changed.",
        errors[:ERRORS_MAX],
    )
