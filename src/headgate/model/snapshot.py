"""What does a node run? One immutable, published state of a gateway, complete in itself.

A snapshot is plain data: `as_json` and `from_json` in `headgate.model.codec` carry it between
processes. Settings of policies are dictionaries here; `headgate.gateway.policy` gives them types.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from headgate.core.problems import TYPE_PREFIX
from headgate.model.lifecycle import Notice
from headgate.model.release import Release
from headgate.model.scopes import ScopeNeeds
from headgate.model.sensitive import SensitiveMark
from headgate.model.tokens import TokenIssuer


class KeyLocation(StrEnum):
    """Where a caller sends the key."""

    HEADER = "header"  # the header named in `KeySource.name`, by default X-API-Key
    BEARER = "bearer"  # Authorization: Bearer <key>
    QUERY = "query"  # the query parameter named in `KeySource.name`


@dataclass(frozen=True, slots=True)
class KeySource:
    """One place to look for the key; `name` is lower case for headers, unused for bearer."""

    location: KeyLocation
    name: str = ""


DEFAULT_KEY_SOURCES = (KeySource(KeyLocation.HEADER, "x-api-key"),)


@dataclass(frozen=True, slots=True)
class PolicyUse:
    """A policy attached somewhere: its registered kind and its settings."""

    kind: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallerPolicies:
    """Policies for the calls of those who are subscribed to a product, or to one plan of it.

    `product` and `plan` are rows of the access table; `plan` 0: the product's subscribers, whatever
    their plan. `name` is `basic` or `basic/free`. `apis` are the rows of the product's versions.
    """

    product: int
    plan: int
    name: str
    apis: tuple[int, ...]
    policies: tuple[PolicyUse, ...]

    @property
    def place(self) -> str:
        """Where they are attached, for people."""
        return f"{'plan' if self.plan else 'product'} {self.name}"


@dataclass(frozen=True, slots=True)
class UpstreamHost:
    """One address of an upstream; `weight` 1 to 128 shares the load."""

    host: str
    port: int
    weight: int = 1


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """Active check: a host is out after `unhealthy_threshold` failures in a row, back after
    `healthy_threshold` successes."""

    path: str
    interval_seconds: float = 10.0
    timeout_seconds: float = 2.0
    unhealthy_threshold: int = 3
    healthy_threshold: int = 2


@dataclass(frozen=True, slots=True)
class OutlierEjection:
    """Passive check: a host is left out after `consecutive_errors` 5xx or connect failures."""

    consecutive_errors: int = 5
    base_ejection_seconds: float = 30.0
    ejected_percent_max: int = 50


@dataclass(frozen=True, slots=True)
class UpstreamTLS:
    """TLS towards the upstream; verified against the system's authorities or `ca_pem`."""

    server_name: str = ""  # SNI and the name to verify; empty: the host's own name
    ca_pem: str = ""
    is_verified: bool = True


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where an API's requests go. `path_prefix` is put in front of the operation's path."""

    hosts: tuple[UpstreamHost, ...]
    path_prefix: str = ""
    tls: UpstreamTLS | None = None
    is_http2: bool = False  # HTTP/2 towards the upstream (needed for gRPC)
    connect_timeout_seconds: float = 5.0
    timeout_seconds: float = 60.0  # each try, until its answer begins; 0 = none; not over HTTP/2
    idle_timeout_seconds: float = 300.0  # without a byte in either direction; 0 = none
    keepalive_seconds: float = 4.0  # an unused connection; 0 = none, less than the upstream's own
    retries_max: int = 1  # GET, HEAD, OPTIONS; on connect failure, reset, timeout, 502-504
    health_check: HealthCheck | None = None
    outlier_ejection: OutlierEjection | None = field(default_factory=OutlierEjection)
    connections_max: int = 1024
    pending_requests_max: int = 1024


@dataclass(frozen=True, slots=True)
class SnapshotOperation:
    """One method and path template, e.g. `GET /pets/{id}`. `row`: its place in the access table.

    `mark` is put here on a node, out of the snapshot's own (`gateway/sensitive.py`).
    """

    row: int
    id: str
    method: str  # upper case
    path: str  # OpenAPI path template below the API's base path
    policies: tuple[PolicyUse, ...] = ()
    purged: int = 0  # how often what the cache holds of it has been declared void
    needs: ScopeNeeds | None = None  # what its document says; the policy `scopes` goes before
    notice: Notice | None = None  # that its document calls it deprecated
    mark: SensitiveMark | None = None


@dataclass(frozen=True, slots=True)
class SnapshotAPI:
    """One API version as it is served under `base_path`. `row`: its place in the access table.

    `contract` is the id of what its validated operations are checked against
    (`model/contract.py`), which nodes fetch by it; empty where none is validated. `notice` is
    there when the version is deprecated or retired.
    """

    row: int
    name: str
    version: str
    base_path: str  # starts with "/", no "/" at the end; "" serves at the root
    upstream: Upstream
    operations: tuple[SnapshotOperation, ...]
    key_sources: tuple[KeySource, ...] = DEFAULT_KEY_SOURCES
    policies: tuple[PolicyUse, ...] = ()
    is_default: bool = True  # of the API's versions; another at its base path only stands by
    contract: str = ""
    notice: Notice | None = None
    version_by: str = ""  # of a default version: `gateway/version_choice.py`

    @property
    def is_retired(self) -> bool:
        """Whether it answers nothing but that it is gone."""
        return self.notice is not None and self.notice.is_retired


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a node of `gateway` needs from the control plane, except the access rows.

    `issuer`: whose tokens are the installation's own; None before it has had an OAuth client.
    `foreign_issuers`: the keys, as far as they are known, of those that `jwt` policies name.
    `secrets`: the values of the secrets that the settings name, in clear, on a node alone.
    `problem_types`: what the `type` of the gateway's own answers begins with (`core/problems.py`).
    `marks`: what has to be asked for, of all APIs.
    """

    revision: int
    gateway: str
    apis: tuple[SnapshotAPI, ...] = ()
    policies: tuple[PolicyUse, ...] = ()
    issuer: TokenIssuer | None = None
    releases: tuple[Release, ...] = ()
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    foreign_issuers: tuple[TokenIssuer, ...] = ()
    problem_types: str = TYPE_PREFIX
    callers: tuple[CallerPolicies, ...] = ()
    marks: tuple[SensitiveMark, ...] = ()

    @property
    def routed(self) -> tuple[SnapshotAPI, ...]:
        """The APIs that requests reach by their path: not versions that only stand by."""
        default = {(api.name, api.base_path) for api in self.apis if api.is_default}
        return tuple(
            api for api in self.apis if api.is_default or (api.name, api.base_path) not in default
        )


