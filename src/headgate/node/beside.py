"""What has to be ready beside Envoy before a revision is in service, and what it needs after?"""

from typing import Protocol

from headgate.model.snapshot import Snapshot


class Beside(Protocol):
    """Something beside Envoy that revisions need."""

    async def prepare(self, candidate: Snapshot, good: Snapshot) -> None:
        """Have what `candidate` needs, beside what is in service.

        Raises:
            DependencyError, OSError: it cannot be had.
        """

    async def settle(self, good: Snapshot) -> None:
        """Have exactly what the revision in service needs. Traffic goes on without it."""


class AllBeside:
    """Several such things, one after the other."""

    def __init__(self, *all_of_them: Beside) -> None:
        self._all = all_of_them

    async def prepare(self, candidate: Snapshot, good: Snapshot) -> None:
        """As `Beside`."""
        for one in self._all:
            await one.prepare(candidate, good)

    async def settle(self, good: Snapshot) -> None:
        """As `Beside`."""
        for one in self._all:
            await one.settle(good)
