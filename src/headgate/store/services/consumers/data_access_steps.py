"""What does a step of a request for sensitive data change? The row, the gateways, the audit log.

`take` is the only way from one state to the next. A grant is in force once the transaction is
over; so is its end.
"""

from datetime import datetime
from typing import Any

from headgate.access.data_access import AccessState, AccessStep, transition
from headgate.core.phrases import phrase
from headgate.store.models import AccessRequest
from headgate.store.models.approvals import REASON_CHARACTERS_MAX
from headgate.store.services import audit, feed
from headgate.store.services.actor import Actor
from headgate.store.services.alerts import data_access_mails
from headgate.store.services.audit import Action
from headgate.store.services.consumers import data_access_judges
from headgate.store.services.values import as_fields, check_text, refused

ACTIONS = {
    AccessStep.GRANT: Action.ACCESS_GRANTED,
    AccessStep.REFUSE: Action.ACCESS_REFUSED,
    AccessStep.WITHDRAW: Action.ACCESS_WITHDRAWN,
    AccessStep.REVOKE: Action.ACCESS_REVOKED,
    AccessStep.LAPSE: Action.ACCESS_LAPSED,
    AccessStep.END: Action.ACCESS_ENDED,
}
DECISIONS = frozenset({AccessStep.GRANT, AccessStep.REFUSE})


def take(
    actor: Actor,
    row: AccessRequest,
    step: AccessStep,
    *,
    word: str = "",
    until: datetime | None = None,
) -> AccessRequest:
    """The request after a step, in the caller's transaction. `until`: of a grant.

    Raises:
        Problem: CONFLICT: the step cannot be taken in its state; INVALID_INPUT: the word.
    """
    found = transition(AccessState(row.state), step)
    if found is None:
        raise refused(
            phrase("The request {id} is {state}, and stays so.", id=row.id, state=row.state),
            "Ask anew if it is still wanted.",
        )
    check_text(word, REASON_CHARACTERS_MAX, "/word")
    before = fields(row)
    if row.state == AccessState.GRANTED or found is AccessState.GRANTED:
        row.changed = feed.next_sequence()
    row.state = found
    if step in DECISIONS:
        row.decided_at, row.decided_by, row.word = actor.at, actor.name, word.strip()
        row.until = until
    else:
        row.ended_at, row.ended_by, row.end_word = actor.at, actor.name, word.strip()
    row.save()
    is_own = step is AccessStep.GRANT and data_access_judges.is_own(actor, row)
    record(actor, ACTIONS[step], row, before, is_own=is_own)
    data_access_mails.told(actor, row, step)
    return row


def record(
    actor: Actor,
    action: Action,
    row: AccessRequest,
    before: dict[str, Any] | None,
    *,
    is_own: bool = False,
) -> None:
    """Write a step down, and publish its event. `is_own`: who had asked has granted it."""
    owner = row.application.organization
    after = fields(row) | ({"own_request": True} if is_own else {})
    audit.record(actor, action, row.id, before=before, after=after, organization=owner)


def fields(row: AccessRequest) -> dict[str, Any]:
    """What the audit log keeps of a request."""
    found = as_fields(row, "id", "state", "reason", "days", "word", "until", "end_word")
    return found | {
        "application": row.application.path,
        "api": row.mark.api.name,
        "operation": row.mark.operation,
    }
