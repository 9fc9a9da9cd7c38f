"""Which kinds of values do requests and answers carry? Checked where they come in."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, TypeVar
from urllib.parse import quote

from django.http import HttpResponse
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
)

from headgate.core.text import NAME_CHARACTERS_MAX, name_error
from headgate.store.models.rows import DESCRIPTION_CHARACTERS_MAX, TITLE_CHARACTERS_MAX

T = TypeVar("T")
_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
PATH_NAME_CHARACTERS_MAX = 2 * NAME_CHARACTERS_MAX + 1


class Input(BaseModel):
    """A request's body: nothing is guessed, and what we do not know is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Parameters(BaseModel):
    """A request's query: everything in it is text, and read as what it stands for."""


class Output(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(from_attributes=True)


def _name(text: str) -> str:
    error = name_error(text)
    if error is not None:
        raise ValueError(error)
    return text


def _written_out(value: object) -> object:
    if not isinstance(value, str) or _RFC3339.fullmatch(value) is None:
        raise ValueError("write an instant with its time zone, like 2030-01-31T00:00:00Z")
    return value


def _utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("this instant is out of range") from error


Name = Annotated[
    str,
    AfterValidator(_name),
    Field(
        json_schema_extra={
            "minLength": 1,
            "maxLength": NAME_CHARACTERS_MAX,
            "pattern": "^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$",
        },
        examples=["acme"],
    ),
]
"""A name that a person gave: a-z, 0-9, `.`, `_`, `-`."""

Reference = Annotated[str, Field(min_length=1, max_length=PATH_NAME_CHARACTERS_MAX)]
"""A name, an id, or `organization/application`, `product/plan`."""

LimitText = Annotated[str, Field(min_length=3, max_length=60)]
"""`10/second`, `10/second+50`, `1000/month`, `1000/month@15 shadow`; checked by the service."""

ConcurrentText = Annotated[str, Field(max_length=30)]
"""`5`, `5 shadow`, or nothing; checked by the service."""

Title = Annotated[str, Field(max_length=TITLE_CHARACTERS_MAX)]
Description = Annotated[str, Field(max_length=DESCRIPTION_CHARACTERS_MAX)]
Instant = Annotated[
    AwareDatetime, Strict(strict=False), BeforeValidator(_written_out), AfterValidator(_utc)
]
"""RFC 3339 with a time zone; answered in UTC."""


class SettableState(StrEnum):
    """Whether it may be used now."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


State = Annotated[SettableState, Strict(strict=False)]


def is_suspended(state: SettableState | None) -> bool | None:
    """The services' word for a state; None stays None: not to be changed."""
    return None if state is None else state is SettableState.SUSPENDED


def state_of(*, is_suspended: bool) -> SettableState:
    """The reverse."""
    return SettableState.SUSPENDED if is_suspended else SettableState.ACTIVE


def created(response: HttpResponse, answer: T, *place: str) -> T:
    """`answer`, with the Location of the new thing put into `response`."""
    response["Location"] = "/api/v1/" + "/".join(quote(part, safe="") for part in place)
    return answer