@dataclass(frozen=True, slots=True)
class SnapshotDelta:
    """What leads from revision `base` to `revision`; base 0 means that it is complete.

    `changed` replaces or adds APIs by `row`, `removed` names rows that are gone. `secrets` and
    `marks` are always complete.
    """

    base: int
    revision: int
    gateway: str
    changed: tuple[SnapshotAPI, ...] = ()
    removed: tuple[int, ...] = ()
    policies: tuple[PolicyUse, ...] = ()
    issuer: TokenIssuer | None = None
    releases: tuple[Release, ...] = ()
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    foreign_issuers: tuple[TokenIssuer, ...] = ()
    problem_types: str = TYPE_PREFIX
    callers: tuple[CallerPolicies, ...] = ()
    marks: tuple[SensitiveMark, ...] = ()


def merge(snapshot: Snapshot | None, delta: SnapshotDelta) -> Snapshot:
    """The snapshot after `delta`, its APIs ordered by name and version.

    Raises:
        ValueError: the delta starts from another revision than the snapshot's.
    """
    if delta.base and (snapshot is None or snapshot.revision != delta.base):
        have = snapshot.revision if snapshot else 0
        raise ValueError(f"the delta starts from revision {delta.base}, this is revision {have}")
    apis = {api.row: api for api in snapshot.apis} if snapshot and delta.base else {}
    for row in delta.removed:
        apis.pop(row, None)
    apis.update({api.row: api for api in delta.changed})
    ordered = tuple(sorted(apis.values(), key=lambda api: (api.name, api.version)))
    return Snapshot(
        delta.revision,
        delta.gateway,
        ordered,
        delta.policies,
        delta.issuer,
        delta.releases,
        delta.secrets,
        delta.foreign_issuers,
        delta.problem_types,
        delta.callers,
        delta.marks,
    )
