"""What has to be asked for, by whom is it granted, and who was?"""

from django.db import models
from django.db.models import PROTECT, SET_NULL, Index, Q, UniqueConstraint

from headgate.access.data_access import AccessState
from headgate.model.access import RowState
from headgate.store.models.approvals import REASON_CHARACTERS_MAX
from headgate.store.models.catalog import (
    API,
    OPERATION_ID_CHARACTERS_MAX,
    PATH_CHARACTERS_MAX,
)
from headgate.store.models.consumers import Application
from headgate.store.models.people import EMAIL_CHARACTERS_MAX, User
from headgate.store.models.rows import TITLE_CHARACTERS_MAX, FeedRow, Row, live_unique

WHO_CHARACTERS_MAX = max(TITLE_CHARACTERS_MAX, EMAIL_CHARACTERS_MAX)


class SensitiveMark(Row):
    """An API, or one operation of it in every version, gives sensitive data.

    `operation` is its id, empty for the whole API; `method` and `path` are what it had then.
    `owner`: the address of the person who decides. `days_max`: the longest grant.
    """

    api = models.ForeignKey(API, on_delete=PROTECT, related_name="marks")
    operation = models.CharField(max_length=OPERATION_ID_CHARACTERS_MAX, blank=True)
    method = models.CharField(max_length=16, blank=True)
    path = models.CharField(max_length=PATH_CHARACTERS_MAX, blank=True)
    owner = models.EmailField(max_length=EMAIL_CHARACTERS_MAX)
    why = models.CharField(max_length=REASON_CHARACTERS_MAX)
    days_max = models.PositiveIntegerField()

    class Meta:
        constraints = (live_unique("mark_place", "api", "operation"),)

    @property
    def place(self) -> str:
        """`pets`, or `pets GET /pets/{id}`: what is marked, for people."""
        return f"{self.api.name} {self.operation}" if self.operation else self.api.name


class AccessRequest(FeedRow):
    """An application asks for what a mark makes sensitive; once granted, it is the grant.

    `asked_by`, `decided_by` and `ended_by` are names as in the audit log; `user` is the person who
    asked, to whom mails go. `days` were wished; `until` is when the grant ends. `word`: what the
    decision says, `end_word` the end. `warned_at`: when it was told that it lapses soon. `changed`
    is 0 before it is granted: gateways hold grants alone.
    """

    application = models.ForeignKey(Application, on_delete=PROTECT, related_name="access_requests")
    mark = models.ForeignKey(SensitiveMark, on_delete=PROTECT, related_name="requests")
    state = models.CharField(max_length=16, default=AccessState.ASKED.value)
    reason = models.CharField(max_length=REASON_CHARACTERS_MAX)
    days = models.PositiveIntegerField()
    user = models.ForeignKey(User, on_delete=SET_NULL, null=True, related_name="+")
    asked_by = models.CharField(max_length=WHO_CHARACTERS_MAX)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=WHO_CHARACTERS_MAX, blank=True)
    word = models.CharField(max_length=REASON_CHARACTERS_MAX, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    warned_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=WHO_CHARACTERS_MAX, blank=True)
    end_word = models.CharField(max_length=REASON_CHARACTERS_MAX, blank=True)

    class Meta:
        constraints = (
            UniqueConstraint(
                fields=["application", "mark"],
                condition=Q(state=AccessState.ASKED.value),
                name="store_access_request_open",
            ),
            UniqueConstraint(
                fields=["application", "mark"],
                condition=Q(state=AccessState.GRANTED.value),
                name="store_access_request_granted",
            ),
        )
        indexes = (Index(fields=["state", "until"], name="store_access_request_ends"),)

    @property
    def row_state(self) -> RowState:
        """As the gateway sees it; its end is a time that the gateway watches itself."""
        return RowState.ACTIVE if self.state == AccessState.GRANTED else RowState.REVOKED
