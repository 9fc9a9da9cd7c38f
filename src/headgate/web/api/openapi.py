"""What does the REST API promise? Its OpenAPI 3.1 document, made honest.

Ninja writes the paths and schemas; what every operation shares (the token, the problems, the
conditional and idempotent header fields) is added here, for all of them alike.
"""

from functools import cache
from typing import Any

import orjson
from ninja import NinjaAPI

from headgate.core.problems import ProblemType, problem_types
from headgate.store.environment import public_url
from headgate.web.api.conditional import FIELD_PATTERN

PREFIX = "/api/v1"
OPEN_PATHS = frozenset({f"{PREFIX}/health"})  # answered without a token
_CHANGING = frozenset({"put", "patch", "delete"})

_TYPES = problem_types(public_url())
PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "What went wrong and what to do next (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "next_step", "request_id"],
    "properties": {
        "type": {"type": "string", "enum": [_TYPES + kind for kind in ProblemType]},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "next_step": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["message", "pointer"],
                "properties": {
                    "message": {"type": "string"},
                    "pointer": {"type": "string", "description": "JSON pointer into the body."},
                    "line": {"type": "integer", "minimum": 1},
                },
            },
        },
    },
}
PROBLEM_EXAMPLE = {
    "type": _TYPES + ProblemType.NOT_FOUND,
    "title": "Not found",
    "status": 404,
    "detail": "There is no application 'demo'.",
    "next_step": "Check the name, or list what there is.",
    "request_id": "req_7k3v9q2m4x0z",
}
_MEANINGS = {
    400: "The body is not JSON.",
    401: "No token, or one that is unknown, revoked or expired.",
    403: "The token lacks the scope.",
    404: "There is no such thing, or the token may not know of it.",
    409: "The present state does not allow it.",
    412: "It has changed since the ETag in If-Match.",
    413: "The body is too long.",
    415: "The body is not `application/json`.",
    422: "The input is wrong; `errors` lists every mistake.",
    503: "Something that Headgate depends on does not answer; Retry-After says when to try again.",
}
_HEADERS = {
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "A fresh random text per new thing: repeating the request within 24 hours "
        "gives the first answer again and creates nothing.",
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "pattern": "^[!-~]([ -~]*[!-~])?$",
        },
    },
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "Do it only if the ETag is still this one; otherwise 412.",
        "schema": {"type": "string", "pattern": FIELD_PATTERN},
        "example": "*",
    },
    "If-None-Match": {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": "Answer 304 without a body if the ETag is still this one.",
        "schema": {"type": "string", "pattern": FIELD_PATTERN},
        "example": "*",
    },
}


_LOCATION = {
    "description": "Where the new thing is.",
    "required": True,
    "schema": {"type": "string", "pattern": f"^{PREFIX}/"},
}
_ETAG = {
    "description": "Names this state; for If-None-Match and If-Match.",
    "required": True,
    "schema": {"type": "string", "pattern": '^"[0-9a-f]{32}"$'},
}
_PROBLEM_HEADERS = {
    401: {
        "WWW-Authenticate": {
            "description": "How to authenticate.",
            "required": True,
            "schema": {"type": "string", "pattern": "^Bearer "},
        }
    },
    503: {
        "Retry-After": {
            "description": "Seconds to wait.",
            "required": True,
            "schema": {"type": "integer", "minimum": 1},
        }
    },
}


@cache
def document(api: NinjaAPI) -> dict[str, Any]:
    """The OpenAPI document of `api`, as plain data."""
    found: dict[str, Any] = orjson.loads(
        orjson.dumps(
            dict(api.get_openapi_schema(path_prefix=f"{PREFIX}/")), option=orjson.OPT_NON_STR_KEYS
        )
    )
    found["info"]["license"] = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
    found["servers"] = [{"url": "/"}]
    found["security"] = [{"token": []}]
    components = found["components"]
    components["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of the REST API (`hgt_…`); `headgate up` prints the first.",
        }
    }
    components["schemas"]["Problem"] = PROBLEM_SCHEMA
    components["parameters"] = dict(_HEADERS)
    components["responses"] = {f"Problem{s}": _problem(s, m) for s, m in _MEANINGS.items()}
    for path, item in found["paths"].items():
        for method, operation in item.items():
            _complete(path, method, operation)
    return found


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    is_open = path in OPEN_PATHS
    if is_open:
        operation["security"] = []
    operation["summary"] = operation["description"].partition(".")[0].replace("\n", " ")
    if "201" in operation["responses"]:
        operation["responses"]["201"]["headers"] = {"Location": _LOCATION}
    if method == "get":
        operation["responses"]["200"]["headers"] = {"ETag": _ETAG}
    parameters = operation.setdefault("parameters", [])
    if method == "post":
        parameters.append(_reference("parameters", "Idempotency-Key"))
    if method in _CHANGING:
        parameters.append(_reference("parameters", "If-Match"))
    if method == "get" and not is_open:
        parameters.append(_reference("parameters", "If-None-Match"))
        operation["responses"]["304"] = {"description": "Not changed since the ETag."}
    for status in _statuses(method, operation, is_open=is_open):
        operation["responses"][str(status)] = _reference("responses", f"Problem{status}")


def _statuses(method: str, operation: dict[str, Any], *, is_open: bool) -> list[int]:
    """The problems that one operation can answer."""
    if is_open:
        return [422, 503]
    found = {401, 403, 404, 422, 503}
    if "requestBody" in operation:
        found |= {400, 413, 415}
    if method != "get":
        found |= {409}
    if method in _CHANGING:
        found |= {412}
    return sorted(found)


def _problem(status: int, meaning: str) -> dict[str, Any]:
    return {
        "description": meaning,
        "headers": _PROBLEM_HEADERS.get(status, {}),
        "content": {
            "application/problem+json": {
                "schema": _reference("schemas", "Problem"),
                "example": PROBLEM_EXAMPLE,
            }
        },
    }


def _reference(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}
