"""How does a request for access to sensitive data go on? One table says it all."""

from collections.abc import Mapping
from enum import StrEnum

DAYS_MAX = 730  # of any grant: who needs it longer asks again
DAYS_DEFAULT = 90
WARNED_DAYS = 3  # before its end


class AccessState(StrEnum):
    """Where a request stands. Only `granted` lets calls through."""

    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    LAPSED = "lapsed"
    ENDED = "ended"


class AccessStep(StrEnum):
    """What can be done with a request."""

    GRANT = "grant"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"  # by those who asked, also once it is granted
    REVOKE = "revoke"
    LAPSE = "lapse"  # by itself, at its end
    END = "end"  # a newer grant has replaced it, or the data is sensitive no longer


TRANSITIONS: Mapping[tuple[AccessState, AccessStep], AccessState] = {
    (AccessState.ASKED, AccessStep.GRANT): AccessState.GRANTED,
    (AccessState.ASKED, AccessStep.REFUSE): AccessState.REFUSED,
    (AccessState.ASKED, AccessStep.WITHDRAW): AccessState.WITHDRAWN,
    (AccessState.ASKED, AccessStep.END): AccessState.ENDED,
    (AccessState.GRANTED, AccessStep.WITHDRAW): AccessState.WITHDRAWN,
    (AccessState.GRANTED, AccessStep.REVOKE): AccessState.REVOKED,
    (AccessState.GRANTED, AccessStep.LAPSE): AccessState.LAPSED,
    (AccessState.GRANTED, AccessStep.END): AccessState.ENDED,
}
"""What is not here cannot be done: nothing leads back, a new request is made."""

OPEN = frozenset({AccessState.ASKED, AccessState.GRANTED})


def transition(state: AccessState, step: AccessStep) -> AccessState | None:
    """Where `step` leads from `state`; None where it leads nowhere."""
    return TRANSITIONS.get((state, step))
