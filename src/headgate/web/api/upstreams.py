"""REST: how upstreams and places of keys are written."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

from django.conf import settings
from pydantic import BeforeValidator, Discriminator, Field, Strict, Tag, model_validator

from headgate.core.problems import Detail, Problem, ProblemType
from headgate.model.codec import as_data, from_data
from headgate.model.snapshot import (
    KeyLocation,
    KeySource,
    Upstream,
)
from headgate.store.services.catalog.upstreams import (
    HOSTS_MAX,
    PORT_MAX,
    WEIGHT_MAX,
    Resolver,
    system_resolver,
)
from headgate.store.services.configuration.documents import upstream_from_url
from headgate.web.api.fields import Input

SECONDS_MAX = 3600.0
CONNECTIONS_MAX = 1_000_000
PEM_CHARACTERS_MAX = 200_000
PREFIX_CHARACTERS_MAX = 200
URL_CHARACTERS_MAX = 500
KEY_NAME_CHARACTERS_MAX = 100
URL_TAG, DATA_TAG = "as address", "as object"  # no member is named so
DEFAULT_KEY_HEADER = "x-api-key"
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_PREFIX_PATTERN = r"^(/[^?#\s\x00]*)?$"
Seconds = Annotated[float, Field(gt=0, le=SECONDS_MAX)]


class HostData(Input):
    """One address of an upstream; weights share the load."""

    host: str = Field(..., min_length=1, max_length=253, description="Its name or address.")
    port: int = Field(..., ge=1, le=PORT_MAX)
    weight: int = Field(1, ge=1, le=WEIGHT_MAX, description="Its share of the calls.")


class HealthCheckData(Input):
    """Asks each host by itself whether it is well."""

    path: str = Field(
        ...,
        max_length=PREFIX_CHARACTERS_MAX,
        pattern=r"^/[^\s\x00]*$",
        description="What is asked for; an answer of 200 is well.",
    )
    interval_seconds: Seconds = 10.0
    timeout_seconds: Seconds = 2.0
    unhealthy_threshold: int = Field(3, ge=1, le=100)
    healthy_threshold: int = Field(2, ge=1, le=100)


class OutlierEjectionData(Input):
    """Leaves out a host that fails several times in a row."""

    consecutive_errors: int = Field(5, ge=1, le=1000)
    base_ejection_seconds: Seconds = 30.0
    ejected_percent_max: int = Field(50, ge=0, le=100)


class UpstreamTLSData(Input):
    """TLS towards the upstream, verified against the system's authorities or `ca_pem`."""

    server_name: str = Field(
        "", max_length=253, description="The name that its certificate has; empty: the host's."
    )
    ca_pem: str = Field(
        "", max_length=PEM_CHARACTERS_MAX, description="Authorities to believe, in PEM form."
    )
    is_verified: bool = Field(default=True, description="Whether its certificate is checked.")


class UpstreamData(Input):
    """Where an API's requests go. A time limit of 0 is none."""

    hosts: list[HostData] = Field(..., min_length=1, max_length=HOSTS_MAX)
    path_prefix: str = Field(
        "",
        max_length=PREFIX_CHARACTERS_MAX,
        pattern=_PREFIX_PATTERN,
        description="Stands in front of the operation's path.",
    )
    tls: UpstreamTLSData | None = None
    is_http2: bool = Field(default=False, description="Speak HTTP/2 to it; gRPC needs that.")
    connect_timeout_seconds: Seconds = 5.0
    timeout_seconds: float = Field(
        60.0,
        ge=0,
        le=SECONDS_MAX,
        description=(
            "How long each try may take until the answer begins. An answer that has begun, an event"
            " stream or a download, goes on. With `is_http2` the caller's gRPC deadline counts."
        ),
    )
    idle_timeout_seconds: float = Field(
        300.0,
        ge=0,
        le=SECONDS_MAX,
        description="How long a call may stand still, without a byte in either direction.",
    )
    keepalive_seconds: float = Field(
        4.0,
        ge=0,
        le=SECONDS_MAX,
        description=(
            "How long an unused connection is kept for the next call. Keep it below the upstream's"
            " own time (5 seconds and more in most servers): a call on a connection that the"
            " upstream closes at that moment is lost unless it may be tried again. With a"
            " health check it is a second longer than the check may take, or more."
        ),
    )
    retries_max: int = Field(
        1,
        ge=0,
        le=10,
        description=(
            "How often a GET, HEAD or OPTIONS is tried again when the connection fails, the answer"
            " does not begin in time, or it is 502, 503 or 504."
        ),
    )
    health_check: HealthCheckData | None = None
    outlier_ejection: OutlierEjectionData | None = Field(default_factory=OutlierEjectionData)
    connections_max: int = Field(
        1024, ge=1, le=CONNECTIONS_MAX, description="Connections of one node at one time."
    )
    pending_requests_max: int = Field(
        1024,
        ge=1,
        le=CONNECTIONS_MAX,
        description="Calls of one node that may wait for a connection; others are answered 503.",
    )


