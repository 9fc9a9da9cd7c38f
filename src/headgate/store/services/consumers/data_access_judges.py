"""Who decides on a request for sensitive data? Nobody grants their own while somebody else could.

The owner of the data decides, and operators with the scope `keys`. Who has asked may refuse or
revoke, but grants only where no other person has the right: that stands in the audit log as
`own_request`. A token is nobody's person: it is told from others by its name, as there.
"""

from collections.abc import Sequence

from django.db.models import Case, Q, When

from headgate.core.phrases import phrase
from headgate.core.problems import Problem, ProblemType
from headgate.store.models import AccessRequest, User
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.consumers.roles import DECIDING, Role

NAMED_MAX = 5  # of those who could grant it, in an answer


def may_decide(actor: Actor, row: AccessRequest) -> bool:
    """Whether it is the actor's to say: the owner's of the data, and that of operators of keys."""
    is_owner = bool(actor.user) and actor.name == row.mark.owner
    return actor.organization is None and (is_owner or actor.may(Scope.KEYS))


def may_grant(actor: Actor, row: AccessRequest) -> bool:
    """Whether the actor may decide, and need not leave the grant to somebody else."""
    return may_decide(actor, row) and not (is_own(actor, row) and others(row))


def check_decides(actor: Actor, row: AccessRequest) -> None:
    """Let only those pass who may decide.

    Raises:
        Problem: FORBIDDEN; NOT_FOUND for an organization's actor.
    """
    actor.require_operator(Scope.READ, "access request")
    if not may_decide(actor, row):
        raise Problem(
            ProblemType.FORBIDDEN,
            phrase(
                "This is {owner}'s to decide, or an operator's with the scope 'keys'.",
                owner=row.mark.owner,
            ),
            "Ask one of them.",
        )


def check_grants(actor: Actor, row: AccessRequest) -> None:
    """Let nobody pass who has asked for it, where another person could grant it.

    Raises:
        Problem: FORBIDDEN.
    """
    if is_own(actor, row) and (able := others(row)):
        raise Problem(
            ProblemType.FORBIDDEN,
            "You have asked for this yourself: somebody else grants it.",
            phrase("Ask one of them: {people}.", people=", ".join(user.email for user in able)),
        )


def is_own(actor: Actor, row: AccessRequest) -> bool:
    """Whether it was the actor who asked."""
    if actor.user or row.user is not None:
        return row.user is not None and row.user.id == actor.user
    return row.asked_by == actor.name


def others(row: AccessRequest) -> Sequence[User]:
    """People who may grant it and have not asked, the owner of the data first."""
    is_owner = Q(email=row.mark.owner)
    rows = User.objects.filter(
        Q(role__in=DECIDING) | Q(is_owner, role__in=list(Role)), is_active=True, removed_at=None
    )
    if row.user_id is not None:
        rows = rows.exclude(pk=row.user_id)
    return list(rows.order_by(Case(When(is_owner, then=0), default=1), "pk")[:NAMED_MAX])
