"""What went wrong, whose is it to fix, and what is the next step? (RFC 9457)

Three kinds of error: `Problem` is the caller's to fix, `DependencyError` is someone else's,
`Bug` is ours and is never swallowed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

TYPE_PREFIX = "urn:headgate:problem:"  # each suffix is a section of docs/problems.md
PAGES_PATH = "/problems/"  # where the web process explains them, each under its suffix


def problem_types(public_url: str) -> str:
    """What stands before the name in every `type`.

    The pages of the web process where it is known how callers reach it; a URN that leads nowhere
    otherwise, because a URL that does is worse.
    """
    return public_url + PAGES_PATH if public_url else TYPE_PREFIX


def type_name(type_: str) -> str:
    """The name in a `type`, whichever of both forms it has."""
    return type_.rpartition("/" if "/" in type_ else ":")[2]


class ProblemType(StrEnum):
    """Every kind of problem that a person or a machine can meet; the suffix of its `type`."""

    INVALID_INPUT = "invalid-input"
    INVALID_DOCUMENT = "invalid-document"
    NOT_FOUND = "not-found"
    ALREADY_EXISTS = "already-exists"
    CONFLICT = "conflict"
    PRECONDITION_FAILED = "precondition-failed"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    MALFORMED = "malformed"
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type"
    TOO_LARGE = "too-large"
    TOO_MANY = "too-many"
    UNREACHABLE = "unreachable"
    REFUSED_ADDRESS = "refused-address"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


STATUS: Mapping[ProblemType, int] = {
    ProblemType.INVALID_INPUT: 422,
    ProblemType.INVALID_DOCUMENT: 422,
    ProblemType.NOT_FOUND: 404,
    ProblemType.ALREADY_EXISTS: 409,
    ProblemType.CONFLICT: 409,
    ProblemType.PRECONDITION_FAILED: 412,
    ProblemType.UNAUTHENTICATED: 401,
    ProblemType.FORBIDDEN: 403,
    ProblemType.METHOD_NOT_ALLOWED: 405,
    ProblemType.MALFORMED: 400,
    ProblemType.UNSUPPORTED_MEDIA_TYPE: 415,
    ProblemType.TOO_LARGE: 413,
    ProblemType.TOO_MANY: 429,
    ProblemType.UNREACHABLE: 422,
    ProblemType.REFUSED_ADDRESS: 422,
    ProblemType.UNAVAILABLE: 503,
    ProblemType.INTERNAL: 500,
}


@dataclass(frozen=True, slots=True)
class Detail:
    """One place where input is wrong: a JSON pointer, and a line (1-based) where there is one."""

    message: str
    pointer: str = ""
    line: int | None = None


@dataclass(eq=False)
class Problem(Exception):  # noqa: N818  # the field's word (RFC 9457)
    """The caller's to fix. `detail` says what is wrong, `next_step` what to do about it.

    `retry_after_seconds`: when the same may be tried again, where that is known.
    """

    type: ProblemType
    detail: str
    next_step: str
    errors: Sequence[Detail] = field(default_factory=tuple)
    retry_after_seconds: int | None = None

    def __str__(self) -> str:
        return f"{self.detail} {self.next_step}".strip()

    @property
    def status(self) -> int:
        """The HTTP status that goes with the type."""
        return STATUS[self.type]

    def as_json(self, types: str = TYPE_PREFIX) -> dict[str, Any]:
        """The members of `application/problem+json`; `types` as `problem_types` has it.

        Source: RFC 9457 §3.
        """
        body: dict[str, Any] = {
            "type": types + self.type,
            "title": self.type.replace("-", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            "next_step": self.next_step,
        }
        if self.errors:
            body["errors"] = [
                {"message": e.message, "pointer": e.pointer}
                | ({} if e.line is None else {"line": e.line})
                for e in self.errors
            ]
        return body


class DependencyError(Exception):
    """Someone else's to fix: a disk, a network, Envoy, a database.

    `is_retryable` says whether the same call may succeed later.
    """

    def __init__(self, message: str, *, is_retryable: bool) -> None:
        super().__init__(message)
        self.is_retryable = is_retryable


class Bug(Exception):  # noqa: N818  # it is not an error of the caller's: the name says so
    """Ours: a state that the code says cannot be. Never caught to go on."""