class KeyPlace(StrEnum):
    """Where a caller sends the key."""

    HEADER = "header"
    BEARER = "bearer"
    QUERY = "query"


class KeySourceData(Input):
    """One place where callers may send the key; the first that holds one counts."""

    location: Annotated[KeyPlace, Strict(strict=False)]
    name: str = Field(
        "", max_length=KEY_NAME_CHARACTERS_MAX, description="Of the header or query parameter."
    )

    @model_validator(mode="after")
    def _name_fits(self) -> "KeySourceData":
        if self.location is KeyPlace.BEARER and self.name:
            raise ValueError("a bearer token has no name")
        if self.location is KeyPlace.QUERY and not self.name:
            raise ValueError("say the name of the query parameter")
        if self.name and _TOKEN.fullmatch(self.name) is None:
            raise ValueError(f"{self.name[:40]!r} is not the name of a header or parameter")
        return self


def _has_scheme(text: object) -> object:
    """Say what an address looks like before a pattern does."""
    if isinstance(text, str) and not re.match(r"https?://.", text):
        raise ValueError(
            f"{text[:80]!r} is not an upstream; write http://host:port or https://host"
        )
    return text


UpstreamURL = Annotated[
    str,
    BeforeValidator(_has_scheme),
    Field(
        min_length=8,
        max_length=URL_CHARACTERS_MAX,
        pattern=r"^https?://",
        examples=["http://127.0.0.1:9000"],
        description="`http(s)://host[:port][/prefix]`",
    ),
]


def _kind(given: object) -> str:
    return URL_TAG if isinstance(given, str) else DATA_TAG


UpstreamValue = Annotated[
    Annotated[UpstreamURL, Tag(URL_TAG)] | Annotated[UpstreamData, Tag(DATA_TAG)],
    Discriminator(_kind),
]
"""An upstream, in either way; a mistake is reported for the way that was meant."""


def upstream_of(given: str | UpstreamData) -> Upstream:
    """The upstream that is meant.

    Raises:
        Problem: the address is not one.
    """
    if isinstance(given, UpstreamData):
        return from_data(Upstream, given.model_dump())
    try:
        return upstream_from_url(given)
    except ValueError as error:
        raise Problem(
            ProblemType.INVALID_INPUT,
            f"{error}.",
            "Correct it and send it again.",
            [Detail(f"{error}", "/upstream")],
        ) from error


def key_sources_of(given: Sequence[KeySourceData]) -> tuple[KeySource, ...]:
    """The places that are meant; headers in lower case, `x-api-key` where none is named."""
    return tuple(_key_source(source) for source in given)


def show_upstream(upstream: Upstream) -> dict[str, Any]:
    """As it is answered."""
    shown: dict[str, Any] = as_data(upstream)
    return shown


def resolver() -> Resolver:
    """How names of hosts are looked up; tests put their own into Django's settings."""
    found = getattr(settings, "NAME_RESOLVER", None)
    if found is None:
        return system_resolver

    def resolve(host: str) -> bool:
        try:
            return bool(found(host, 0))
        except OSError:
            return False

    return resolve


def _key_source(source: KeySourceData) -> KeySource:
    location = KeyLocation(source.location)
    if location is KeyLocation.HEADER:
        return KeySource(location, (source.name or DEFAULT_KEY_HEADER).lower())
    return KeySource(location, source.name)
