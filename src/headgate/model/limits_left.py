"""What was left of each limit when a call was decided? The filter's words on it, read.

They stand behind the verdict in a line's `access` (`model/logline.py`), one per limit that the
call met, in the order in which they were asked, with a comma between:

    r9/10s,q712/1000M@15,aq0/50d!3600

First whose limit it is: nothing for the plan's, `a` the API's, `o` the operation's. Then its kind
(`r`, `q`, `c`), what is left, a slash, and the limit itself: amount, window (`s m h d M`), a rate's
burst where it is another number (`+50`), the day on which a month begins where it is not the first.
`=`: the nodes share it. `~`: it is in shadow. `!`: it refused the call, or would have, and in so
many seconds it lets pass what the call costs; 0: waiting does not help.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from headgate.model.limits import Limit, LimitKind, Window


class LimitPlace(StrEnum):
    """Whose limit it is."""

    PLAN = "plan"
    API = "api"
    OPERATION = "operation"


@dataclass(frozen=True, slots=True)
class LimitLeft:
    """One limit as a call met it; `left` is after the call, in units, at the node that served it.

    `is_refused`: it refused the call; in shadow it would have. `retry_after_seconds` is then when
    it lets pass what the call costs, 0 when waiting does not help.
    """

    place: LimitPlace
    limit: Limit
    left: int
    is_refused: bool = False
    retry_after_seconds: int = 0


_ONE = re.compile(
    r"([ao]?)([rqc])(\d+)/(\d+)([smhdM]?)(?:([+@])(\d+))?(=?)(~?)(?:!(\d+))?", re.ASCII
)
_PLACES = {"": LimitPlace.PLAN, "a": LimitPlace.API, "o": LimitPlace.OPERATION}
_KINDS = {"r": LimitKind.RATE, "q": LimitKind.QUOTA, "c": LimitKind.CONCURRENT}
_WINDOWS = dict(zip("smhdM", Window, strict=True)) | {"": Window.SECOND}


def limits_left(text: str) -> tuple[LimitLeft, ...]:
    """The limits that a record's `limits` tells of; what makes no sense is left out."""
    return tuple(_read(text))


def _read(text: str) -> Iterator[LimitLeft]:
    for word in text.split(","):
        found = _ONE.fullmatch(word)
        if found is None:
            continue
        place, kind, left, amount, window, sign, number, shared, shadow, retry = found.groups()
        if (kind == "c") != (window == ""):
            continue
        try:
            limit = Limit(
                _KINDS[kind],
                int(amount),
                _WINDOWS[window],
                burst=int(number) if sign == "+" else 0,
                anchor_day=int(number) if sign == "@" else 1,
                is_shadow=bool(shadow),
                is_shared=bool(shared),
            )
        except ValueError:
            continue
        yield LimitLeft(_PLACES[place], limit, int(left), retry is not None, int(retry or 0))
