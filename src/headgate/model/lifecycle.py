"""How far is a version of an API in its life, and what are its callers told of its end?"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class Lifecycle(StrEnum):
    """The states of a version, in the usual order."""

    DRAFT = "draft"  # imported; in service nowhere
    PUBLISHED = "published"
    DEPRECATED = "deprecated"  # in service, and its answers say that it will end
    RETIRED = "retired"  # answers 410 with where to go


@dataclass(frozen=True, slots=True)
class Notice:
    """What callers of a version or an operation are told.

    `sunset_at` is when it ends or ended. `successor` is another version as people write it
    (`pets@v2`), `successor_path` its base path at the gateway and `successor_choice` how calls
    there choose it (`x-api-version: v2`), empty where the path alone does. `link` is a page.
    """

    deprecated_at: datetime
    sunset_at: datetime | None = None
    link: str = ""
    successor: str = ""
    successor_path: str = ""
    successor_choice: str = ""
    is_retired: bool = False


def joined(version: Notice | None, operation: Notice | None) -> Notice | None:
    """What callers of an operation are told: what comes first of its own and its version's."""
    if version is None or operation is None:
        return version or operation
    sunsets = [at for at in (version.sunset_at, operation.sunset_at) if at is not None]
    return replace(
        version,
        deprecated_at=min(version.deprecated_at, operation.deprecated_at),
        sunset_at=min(sunsets, default=None),
        link=version.link or operation.link,
    )
