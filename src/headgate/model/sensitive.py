"""Which operations give data that has to be asked for? Marks, as gateways hold callers to them.

A mark stands at an API or at one of its operations, in every version. It is in force as long as it
is there, whatever is published, released or rolled back: it travels beside what a revision holds.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_PARAMETER = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True, slots=True)
class SensitiveMark:
    """`row`: what grants name. `api` is the name of all versions; `operation` its id, empty for
    the whole API; `method` and `path` are what it had when it was marked, so that a version which
    gives it another id does not open it. `ask_at`: where callers ask, empty if that is not known.
    """

    row: int
    api: str
    operation: str = ""
    method: str = ""
    path: str = ""
    ask_at: str = ""

    def covers(self, operation: str, method: str, path: str) -> bool:
        """Whether an operation of the API, in whatever version, is meant."""
        if not self.operation:
            return True
        is_same_place = method == self.method and _shape(path) == _shape(self.path)
        return operation == self.operation or is_same_place


def mark_of(
    marks: Iterable[SensitiveMark], operation: str, method: str, path: str
) -> SensitiveMark | None:
    """The mark that counts for an operation, of those of its API: its own before the API's."""
    found = [one for one in marks if one.covers(operation, method, path)]
    return max(found, key=lambda one: (bool(one.operation), one.row), default=None)


def _shape(path: str) -> str:
    """A template whatever its parameters are called."""
    return _PARAMETER.sub("{}", path)
