"""Which REST API is served under /api/v1? Every resource, one set of rules."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson
import structlog
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver
from django.urls import path as django_path
from ninja import NinjaAPI, Router
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser
from ninja.renderers import BaseRenderer
from ninja.utils import normalize_path, replace_path_param_notation

import headgate
from headgate.core.problems import DependencyError, Detail, Problem, ProblemType
from headgate.web.answers import as_problem, json_bytes, problem_response
from headgate.web.api.requests import request_id
from headgate.web.api.resource import Resource

ERRORS_MAX = 100  # mistakes listed in one problem
log = structlog.get_logger("headgate.web")


class JSONRenderer(BaseRenderer):
    """JSON by orjson: instants as RFC 3339 with a Z."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:  # noqa: ARG002  # ninja's signature
        return json_bytes(data)


class JSONParser(Parser):
    """JSON by orjson: UTF-8 only, no NaN. Source: RFC 8259."""

    def parse_body(self, request: HttpRequest) -> Any:
        return orjson.loads(request.body)


class API(NinjaAPI):
    """The REST API. Its URLs are `Resource`s, so that the shared steps hold for all of them."""

    def _get_urls(self) -> list[URLResolver | URLPattern]:
        found: list[URLResolver | URLPattern] = []
        for bound in self._get_bound_routers():
            prefix = replace_path_param_notation(bound.prefix)
            for below, path_view in bound.path_operations.items():
                route = "/".join(p for p in (prefix, replace_path_param_notation(below)) if p)
                view = Resource(path_view).view()
                found.append(django_path(normalize_path(route).lstrip("/"), view))
        return found


def build(routers: dict[str, Router]) -> API:
    """The API of `routers` by tag."""
    api = API(
        title="Headgate",
        version=headgate.__version__,
        description="Everything that the `headgate` commands do, for programs.",
        openapi_url=None,
        docs_url=None,
        renderer=JSONRenderer(),
        parser=JSONParser(),
        urls_namespace="api-v1",
    )
    for tag, router in routers.items():
        api.add_router("", router, tags=[tag])
    for kind, answer in _ANSWERS.items():
        api.add_exception_handler(kind, answer)
    return api


def _on_problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    return problem_response(problem, request_id(request))


def _on_dependency_error(request: HttpRequest, error: DependencyError) -> HttpResponse:
    log.warning("dependency failed", error=str(error))
    return problem_response(as_problem(error), request_id(request))


def _on_failure(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("request failed", exc_info=error)
    return problem_response(as_problem(error), request_id(request))


def _on_unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    """The body is no JSON: the only HttpError that ninja raises on our routes."""
    problem = Problem(
        ProblemType.MALFORMED,
        f"The body is not JSON: {error.__cause__}.",
        "Send JSON in UTF-8.",
    )
    return problem_response(problem, request_id(request))


def _on_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    body = _parsed(request)
    details = [_detail(item, body) for item in error.errors[:ERRORS_MAX]]
    count = len(error.errors)
    problem = Problem(
        ProblemType.INVALID_INPUT,
        f"{details[0].message}." if count == 1 else f"There are {count} mistakes.",
        "Correct what `errors` lists and send it again.",
        details,
    )
    return problem_response(problem, request_id(request))


def _parsed(request: HttpRequest) -> Any:
    try:
        return orjson.loads(request.body) if request.body else None
    except orjson.JSONDecodeError:
        return None


def _detail(item: dict[str, Any], body: Any) -> Detail:
    """One mistake; `loc` is (source, parameter, place in it …)."""
    source, parameter, *place = item["loc"]
    message = item["msg"].removeprefix("Value error, ")
    if source == "body":
        return Detail(message, pointer(body, place, is_missing=item["type"] == "missing"))
    return Detail(f"{source} parameter {parameter!r}: {message}")


def pointer(body: Any, place: Sequence[str | int], *, is_missing: bool) -> str:
    """The JSON pointer of a mistake in `body`. Source: RFC 6901.

    Pydantic puts the names of a union's branches between the real steps: those are left out.
    """
    steps: list[str] = []
    for number, step in enumerate(place):
        is_last = number == len(place) - 1
        is_index = isinstance(body, list) and isinstance(step, int) and step < len(body)
        if is_index or (isinstance(body, dict) and step in body):
            body = body[step]
        elif not (is_last and is_missing):
            continue
        steps.append(str(step).replace("~", "~0").replace("/", "~1"))
    return "".join(f"/{step}" for step in steps)


_ANSWERS: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
    Problem: _on_problem,
    DependencyError: _on_dependency_error,
    ValidationError: _on_invalid,
    HttpError: _on_unreadable,
    Exception: _on_failure,
}
