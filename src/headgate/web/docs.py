"""How does a person read what the REST API is? One page of our own, from the served document.

No script, nothing from another host: it reads under `default-src 'none'; style-src 'self'`.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from headgate.web.api import api
from headgate.web.api.openapi import document

CSP = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
CACHED = "public, max-age=300"
STYLE = Path(__file__).parent / "static" / "docs.css"
SCHEMA_DEPTH_MAX = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One parameter or member of a body, as a line of a table."""

    name: str
    kind: str
    is_required: bool
    meaning: SafeString


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation as the page shows it."""

    id: str
    method: str
    path: str
    summary: SafeString
    description: SafeString
    parameters: tuple[Row, ...]
    body: tuple[Row, ...]
    answers: tuple[tuple[str, str, tuple[Row, ...]], ...]
    problems: tuple[str, ...]


@dataclass(slots=True)
class Section:
    """The operations of one tag."""

    title: str
    entries: list[Entry] = field(default_factory=list)


@require_safe
def openapi_json(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """The OpenAPI document."""
    response = HttpResponse(_document_text(), content_type="application/json")
    response["Cache-Control"] = CACHED
    return response


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The page."""
    found = document(api)
    response = render(
        request,
        "docs.html",
        {
            "info": found["info"] | {"description": marked(found["info"]["description"])},
            "sections": sections(found),
            "problem": _problem_rows(found),
        },
    )
    response["Content-Security-Policy"] = CSP
    response["Cache-Control"] = CACHED
    return response


@require_safe
def style(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """The page's style sheet."""
    response = HttpResponse(STYLE.read_bytes(), content_type="text/css; charset=utf-8")
    response["Cache-Control"] = CACHED
    return response


def sections(found: dict[str, Any]) -> list[Section]:
    """The operations of an OpenAPI document by tag, in the document's order."""
    by_tag: dict[str, Section] = {}
    for path, item in found["paths"].items():
        for method, operation in item.items():
            tag = operation["tags"][0]
            section = by_tag.setdefault(tag, Section(tag))
            section.entries.append(_entry(found, path, method, operation))
    return list(by_tag.values())


@cache
def _document_text() -> bytes:
    return orjson.dumps(document(api))


def _problem_rows(found: dict[str, Any]) -> tuple[Row, ...]:
    return _rows(found, found["components"]["schemas"]["Problem"])


def _entry(found: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> Entry:
    answers, problems = [], []
    for status, answer in sorted(operation["responses"].items()):
        if "$ref" in answer:
            problems.append(status)
            continue
        content = answer.get("content", {}).get("application/json", {})
        answers.append((status, answer["description"], _rows(found, content.get("schema", {}))))
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return Entry(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=marked(operation["summary"]),
        description=marked(_beyond(operation["summary"], operation["description"])),
        parameters=tuple(
            _row(found, p["name"], p["schema"], is_required=p.get("required", False), place=p["in"])
            for p in (_resolved(found, given) for given in operation["parameters"])
        ),
        body=_rows(found, body.get("schema", {})),
        answers=tuple(answers),
        problems=tuple(problems),
    )


def marked(text: str) -> SafeString:
    """Plain text as HTML: escaped, and what stands in backticks as code."""
    return mark_safe(re.sub("`([^`]+)`", r"<code>\1</code>", escape(text)))  # noqa: S308  # escaped before


def _beyond(summary: str, description: str) -> str:
    """What a description says more than its first sentence, which is the summary."""
    said = " ".join(description.split())
    return said.removeprefix(summary).lstrip(". ")


def _resolved(found: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in value:
        target: Any = found
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        value = target
    return value


def _rows(
    found: dict[str, Any], schema: dict[str, Any], prefix: str = "", depth: int = 0
) -> tuple[Row, ...]:
    """The members of an object schema, nested ones under `a.b` and `items[].a`."""
    schema = _resolved(found, schema)
    rows: list[Row] = []
    if schema.get("type") == "array" and depth < SCHEMA_DEPTH_MAX:
        return _rows(found, schema["items"], f"{prefix}[]", depth + 1)
    for name, member in schema.get("properties", {}).items():
        is_required = name in schema.get("required", ())
        full = f"{prefix}.{name}" if prefix else name
        rows.append(_row(found, full, member, is_required=is_required))
        for inner in _object_schemas(found, member):
            if depth < SCHEMA_DEPTH_MAX:
                rows.extend(_rows(found, inner, full, depth + 1))
    return tuple(rows)


def _object_schemas(found: dict[str, Any], member: dict[str, Any]) -> list[dict[str, Any]]:
    resolved = _resolved(found, member)
    choices = resolved.get("anyOf") or resolved.get("oneOf") or resolved.get("allOf") or [resolved]
    return [
        c
        for c in choices
        if _resolved(found, c).get("type") == "array" or "properties" in _resolved(found, c)
    ]


def _row(
    found: dict[str, Any],
    name: str,
    schema: dict[str, Any],
    *,
    is_required: bool,
    place: str = "",
) -> Row:
    resolved = _resolved(found, schema)
    meaning = schema.get("description") or resolved.get("description", "")
    limits = ", ".join(
        words.format(resolved[key])
        for key, words in (
            ("minimum", "at least {:,}"),
            ("maximum", "at most {:,}"),
            ("maxLength", "at most {:,} characters"),
            ("maxItems", "at most {:,} items"),
        )
        if key in resolved
    )
    kind = " ".join(part for part in (_kind(found, schema), f"in {place}" if place else "") if part)
    text = f"{meaning} ({limits})" if meaning and limits else meaning or limits
    return Row(name, kind, is_required, marked(text))


def _kind(found: dict[str, Any], schema: dict[str, Any]) -> str:
    resolved = _resolved(found, schema)
    if "enum" in resolved:
        return " | ".join(map(str, resolved["enum"]))
    choices = resolved.get("anyOf") or resolved.get("oneOf")
    if choices:
        return " or ".join(dict.fromkeys(_kind(found, choice) for choice in choices))
    if resolved.get("type") == "array":
        return f"list of {_kind(found, resolved.get('items', {}))}"
    return str(resolved.get("format") or resolved.get("type") or "any")
