"""How does an answer look on the wire? JSON and problems, for Django and for plain ASGI."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson
from django.db.utils import InterfaceError, OperationalError
from django.http import HttpResponse

from headgate.core.problems import DependencyError, Problem, ProblemType, problem_types
from headgate.store.environment import public_url
from headgate.web.exchange import Send

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
REALM = 'Bearer realm="headgate"'
RETRY_SECONDS = 5  # what we tell a caller to wait when a dependency may come back

DATABASE_ERRORS = (OperationalError, InterfaceError)
"""Locked, full, or gone away: someone else's to mend. Other database errors are ours."""

INTERNAL = Problem(
    ProblemType.INTERNAL,
    "The server failed while it answered.",
    "Try again; if it happens again, look for request_id in the log of `headgate web`.",
)

DISK = Problem(
    ProblemType.UNAVAILABLE,
    "The database cannot write to its disk, which is full or broken.",
    "Free some space there, then try again; `headgate status` says how much is left.",
)
DISK_ERRORS = ("SQLITE_FULL", "SQLITE_IOERR", "53100", "58030")
"""How names of SQLite's errors and PostgreSQL's codes begin (disk_full, io_error)."""


def as_problem(error: Exception) -> Problem:
    """What the caller may know about `error`: problems as they are, nothing of our insides."""
    if isinstance(error, Problem):
        return error
    if _is_of_the_disk(error):
        return DISK
    if isinstance(error, DATABASE_ERRORS):
        error = DependencyError("The database does not answer", is_retryable=True)
    if isinstance(error, DependencyError):
        step = "Try again in a few seconds." if error.is_retryable else "See `headgate status`."
        return Problem(ProblemType.UNAVAILABLE, f"{error}.".replace("..", "."), step)
    return INTERNAL


def _is_of_the_disk(error: BaseException | None) -> bool:
    """Whether a database's own error below `error` says that its disk takes nothing."""
    while error is not None:
        code = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or ""
        if code.startswith(DISK_ERRORS):
            return True
        error = error.__cause__
    return False


def problem_headers(problem: Problem) -> dict[str, str]:
    """Header fields that belong to a problem. Source: RFC 9110 §11.6.1, §10.2.3."""
    if problem.type is ProblemType.UNAUTHENTICATED:
        return {"www-authenticate": REALM}
    if problem.type in {ProblemType.UNAVAILABLE, ProblemType.TOO_MANY}:
        return {"retry-after": str(problem.retry_after_seconds or RETRY_SECONDS)}
    return {}


def problem_body(problem: Problem, request_id: str) -> bytes:
    """The text of `application/problem+json`, with the request's id. Source: RFC 9457 §3."""
    return orjson.dumps(problem.as_json(_types()) | {"request_id": request_id})


@cache
def _types() -> str:
    """What every `type` begins with; `web.main` has refused to start where it is said wrongly."""
    return problem_types(public_url())


def problem_response(
    problem: Problem, request_id: str, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """A problem as Django sends it."""
    response = HttpResponse(
        problem_body(problem, request_id), status=problem.status, content_type=PROBLEM_JSON
    )
    for name, value in {**problem_headers(problem), **(headers or {})}.items():
        response[name] = value
    # Django would write a second line, with the values of the query in it
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001  # Django's mark
    return response


async def send_answer(
    send: Send,
    status: int,
    body: bytes = b"",
    content_type: str = JSON,
    headers: Mapping[str, str] | None = None,
) -> None:
    """A whole answer through plain ASGI."""
    fields = {**({"content-type": content_type} if body else {}), **(headers or {})}
    if status not in {204, 304}:
        fields["content-length"] = str(len(body))
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(n.encode("ascii"), v.encode("latin-1")) for n, v in fields.items()],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def send_problem(
    send: Send, problem: Problem, request_id: str, headers: Mapping[str, str] | None = None
) -> None:
    """A problem through plain ASGI."""
    fields = {**problem_headers(problem), **(headers or {})}
    await send_answer(send, problem.status, problem_body(problem, request_id), PROBLEM_JSON, fields)


def json_bytes(value: Any) -> bytes:
    """`value` as JSON text; instants as RFC 3339 in UTC with a `Z`."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)
