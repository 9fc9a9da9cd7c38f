"""Who asks for a subscription that somebody has to grant?"""

from django.db import models
from django.db.models import PROTECT, SET_NULL, Q, UniqueConstraint

from headgate.access.approval import RequestState
from headgate.store.models.consumers import Application, Subscription
from headgate.store.models.people import EMAIL_CHARACTERS_MAX, User
from headgate.store.models.products import Plan
from headgate.store.models.rows import TITLE_CHARACTERS_MAX, Row

REASON_CHARACTERS_MAX = 2_000


class SubscriptionRequest(Row):
    """An application asks for a plan that needs approval.

    `asked_by` and `decided_by` are names as in the audit log; `user` is the person who asked, to
    whom mails go. `word`: what the decision says. `subscription`: what granting made or changed.
    """

    application = models.ForeignKey(
        Application, on_delete=PROTECT, related_name="subscription_requests"
    )
    plan = models.ForeignKey(Plan, on_delete=PROTECT, related_name="subscription_requests")
    state = models.CharField(max_length=16, default=RequestState.ASKED)
    reason = models.CharField(max_length=REASON_CHARACTERS_MAX, blank=True)
    user = models.ForeignKey(User, on_delete=SET_NULL, null=True, related_name="+")
    asked_by = models.CharField(max_length=max(TITLE_CHARACTERS_MAX, EMAIL_CHARACTERS_MAX))
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(
        max_length=max(TITLE_CHARACTERS_MAX, EMAIL_CHARACTERS_MAX), blank=True
    )
    word = models.CharField(max_length=REASON_CHARACTERS_MAX, blank=True)
    subscription = models.ForeignKey(
        Subscription, on_delete=SET_NULL, null=True, related_name="requests"
    )

    class Meta:
        constraints = (
            UniqueConstraint(
                fields=["application", "plan"],
                condition=Q(state=RequestState.ASKED),
                name="store_request_open",
            ),
        )
