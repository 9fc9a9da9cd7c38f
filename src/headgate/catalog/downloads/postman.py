"""What is an API as a collection of Postman? Folders by tag, one request per operation.

The address and the key are variables of the collection, so that nobody's key stands in a request.

Source: Postman Collection Format v2.1.0 (schema.getpostman.com).
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote

from headgate.catalog.pointers import MISSING
from headgate.catalog.reference.index import Entry, Index
from headgate.catalog.reference.operation import OperationView, ParameterView, operation_view
from headgate.catalog.reference.parts import Parts
from headgate.catalog.sample import (
    FileBody,
    FormBody,
    JSONBody,
    SampleRequest,
    clean,
    sample_request,
)
from headgate.catalog.styles import in_header, in_path, in_query
from headgate.model.snapshot import KeyLocation, KeySource

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
DESCRIPTION_CHARACTERS_MAX = 10_000


def collection(
    index: Index, parts: Parts, server: str, sources: tuple[KeySource, ...] = ()
) -> dict[str, Any]:
    """The collection; `sources` empty: callers need no key."""
    folders = [
        {
            "name": clean(tag.name) or "Other",
            "description": clean(tag.description)[:DESCRIPTION_CHARACTERS_MAX],
            "item": [_item(parts, entry) for entry in entries],
        }
        for tag, entries in index.groups()
    ]
    is_flat = len(folders) == 1 and folders[0]["name"] == "Other"
    made: dict[str, Any] = {
        "info": {
            "name": clean(f"{index.title} {index.version}".strip()),
            "description": clean(index.description)[:DESCRIPTION_CHARACTERS_MAX],
            "schema": SCHEMA,
        },
        "item": folders[0]["item"] if is_flat else folders,
        "variable": [{"key": "baseUrl", "value": server.rstrip("/"), "type": "string"}],
    }
    if sources:
        made["auth"] = _auth(sources[0])
        made["variable"].append({"key": "apiKey", "value": "", "type": "string"})
    return made


def _item(parts: Parts, entry: Entry) -> dict[str, Any]:
    view = operation_view(parts, entry, with_responses=False)
    request = sample_request(view, "http://x")
    return {
        "name": clean(entry.summary or entry.id),
        "request": _request(view, request),
        "response": [],
    }


def _request(view: OperationView, request: SampleRequest) -> dict[str, Any]:
    made: dict[str, Any] = {
        "method": request.method,
        "header": [{"key": name, "value": value} for name, value in request.headers],
        "url": _url(view),
        "description": clean(view.description)[:DESCRIPTION_CHARACTERS_MAX],
    }
    known = {name.lower() for name, _ in request.headers}
    made["header"] += [
        {"key": clean(one.name), "value": _example(one, in_header), "disabled": True}
        for one in view.parameters_in("header")
        if one.name.lower() not in known
    ]
    if (body := _body(request)) is not None:
        made["body"] = body
    return made


def _url(view: OperationView) -> dict[str, Any]:
    steps = [_step(step) for step in view.entry.path.strip("/").split("/")]
    query = [pair for one in view.parameters_in("query") for pair in _query(one)]
    sent = "&".join(f"{one['key']}={one['value']}" for one in query if not one["disabled"])
    return {
        "raw": "{{baseUrl}}/" + "/".join(steps) + (f"?{sent}" if sent else ""),
        "host": ["{{baseUrl}}"],
        "path": steps,
        "query": query,
        "variable": [
            {
                "key": clean(one.name),
                "value": _example(one, in_path),
                "description": clean(one.description)[:DESCRIPTION_CHARACTERS_MAX],
            }
            for one in view.parameters_in("path")
            if f":{clean(one.name)}" in steps
        ],
    }


def _step(step: str) -> str:
    """`{id}` is `:id` for Postman; a step with more in it gets variables of the collection."""
    if step.startswith("{") and step.endswith("}") and step.count("{") == 1:
        return f":{clean(step[1:-1])}"
    return clean(step.replace("{", "{{").replace("}", "}}"))


def _query(one: ParameterView) -> Iterator[dict[str, Any]]:
    """Each pair that the value is written as; what need not be sent is switched off."""
    is_off = not one.is_required
    about = clean(one.description)[:DESCRIPTION_CHARACTERS_MAX]
    text = in_query(one.written) if one.example is not MISSING else f"{one.name}="
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        yield {
            "key": clean(unquote(name)),
            "value": clean(value),
            "description": about,
            "disabled": is_off,
        }


def _example(one: ParameterView, written: Any) -> str:
    return "" if one.example is MISSING else clean(unquote(written(one.written)))


def _body(request: SampleRequest) -> dict[str, Any] | None:
    body = request.body
    if body is None:
        return None
    if isinstance(body, FileBody):
        return {"mode": "file", "file": {"src": body.file_name}}
    if isinstance(body, JSONBody):
        language = {"raw": {"language": "json"}}
        return {"mode": "raw", "raw": body.text, "options": language}
    if not isinstance(body, FormBody):
        return {"mode": "raw", "raw": body.text}
    if not body.is_multipart:
        return {"mode": "urlencoded", "urlencoded": list(_fields(body))}
    return {"mode": "formdata", "formdata": list(_fields(body))}


def _fields(body: FormBody) -> Iterable[dict[str, Any]]:
    for one in body.fields:
        if one.file_name:
            yield {"key": one.name, "type": "file", "src": one.file_name}
        else:
            kind = {"contentType": one.content_type} if one.content_type else {}
            yield {"key": one.name, "value": one.value, "type": "text"} | kind


def _auth(source: KeySource) -> dict[str, Any]:
    if source.location is KeyLocation.BEARER:
        token = {"key": "token", "value": "{{apiKey}}", "type": "string"}
        return {"type": "bearer", "bearer": [token]}
    values = {"key": source.name, "value": "{{apiKey}}", "in": source.location.value}
    listed = [{"key": key, "value": value, "type": "string"} for key, value in values.items()]
    return {"type": "apikey", "apikey": listed}


def as_json(made: dict[str, Any]) -> bytes:
    """The text of a collection."""
    return (json.dumps(made, ensure_ascii=False, indent=2) + "\n").encode()
