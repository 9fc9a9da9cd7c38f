"""Which contracts does a node hold? Files named by id, fetched once, kept for the next start.

A node that starts without its control plane finds them where they were. What no revision in
service names any more is deleted.
"""

from collections.abc import Iterable
from pathlib import Path

import structlog

from headgate.core.problems import DependencyError
from headgate.model.contract import CONTRACT_BYTES_MAX
from headgate.model.snapshot import Snapshot
from headgate.node.control_plane import ControlPlane
from headgate.node.durable import write_file
from headgate.node.troubles import Topic, Troubles
from headgate.node.validators import Validators

READY_SECONDS_MAX = 30.0  # that a revision waits for its validators to compile what it needs
START_SECONDS_MAX = 3.0  # that Envoy's start waits for them

_log = structlog.get_logger()


def named(*snapshots: Snapshot) -> list[str]:
    """The ids of the contracts of these snapshots."""
    found = (api.contract for snapshot in snapshots for api in snapshot.apis if api.contract)
    return sorted(set(found))


class Contracts:
    """The contracts of one node, on disk and in its validators."""

    def __init__(
        self,
        folder: Path,
        control_plane: ControlPlane,
        validators: Validators,
        troubles: Troubles,
    ) -> None:
        self._folder = folder
        self._control_plane = control_plane
        self._validators = validators
        self._troubles = troubles

    async def prepare(self, candidate: Snapshot, good: Snapshot) -> None:
        """Have the validators know what `candidate` needs, beside what is in service.

        Raises:
            DependencyError: a contract cannot be fetched.
            OSError: the disk refused.
        """
        wanted = named(candidate)
        if wanted:
            await self._fetch(wanted)
            await self._validators.know(
                named(candidate, good), types=candidate.problem_types, seconds=READY_SECONDS_MAX
            )

    async def settle(self, good: Snapshot) -> None:
        """Hold exactly what the revision in service needs. Fails by saying so: traffic goes on,
        and requests whose contract is missing are treated as their policy says."""
        wanted = named(good)
        try:
            await self._fetch(wanted)
        except (DependencyError, OSError) as error:
            self._troubles.set(
                Topic.CONTRACTS,
                f"The description that requests are checked against is missing: {error}. Publish"
                " the API again once the control plane can be reached.",
            )
        else:
            self._troubles.clear(Topic.CONTRACTS)
        await self._validators.know(wanted, types=good.problem_types, seconds=START_SECONDS_MAX)
        self._forget_all_but(wanted)

    async def _fetch(self, ids: Iterable[str]) -> None:
        for name in ids:
            place = self._folder / f"{name}.json"
            if place.exists():
                continue
            data = await self._control_plane.contract(name)
            if len(data) > CONTRACT_BYTES_MAX:
                raise DependencyError(f"the contract {name} is too large", is_retryable=False)
            write_file(place, data)
            _log.info("contract fetched", contract=name, bytes=len(data))

    def _forget_all_but(self, ids: Iterable[str]) -> None:
        kept = {f"{name}.json" for name in ids}
        for place in self._folder.glob("*.json"):
            if place.name not in kept:
                place.unlink(missing_ok=True)
