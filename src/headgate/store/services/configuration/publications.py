"""Which APIs does an apply publish? Collected, then one revision for each gateway."""

from collections import defaultdict
from collections.abc import Collection

from headgate.core.phrases import phrase
from headgate.core.problems import Detail, Problem
from headgate.store.services.actor import Actor
from headgate.store.services.gateway import publishing


class Publications:
    """What is to be live where, by gateway.

    A revision for every API would check the whole gateway as often as there are APIs.
    """

    def __init__(self) -> None:
        self._in: defaultdict[str, list[str]] = defaultdict(list)
        self._out: defaultdict[str, list[str]] = defaultdict(list)
        self._has_new_callers = False

    def change_callers(self) -> None:
        """Policies of products or plans have changed: they are put in force everywhere."""
        self._has_new_callers = True

    def place(self, api: str, *, present: Collection[str], wanted: Collection[str]) -> None:
        """`api` is live on the gateways `present` and is to be on `wanted`, as it is now."""
        for gateway in wanted:
            self._in[gateway].append(api)
        for gateway in set(present) - set(wanted):
            self._out[gateway].append(api)

    def publish(self, actor: Actor) -> list[Detail]:
        """Make the revisions; what stands in their way, whose place is no single document."""
        errors: list[Detail] = []
        for gateway in sorted({*self._in, *self._out}):
            try:
                publishing.publish_all(
                    actor, gateway, apis_in=self._in[gateway], apis_out=self._out[gateway]
                )
            except Problem as problem:
                messages = [error.message for error in problem.errors] or [problem.detail]
                errors += [
                    Detail(
                        phrase("gateway '{gateway}': {message}", gateway=gateway, message=message)
                    )
                    for message in messages
                ]
        if self._has_new_callers and not errors:
            try:
                publishing.refresh_callers(actor)
            except Problem as problem:
                errors += problem.errors or [Detail(problem.detail)]
        return errors
