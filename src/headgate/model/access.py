"""Who may call what, and how much? The rows that the control plane hands to a node.

Every row carries `row`: a small number that the store gives once and never again. It is the
row's place in the access table, so the control plane and every node name the same bytes.
`changed` is the access sequence number of its last change: a node that has everything up to
N asks for what came after N.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from headgate.model.limits import Limit
from headgate.model.snapshot import KeySource


class RowState(StrEnum):
    """A row that is gone stays as `removed`, so that nothing can be mistaken for it."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    REMOVED = "removed"


class CredentialKind(StrEnum):
    """What a caller presents; the gateway finds all of them by a SHA-256."""

    KEY = "key"  # of the key's text
    BASIC = "basic"  # of `basic\n` and the Base64 text of user name and password
    OAUTH_CLIENT = "oauth_client"  # of `headgate.model.tokens.client_sha256`
    FOREIGN_CLIENT = "foreign_client"  # of the same, with another issuer
    CERTIFICATE = "certificate"  # of `headgate.access.certificates.CertificateName`


@dataclass(frozen=True, slots=True)
class CredentialRow:
    """A credential by its SHA-256 (32 bytes, hexadecimal); see `CredentialKind` for of what."""

    row: int
    changed: int
    id: str
    application: int
    sha256: str
    state: RowState
    expires_at: datetime | None = None
    kind: CredentialKind = CredentialKind.KEY
    scopes: tuple[str, ...] = ()  # what it is restricted to; none: to nothing


@dataclass(frozen=True, slots=True)
class ApplicationRow:
    """An application and the organization it belongs to (ids of 16 bytes)."""

    row: int
    changed: int
    id: str
    organization: str
    state: RowState


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan's limits by slot. A slot keeps its counter, so an edited limit keeps its slot."""

    row: int
    changed: int
    id: str
    limits: tuple[Limit | None, ...]
    state: RowState = RowState.ACTIVE


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """An application's use of a product under a plan; its counters live in this row."""

    row: int
    changed: int
    id: str
    application: int
    product: int
    plan: int
    state: RowState
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class GrantRow:
    """An application's access to what a mark makes sensitive, until an instant.

    `mark` is the row of `headgate.model.sensitive.SensitiveMark`.
    """

    row: int
    changed: int
    application: int
    mark: int
    state: RowState
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class APIRow:
    """An API: which products open it. `is_open` lets callers in without a credential."""

    row: int
    changed: int
    products: tuple[int, ...]
    is_open: bool = False
    state: RowState = RowState.ACTIVE


class BlockKind(StrEnum):
    """What a block names."""

    ADDRESS = "address"
    CREDENTIAL = "credential"
    APPLICATION = "application"
    TOKEN = "token"  # noqa: S105  # a kind's name


@dataclass(frozen=True, slots=True)
class BlockRow:
    """A refusal that ends by itself.

    `subject`: an address or network, an id, or `headgate.model.tokens.token_block_key` in
    hexadecimal.
    """

    row: int
    changed: int
    kind: BlockKind
    subject: str
    expires_at: datetime
    state: RowState = RowState.ACTIVE


@dataclass(frozen=True, slots=True)
class AccessDelta:
    """All rows changed after `after`, oldest first, up to and including `upto`.

    `is_complete` is false when more is waiting (a page holds at most `PAGE_ROWS_MAX` rows).
    `generation` names the store: when it differs from the node's, the node starts afresh.
    """

    generation: str
    after: int
    upto: int
    is_complete: bool
    applications: tuple[ApplicationRow, ...] = field(default=())
    plans: tuple[PlanRow, ...] = field(default=())
    apis: tuple[APIRow, ...] = field(default=())
    subscriptions: tuple[SubscriptionRow, ...] = field(default=())
    credentials: tuple[CredentialRow, ...] = field(default=())
    blocks: tuple[BlockRow, ...] = field(default=())
    grants: tuple[GrantRow, ...] = field(default=())


PAGE_ROWS_MAX = 10_000  # rows of one delta: about 2 MB of JSON


class LimitSubject(StrEnum):
    """Whose calls a limit of an API or operation counts together."""

    EVERYONE = "everyone"
    APPLICATION = "application"
    ADDRESS = "address"
    CREDENTIAL = "credential"
    CLAIM = "claim"
    ANONYMOUS = "anonymous"  # addresses of callers without a plan; the others do not meet it


@dataclass(frozen=True, slots=True)
class ScopedLimit:
    """A limit beside the plan's: attached to an API or an operation.

    `claim` is the one that a limit per claim counts by, `number` its place among those of the API
    (`gateway/claims.py`).
    """

    limit: Limit
    subject: LimitSubject
    claim: str = ""
    number: int = 0


SCOPED_LIMITS_MAX = 4  # per API and per operation


@dataclass(frozen=True, slots=True)
class APISettingsRow:
    """What the filter needs of a published API; `row` is that of `APIRow`."""

    row: int
    key_sources: tuple[KeySource, ...]
    limits: tuple[ScopedLimit, ...] = ()


@dataclass(frozen=True, slots=True)
class OperationRow:
    """A published operation: its API, its own limits, and what a call of it costs in units."""

    row: int
    api: int
    limits: tuple[ScopedLimit, ...] = ()
    cost: int = 1


@dataclass(frozen=True, slots=True)
class PublishedRows:
    """The rows that come from a snapshot rather than from the access feed."""

    apis: tuple[APISettingsRow, ...]
    operations: tuple[OperationRow, ...]
