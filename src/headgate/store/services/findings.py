"""What is something that is wrong? A sentence, how bad it is, and how to mend it."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "error"  # traffic, records or changes are affected now
    WARNING = "warning"  # they will be


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, and how to mend it."""

    severity: Severity
    what: str
    next_step: str
