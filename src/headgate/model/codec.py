"""How do frozen values travel as JSON? Parsed once, at the edge, against their declared types."""

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from headgate.core.mistakes import told
from headgate.core.phrases import phrase
from headgate.core.problems import Detail, Problem, ProblemType

T = TypeVar("T")
_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(kind: type[T]) -> TypeAdapter[T]:
    found = _ADAPTERS.get(kind)
    if found is None:
        found = _ADAPTERS[kind] = TypeAdapter(kind)
    return found


def as_json(value: object) -> bytes:
    """The JSON text of a frozen value."""
    return _adapter(type(value)).dump_json(value)


def as_data(value: object) -> Any:
    """The same as plain dictionaries, lists, strings and numbers."""
    return _adapter(type(value)).dump_python(value, mode="json")


def from_json(kind: type[T], text: bytes | str) -> T:
    """A value of `kind`.

    Raises:
        Problem: the text does not fit; one `Detail` per mistake, with its JSON pointer.
    """
    try:
        return _adapter(kind).validate_json(text)
    except ValidationError as error:
        raise _problem(kind, error) from error


def from_data(kind: type[T], data: object) -> T:
    """As `from_json`, from parsed data."""
    try:
        return _adapter(kind).validate_python(data)
    except ValidationError as error:
        raise _problem(kind, error) from error


def _problem(kind: type[Any], error: ValidationError) -> Problem:
    details = [
        Detail(told(item), "/" + "/".join(str(part) for part in item["loc"]))
        for item in error.errors(include_url=False, include_input=False)
    ]
    return Problem(
        ProblemType.INVALID_INPUT,
        phrase(
            "This is not a valid {kind}: {pointer}: {message}.",
            kind=kind.__name__,
            pointer=details[0].pointer,
            message=details[0].message,
        ),
        "Correct the listed places and send it again.",
        details,
    )
