"""What happened to one request? The record that every number in the product is counted from."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """What the gateway decided. The filter writes the first group, the rest comes from Envoy."""

    ALLOWED = "allowed"
    NO_CREDENTIAL = "no_credential"
    UNKNOWN_CREDENTIAL = "unknown_credential"
    REVOKED = "revoked"
    EXPIRED = "expired"
    NOT_SUBSCRIBED = "not_subscribed"
    INSUFFICIENT_SCOPE = "insufficient_scope"
    ACCESS_NOT_GRANTED = "access_not_granted"
    INVALID_REQUEST = "invalid_request"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXCEEDED = "quota_exceeded"
    BLOCKED = "blocked"
    MAINTENANCE = "maintenance"
    FAULT = "fault"
    NO_ROUTE = "no_route"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    RETIRED = "retired"
    TABLE_DAMAGED = "table_damaged"
    INTROSPECTION_DOWN = "introspection_down"
    UPSTREAM_FAILED = "upstream_failed"
    TOO_LARGE = "too_large"
    CLIENT_CLOSED = "client_closed"
    VALIDATOR_DOWN = "validator_down"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request as the gateway saw it. Times in microseconds, sizes in bytes.

    `credential` to `plan` are 16-byte ids, empty where the caller is not known. `attempts`
    counts upstream tries, 0 when none was made. `cache` is `hit`, `miss` or empty. `observed` is
    the verdict that a policy which only observes, or a limit in shadow, would have given, mostly
    empty. `limits`: what was left of those that the call met, as `model/limits_left.py` reads it.
    """

    started_at: datetime
    request_id: str
    node: str
    gateway: str
    api: str
    version: str
    operation: str
    method: str
    path: str
    query: str
    status: int
    verdict: Verdict
    response_flags: str
    duration_us: int
    upstream_us: int
    request_bytes: int
    response_bytes: int
    upstream_host: str
    attempts: int
    cache: str
    organization: str
    application: str
    subscription: str
    plan: str
    credential: str
    subject: str
    client_ip: str
    user_agent: str
    protocol: str
    content_type: str
    synthetic: bool
    observed: str = ""
    limits: str = ""
