"""Does a document mean what it says? The rules that go beyond the shape of its objects.

What a request cannot be routed by is an error; what only makes the documentation wrong is a
warning, because many documents in use have it.

Source: OpenAPI 3.1.1 §4.8.8 to §4.8.12; Swagger 2.0 "Parameter Object".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from headgate.catalog import templates
from headgate.catalog.document import OPERATIONS_MAX, PARAMETERS_MAX, Format
from headgate.catalog.findings import Findings
from headgate.catalog.library import File, Library
from headgate.catalog.operations import (
    Found,
    Place,
    find_operations,
    follow,
    is_usable_id,
)
from headgate.catalog.pointers import At
from headgate.core.phrases import either, phrase

_LOCATIONS = {
    Format.SWAGGER_2_0: frozenset({"query", "header", "path", "formData", "body"}),
    Format.OPENAPI_3_0: frozenset({"query", "header", "path", "cookie"}),
    Format.OPENAPI_3_1: frozenset({"query", "header", "path", "cookie"}),
}
_STATUS = re.compile(r"[1-5](?:[0-9]{2}|XX)|default")


def check_rules(library: Library, entry: File, document_format: Format, findings: Findings) -> None:
    """Adds what is wrong with paths, operations, parameters and security."""
    rules = _Rules(library, entry, document_format, findings)
    rules.check()


@dataclass(slots=True)
class _Declared:
    """The parameters of a list that rules speak of: those in paths, and the places of bodies."""

    paths: dict[str, Place] = field(default_factory=dict)
    bodies: list[str] = field(default_factory=list)


class _Rules:
    def __init__(
        self, library: Library, entry: File, document_format: Format, findings: Findings
    ) -> None:
        self._library = library
        self._entry = entry
        self._format = document_format
        self._findings = findings
        self._schemes = _schemes(entry.root, document_format)
        self._checked: set[int] = set()  # `id()` of operations
        self._lists: dict[int, _Declared] = {}  # by `id()` of lists of parameters

    def check(self) -> None:
        self._check_paths()
        operations = find_operations(self._library, self._entry)
        found = list(islice(operations, OPERATIONS_MAX + 1))
        if len(found) > OPERATIONS_MAX:
            self._findings.error(
                self._entry.location,
                (None, "paths"),
                phrase("there are more than {most:,} operations", most=OPERATIONS_MAX),
            )
            return
        self._check_templates(found)
        self._check_ids(found)
        self._check_security(Place(self._entry.root, self._entry, None))
        path = self._entry.root.get("basePath")
        if self._format is Format.SWAGGER_2_0 and isinstance(path, str) and path[:1] != "/":
            self._findings.warning(
                self._entry.location, (None, "basePath"), phrase("'basePath' must start with '/'")
            )
        for item in found:
            self._check_operation(item)

    def _check_paths(self) -> None:
        root = self._entry.root
        paths = root.get("paths")
        if not isinstance(paths, dict):
            if self._format is Format.OPENAPI_3_1 and not root.keys() & {"webhooks", "components"}:
                self._findings.error(
                    self._entry.location, None, phrase("the document needs 'paths'")
                )
            return
        for path in paths:
            if path.startswith("x-"):
                continue
            mistake = templates.mistake(path)
            if mistake:
                self._findings.error(
                    self._entry.location,
                    ((None, "paths"), path),
                    phrase("the path {path!r} {mistake}", path=path[:200], mistake=mistake),
                )

    def _check_templates(self, found: list[Found]) -> None:
        first: dict[tuple[str, str], str] = {}
        paths: dict[str, str] = {}
        for item in found:
            shape = templates.shape(item.path)
            other = first.setdefault((shape, item.method), item.path)
            if other != item.path:
                self._findings.error(
                    self._entry.location,
                    item.path_at,
                    phrase(
                        "{method} {path!r} matches the same requests as {other!r}",
                        method=item.method.upper(),
                        path=item.path,
                        other=other,
                    ),
                )
            elif paths.setdefault(shape, item.path) != item.path:
                self._findings.warning(
                    self._entry.location,
                    item.path_at,
                    phrase(
                        "{path!r} and {other!r} are the same path; write it once",
                        path=item.path,
                        other=paths[shape],
                    ),
                )

    def _check_ids(self, found: list[Found]) -> None:
        users: dict[str, Found] = {}
        for item in found:
            name = item.operation.value.get("operationId")
            if not isinstance(name, str):
                continue
            at: At = (item.operation.at, "operationId")
            location = item.operation.file.location
            if not is_usable_id(name):
                self._findings.warning(
                    location,
                    at,
                    phrase("the operationId {name!r} cannot be used as a name", name=name[:80]),
                )
                continue
            other = users.setdefault(name, item)
            if other is not item:
                self._findings.warning(
                    location,
                    at,
                    phrase(
                        "the operationId {name!r} is also that of {method} {path}; both are"
                        " named by method and path",
                        name=name,
                        method=other.method.upper(),
                        path=other.path,
                    ),
                )

    def _check_operation(self, item: Found) -> None:
        """What several paths share (by a reference to a path item) is checked once."""
        shared = self._declared(item.shared)
        own = self._declared(self._own_parameters(item))
        self._check_path_parameters(item, shared.paths | own.paths)
        if id(item.operation.value) in self._checked:
            return
        self._checked.add(id(item.operation.value))
        if self._format is Format.SWAGGER_2_0:
            self._check_bodies(item, shared.bodies + own.bodies)
            if item.method == "trace":
                self._warn(
                    item.operation,
                    phrase("Swagger 2.0 knows no 'trace'; it is imported all the same"),
                )
        self._check_responses(item)
        self._check_security(item.operation)

    def _declared(self, source: Place | None) -> _Declared:
        """What a list of parameters declares; each list is checked once."""
        if source is None or not isinstance(source.value, list):
            return _Declared()
        known = self._lists.get(id(source.value))
        if known is not None:
            return known
        declared = self._lists[id(source.value)] = _Declared()
        if len(source.value) > PARAMETERS_MAX:
            self._findings.error(
                source.file.location,
                source.at,
                phrase("there are more than {most} parameters", most=PARAMETERS_MAX),
            )
            return declared
        seen: set[tuple[str, str]] = set()
        for parameter in self._parameters(source):
            name, location = parameter.value.get("name"), parameter.value.get("in")
            if not (isinstance(name, str) and isinstance(location, str)):
                continue
            if (name, location) in seen:
                self._warn(parameter, phrase("the parameter {name!r} is declared twice", name=name))
            seen.add((name, location))
            self._check_parameter(parameter)
            if location == "path":
                declared.paths[name] = parameter
            elif location in ("body", "formData"):
                declared.bodies.append(location)
        return declared

    def _own_parameters(self, item: Found) -> Place | None:
        value = item.operation.value.get("parameters")
        return Place(value, item.operation.file, (item.operation.at, "parameters"))

    def _parameters(self, source: Place) -> Iterator[Place]:
        for index, value in enumerate(source.value):
            found = follow(self._library, Place(value, source.file, (source.at, index)))
            if found is not None:
                yield found

    def _check_parameter(self, parameter: Place) -> None:
        value = parameter.value
        name, location = value["name"], value["in"]
        if location not in _LOCATIONS[self._format]:
            allowed = ", ".join(sorted(_LOCATIONS[self._format]))
            self._findings.error(
                parameter.file.location,
                (parameter.at, "in"),
                phrase(
                    "the parameter {name!r} is in {location!r}; it can be in {allowed}",
                    name=name,
                    location=location,
                    allowed=allowed,
                ),
            )
        elif location == "path" and value.get("required") is not True:
            self._warn(
                parameter,
                phrase("the path parameter {name!r} must have `required: true`", name=name),
            )
        needed: tuple[str, ...] = ("schema", "content")
        if self._format is Format.SWAGGER_2_0:
            needed = ("schema",) if location == "body" else ("type",)
        if not value.keys() & set(needed):
            self._warn(
                parameter,
                phrase("the parameter {name!r} needs {places}", name=name, places=either(needed)),
            )

    def _check_path_parameters(self, item: Found, declared: dict[str, Place]) -> None:
        names = templates.parameters(item.path)
        for name in names:
            if name not in declared:
                self._warn(
                    item.operation,
                    phrase(
                        "the parameter {name!r} of {path!r} is not declared",
                        name=name,
                        path=item.path,
                    ),
                )
        for name, parameter in declared.items():
            if name not in names:
                self._warn(
                    parameter,
                    phrase(
                        "the path parameter {name!r} is not in {path!r}", name=name, path=item.path
                    ),
                )

    def _check_bodies(self, item: Found, kinds: list[str]) -> None:
        if kinds.count("body") > 1:
            self._warn(item.operation, phrase("there can be one parameter in 'body' only"))
        if len(set(kinds)) > 1:
            self._warn(
                item.operation, phrase("parameters in 'body' and in 'formData' exclude each other")
            )

    def _check_responses(self, item: Found) -> None:
        responses = item.operation.value.get("responses")
        if not isinstance(responses, dict):
            return
        at: At = (item.operation.at, "responses")
        location = item.operation.file.location
        if not responses and self._format is not Format.OPENAPI_3_1:
            self._findings.warning(location, at, phrase("there must be at least one response"))
        for status in responses:
            if not status.startswith("x-") and _STATUS.fullmatch(status) is None:
                self._findings.warning(
                    location,
                    (at, status),
                    phrase("{status!r} is neither a status nor 'default'", status=status),
                )

    def _check_security(self, holder: Place) -> None:
        requirements = holder.value.get("security")
        if not isinstance(requirements, list):
            return
        for index, requirement in enumerate(requirements):
            if not isinstance(requirement, dict):
                continue
            for name in requirement:
                if name not in self._schemes:
                    self._findings.warning(
                        holder.file.location,
                        (((holder.at, "security"), index), name),
                        phrase("the security scheme {name!r} is not defined", name=name),
                    )

    def _warn(self, where: Place, message: str) -> None:
        self._findings.warning(where.file.location, where.at, message)


def _schemes(root: dict[str, Any], document_format: Format) -> frozenset[str]:
    if document_format is Format.SWAGGER_2_0:
        schemes = root.get("securityDefinitions")
    else:
        components = root.get("components")
        schemes = components.get("securitySchemes") if isinstance(components, dict) else None
    return frozenset(schemes) if isinstance(schemes, dict) else frozenset()
