"""How does a request for a subscription go on, and who hears of it? One table says it all."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class RequestState(StrEnum):
    """Where a request stands. Only `asked` is open."""

    ASKED = "asked"
    GRANTED = "granted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class RequestStep(StrEnum):
    """What can be done with a request."""

    GRANT = "grant"
    DECLINE = "decline"
    WITHDRAW = "withdraw"


class Side(StrEnum):
    """Who does it: those who run the programme, or the organization that asks."""

    PROVIDER = "provider"
    CONSUMER = "consumer"


@dataclass(frozen=True, slots=True)
class Transition:
    """Where a step leads, and whose it is. Both sides are told of every one."""

    to: RequestState
    side: Side


TRANSITIONS: Mapping[tuple[RequestState, RequestStep], Transition] = {
    (RequestState.ASKED, RequestStep.GRANT): Transition(RequestState.GRANTED, Side.PROVIDER),
    (RequestState.ASKED, RequestStep.DECLINE): Transition(RequestState.DECLINED, Side.PROVIDER),
    (RequestState.ASKED, RequestStep.WITHDRAW): Transition(RequestState.WITHDRAWN, Side.CONSUMER),
}
"""What is not here cannot be done: a request that was decided stays so, and a new one is made."""


def transition(state: RequestState, step: RequestStep) -> Transition | None:
    """Where `step` leads from `state`; None where it leads nowhere."""
    return TRANSITIONS.get((state, step))
