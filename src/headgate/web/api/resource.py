"""Which steps does every URL of the REST API share, so that no view can forget them?

In order: the method, the declared query parameters, the media type of the body, one answer per
Idempotency-Key, If-Match, the view itself, the entity tag.
"""

import copy
import re
from collections.abc import Callable
from typing import Any, cast

import structlog
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from ninja.errors import HttpError, ValidationError
from ninja.operation import AsyncOperation, Operation, PathView

from headgate.core.problems import Detail, Problem, ProblemType
from headgate.store.services.actor import not_found
from headgate.web.answers import DATABASE_ERRORS, as_problem, problem_response
from headgate.web.api import idempotency
from headgate.web.api.conditional import changed_meanwhile, check_field, entity_tag, is_named
from headgate.web.api.requests import request_id
from headgate.web.threads import in_slow_thread, in_thread

log = structlog.get_logger("headgate.web")
CHANGING = frozenset({"PUT", "PATCH", "DELETE"})
JSON_TYPES = frozenset({"application/json"})
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # an escaped NUL, not an escaped backslash
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


def is_slow(view: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a view that waits for the network, or computes for seconds.

    It runs beside the short ones, on threads of its own. No lock is held while it waits: its
    idempotency key is reserved and completed in two transactions, and If-Match is compared
    before it, not in one transaction with it.
    """
    view.is_slow = True  # type: ignore[attr-defined]  # a mark that only this module reads
    return view


def is_question(view: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a POST that asks and changes nothing: no answer of it is kept, whatever its key."""
    view.is_question = True  # type: ignore[attr-defined]  # a mark that only this module reads
    return view


class _Unreadable(Exception):  # noqa: N818  # it carries an answer out of a transaction
    """The request, or what it is to change, cannot be read; `answer` says why."""

    def __init__(self, answer: HttpResponse) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


class Resource:
    """One URL of the REST API: its operations by method."""

    def __init__(self, path_view: PathView) -> None:
        self._operations = {
            method: operation for operation in path_view.operations for method in operation.methods
        }
        self._is_async = path_view.is_async
        self._slow = {m for m, found in self._operations.items() if _is_slow(found)}

    def view(self) -> Callable[..., Any]:
        """The Django view of this URL."""
        if self._is_async:
            return self._answer_async
        return self._answer_beside if self._slow else self._answer

    async def _answer_beside(self, request: HttpRequest, **path: str) -> HttpResponseBase:
        run = in_slow_thread if request.method in self._slow else in_thread
        return await run(self._answer, request, **path)

    def _answer(self, request: HttpRequest, **path: str) -> HttpResponseBase:
        try:
            operation = self._operation(request)
            is_kept = request.method == "POST" and not _is_question(operation)
            if is_kept and "Idempotency-Key" in request.headers:
                if _is_slow(operation):
                    return self._run_reserved(operation, request, path)
                return self._run_once(operation, request, path)
            if request.method in CHANGING and "If-Match" in request.headers:
                return self._run_if_match(operation, request, path)
            return self._tagged(operation, request, operation.run(request, **path))
        except _Unreadable as unreadable:
            return unreadable.answer
        except (Problem, *DATABASE_ERRORS) as error:
            return self._refused(request, error)

    async def _answer_async(self, request: HttpRequest, **path: str) -> HttpResponseBase:
        try:
            operation = cast("AsyncOperation", self._operation(request))
            call = idempotency.call_of(request)
            if call is None:
                return await operation.run(request, **path)
            kept = await in_thread(idempotency.reserve, call)
            if kept is not None:
                return kept
            response = await operation.run(request, **path)
            await in_thread(idempotency.settle, call, response)
        except (Problem, *DATABASE_ERRORS) as error:
            return self._refused(request, error)
        return response

    def _refused(self, request: HttpRequest, error: Exception) -> HttpResponse:
        """The answer when a shared step did not let the request through."""
        if not isinstance(error, Problem):
            log.error("request failed", exc_info=error)
        problem = as_problem(error)
        return problem_response(problem, request_id(request), self._allow(problem))

    def _operation(self, request: HttpRequest) -> Operation:
        operation = self._operations.get(request.method or "")
        if operation is None:
            raise Problem(
                ProblemType.METHOD_NOT_ALLOWED,
                f"{request.method} is not defined for {request.path}.",
                "Use one of the methods in the Allow field of this answer.",
            )
        _check_text(request)
        _check_query(operation, request)
        _check_media_type(operation, request)
        for name in ("If-Match", "If-None-Match"):
            if name in request.headers:
                check_field(name, request.headers[name])
        return operation

    def _allow(self, problem: Problem) -> dict[str, str]:
        if problem.type is not ProblemType.METHOD_NOT_ALLOWED:
            return {}
        head = {"HEAD"} if "GET" in self._operations else set()
        return {"allow": ", ".join(sorted(self._operations.keys() | head))}

    def _run_once(
        self, operation: Operation, request: HttpRequest, path: dict[str, str]
    ) -> HttpResponseBase:
        """The view and the memory of its answer in one transaction: both or neither."""
        call = idempotency.required_call(request)
        with transaction.atomic():
            kept = idempotency.reserve(call)
            if kept is not None:
                return kept
            response = operation.run(request, **path)
            if response.status_code >= 400:
                transaction.set_rollback(True)
            else:
                idempotency.settle(call, response)
        return response

    def _run_reserved(
        self, operation: Operation, request: HttpRequest, path: dict[str, str]
    ) -> HttpResponseBase:
        call = idempotency.required_call(request)
        kept = idempotency.reserve(call)
        if kept is not None:
            return kept
        response = operation.run(request, **path)
        idempotency.settle(call, response)
        return response

    def _run_if_match(
        self, operation: Operation, request: HttpRequest, path: dict[str, str]
    ) -> HttpResponseBase:
        """Compares and changes in one transaction, one caller after the other per URL."""
        if _is_slow(operation):
            self._check_if_match(operation, request, path)
            return self._tagged(operation, request, operation.run(request, **path))
        with transaction.atomic():
            if connection.vendor == "postgresql":  # SQLite's IMMEDIATE does the same for all
                with connection.cursor() as cursor:
                    cursor.execute(_LOCK, [request.path])
            self._check_if_match(operation, request, path)
            response = operation.run(request, **path)
            if response.status_code >= 400:
                transaction.set_rollback(True)
        return self._tagged(operation, request, response)

    def _check_if_match(
        self, operation: Operation, request: HttpRequest, path: dict[str, str]
    ) -> None:
        """Raises what is wrong with the request itself, then that its subject has changed.

        Source: RFC 9110 §13.2.1: a condition counts only where the request is right otherwise.
        """
        reading = self._operations.get("GET")
        if reading is None:
            return
        try:
            # ninja has no public way to validate alone
            operation._get_values(request, path, HttpResponse())  # noqa: SLF001  # see above
        except (HttpError, ValidationError) as error:
            raise _Unreadable(operation.api.on_exception(request, error)) from error
        now = cast("HttpResponse", reading.run(_as_reading(request), **path))
        if now.status_code != 200:
            raise _Unreadable(now)
        if not is_named(entity_tag(now.content), request.headers["If-Match"], is_weak=False):
            raise changed_meanwhile()

    def _tagged(
        self, operation: Operation, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """The answer with its ETag; 304 when the caller has it already."""
        if response.status_code != 200 or not isinstance(response, HttpResponse):
            return response
        reading = self._operations.get("GET")
        if operation is not reading and not _answers_alike(operation, reading):
            return response
        tag = entity_tag(response.content)
        response["ETag"] = tag
        field = request.headers.get("If-None-Match")
        if operation is reading and field and is_named(tag, field, is_weak=True):
            unchanged = HttpResponse(status=304)
            unchanged["ETag"] = tag
            return unchanged
        return response


def _is_question(operation: Operation) -> bool:
    return getattr(operation.view_func, "is_question", False)


def _is_slow(operation: Operation) -> bool:
    return getattr(operation.view_func, "is_slow", False)


def _answers_alike(operation: Operation, reading: Operation | None) -> bool:
    """Does a change answer with the same representation as GET of the same URL?"""
    if reading is None:
        return False
    models = [found.response_models.get(200) for found in (operation, reading)]
    shapes = [getattr(model, "model_fields", {}).get("response") for model in models]
    return shapes[0] is not None and repr(shapes[0]) == repr(shapes[1])


def _as_reading(request: HttpRequest) -> HttpRequest:
    reading = copy.copy(request)
    reading.GET = QueryDict()
    return reading


def _check_text(request: HttpRequest) -> None:
    """NUL is no character of any name or text here, and PostgreSQL cannot even compare it."""
    if "\0" in request.path:
        raise not_found("URL", request.path)
    given = [text for texts in request.GET.lists() for text in (texts[0], *texts[1])]
    is_in_body = request.content_type in JSON_TYPES and _NUL.search(request.body) is not None
    if is_in_body or any("\0" in text for text in given):
        raise Problem(
            ProblemType.INVALID_INPUT,
            "There is a NUL character in the request.",
            "Take it out and send it again.",
            [Detail("NUL characters are not allowed")],
        )


def _check_query(operation: Operation, request: HttpRequest) -> None:
    known: set[str] = set()
    for model in operation.models:
        if model.__ninja_param_source__ == "query":
            known |= {str(name) for name in getattr(model, "__ninja_flatten_map__", {})}
    unknown = sorted(set(request.GET) - known)
    if unknown:
        raise Problem(
            ProblemType.INVALID_INPUT,
            f"This URL has no query parameter {', '.join(map(repr, unknown))}.",
            f"It knows {', '.join(sorted(known))}." if known else "It takes none.",
            [Detail(f"unknown query parameter {name!r}") for name in unknown],
        )


def _check_media_type(operation: Operation, request: HttpRequest) -> None:
    takes_body = any(model.__ninja_param_source__ == "body" for model in operation.models)
    if not takes_body or not request.body:
        return
    if request.content_type not in JSON_TYPES:
        raise Problem(
            ProblemType.UNSUPPORTED_MEDIA_TYPE,
            f"The body is {request.content_type or 'of no declared type'}.",
            "Send JSON, with `Content-Type: application/json`.",
        )
