"""How is configuration written down? One document per thing, with its `kind`."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
)

from headgate.access.certificates import NameKind
from headgate.access.clients import TOKEN_SECONDS_DEFAULT
from headgate.access.data_access import DAYS_DEFAULT
from headgate.catalog.base_path import normalise
from headgate.core.phrases import phrase
from headgate.core.problems import Problem
from headgate.model.codec import as_data
from headgate.model.events import EventKind
from headgate.model.limits import LimitKind, parse_limit
from headgate.model.scopes import in_order
from headgate.model.snapshot import KeySource, PolicyUse, Upstream, UpstreamHost, UpstreamTLS

TRUSTED = ("certificates", "foreign_clients")
DEFAULT_PORTS = {"http": 80, "https": 443}


def upstream_from_url(text: str) -> Upstream:
    """`http://host:port/prefix` or `https://…` (with TLS, verified) as an upstream.

    Raises:
        ValueError: not such an address.
    """
    parts = urlsplit(text.strip())
    port = parts.port  # ValueError when it is no port
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError(
            phrase(
                "{text!r} is not an upstream; write http://host:port or https://host",
                text=text[:80],
            )
        )
    if parts.query or parts.fragment or parts.username:
        raise ValueError(phrase("an upstream's address has no query, fragment or user"))
    host = UpstreamHost(parts.hostname, port or DEFAULT_PORTS[parts.scheme])
    tls = UpstreamTLS(server_name=parts.hostname) if parts.scheme == "https" else None
    return Upstream(hosts=(host,), path_prefix=parts.path.rstrip("/"), tls=tls)


def _upstream(value: object) -> object:
    return upstream_from_url(value) if isinstance(value, str) else value


def _base_path(value: object) -> object:
    try:
        return normalise(value) if isinstance(value, str) else value
    except Problem as problem:
        raise ValueError(problem.detail) from problem


def _rate(value: object) -> object:
    return str(parse_limit(LimitKind.RATE, value)) if isinstance(value, str) else value


def _quota(value: object) -> object:
    return str(parse_limit(LimitKind.QUOTA, value)) if isinstance(value, str) else value


def _concurrent(value: object) -> object:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return str(parse_limit(LimitKind.CONCURRENT, text)) if isinstance(text, str) and text else text


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)


UTCInstant = Annotated[AwareDatetime, AfterValidator(_utc)]
Rate = Annotated[str, BeforeValidator(_rate)]
Quota = Annotated[str, BeforeValidator(_quota)]


class _Document(BaseModel):
    """Fields that are left out stay as they are, or take their default in a new thing."""

    model_config = ConfigDict(extra="forbid")

    name: str

    def wanted(self) -> dict[str, Any]:
        """The fields that are given, but for kind and name, as JSON values."""
        given = self.model_fields_set - {"kind", "name"}
        return {field: as_json_value(getattr(self, field)) for field in sorted(given)}


class GatewayDocument(_Document):
    """A gateway and its policies."""

    kind: Literal["gateway"]
    title: str = ""
    policies: list[PolicyUse] = Field(default_factory=list)


class DocumentFiles(BaseModel):
    """An OpenAPI document: the texts by name, the name of the first, and where it came from.

    `files` may hold texts that an import fetched, by their address: nothing is fetched here.
    """

    model_config = ConfigDict(extra="forbid")

    entry: str
    files: dict[str, str]
    url: str = ""


class OperationPolicies(BaseModel):
    """What is attached to one operation."""

    model_config = ConfigDict(extra="forbid")

    policies: list[PolicyUse] = Field(default_factory=list)


class LifecycleFields(BaseModel):
    """What is said of a version that is deprecated or retired. All others have none of it."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["deprecated", "retired"]
    deprecated_at: UTCInstant
    sunset_at: UTCInstant | None = None
    retired_at: UTCInstant | None = None
    successor: str = ""
    link: str = ""
    retires_at_sunset: bool = False


class SensitiveFields(BaseModel):
    """What is marked as sensitive: one operation, or without one the whole API."""

    model_config = ConfigDict(extra="forbid")

    operation: str = ""
    owner: str
    why: str
    days_max: int = DAYS_DEFAULT


class APIDocument(_Document):
    """An API. `operations` lists those that have policies, by id; `gateways` where it is live.
    `version_by` and `sensitive` stand at the default version alone and hold for all of them.

    A version that is not the API's default has the name `api@version`.
    """

    kind: Literal["api"]
    title: str = ""
    version: str = "v1"
    base_path: Annotated[str, BeforeValidator(_base_path)] | None = None
    upstream: Annotated[Upstream, BeforeValidator(_upstream)] | None = None
    key_sources: list[KeySource] = Field(default_factory=list)
    is_open: bool = False
    document: DocumentFiles | None = None
    policies: list[PolicyUse] = Field(default_factory=list)
    operations: dict[str, OperationPolicies] = Field(default_factory=dict)
    gateways: list[str] = Field(default_factory=list)
    lifecycle: LifecycleFields | None = None
    version_by: str = ""
    sensitive: list[SensitiveFields] = Field(default_factory=list)

    def wanted(self) -> dict[str, Any]:
        found = super().wanted()
        if "gateways" in found:
            found["gateways"] = sorted(set(self.gateways))
        if "operations" in found:  # those without policies have nothing to say
            found["operations"] = {
                name: as_json_value(operation)
                for name, operation in self.operations.items()
                if operation.policies
            }
        if "sensitive" in found:
            marks = sorted(self.sensitive, key=lambda mark: mark.operation)
            found["sensitive"] = [mark.model_dump() for mark in marks]
        return found


class ProductDocument(_Document):
    """A product, the names of its APIs, and what holds for its subscribers."""

    kind: Literal["product"]
    title: str = ""
    apis: list[str] = Field(default_factory=list)
    policies: list[PolicyUse] = Field(default_factory=list)

    def wanted(self) -> dict[str, Any]:
        found = super().wanted()
        return found | ({"apis": sorted(set(self.apis))} if "apis" in found else {})


class PlanDocument(_Document):
    """A plan; `name` is `product/plan`."""

    kind: Literal["plan"]
    title: str = ""
    rates: list[Rate] = Field(default_factory=list)
    quotas: list[Quota] = Field(default_factory=list)
    concurrent: Annotated[str, BeforeValidator(_concurrent)] = ""
    needs_approval: bool = False
    policies: list[PolicyUse] = Field(default_factory=list)

    def wanted(self) -> dict[str, Any]:
        found = super().wanted()
        return {
            field: sorted(value) if field in ("rates", "quotas") else value
            for field, value in found.items()
        }


class OrganizationDocument(_Document):
    """An organization."""

    kind: Literal["organization"]
    title: str = ""
    is_suspended: bool = False


class TeamDocument(_Document):
    """A team; `name` is `organization/team`. Who is in it is no configuration."""

    kind: Literal["team"]
    title: str = ""


class TrustedCertificate(BaseModel):
    """A name on client certificates, and the authority that vouches for it."""

    model_config = ConfigDict(extra="forbid")

    issuer: str
    kind: NameKind
    name: str


class TrustedClient(BaseModel):
    """A client of another authorization server."""

    model_config = ConfigDict(extra="forbid")

    issuer: str
    client_id: str


class ApplicationDocument(_Document):
    """An application; `name` is `organization/application`, `team` the name of the team that it
    belongs to. Its keys are no configuration.

    `certificates` and `foreign_clients` are exactly those that speak for it: they hold no secret.
    """

    kind: Literal["application"]
    description: str = ""
    is_suspended: bool = False
    team: str = ""
    certificates: list[TrustedCertificate] = Field(default_factory=list)
    foreign_clients: list[TrustedClient] = Field(default_factory=list)

    def wanted(self) -> dict[str, Any]:
        found = super().wanted()
        return {
            field: in_lasting_order(value) if field in TRUSTED else value
            for field, value in found.items()
        }


class ClientDocument(_Document):
    """An OAuth client; `name` is `organization/application client`. It gets its secret later."""

    kind: Literal["client"]
    scopes: list[str] = Field(default_factory=list)
    is_public: bool = False
    has_device_flow: bool = False
    token_seconds: int = TOKEN_SECONDS_DEFAULT
    expires_at: datetime | None = None

    def wanted(self) -> dict[str, Any]:
        found = super().wanted()
        return found | ({"scopes": in_order(self.scopes)} if "scopes" in found else {})


class SubscriptionDocument(_Document):
    """A subscription; `name` is `organization/application product`."""

    kind: Literal["subscription"]
    plan: str
    is_suspended: bool = False
    expires_at: datetime | None = None


class WebhookDocument(_Document):
    """A webhook; `name` is its address, before it an organization's name where it is its own;
    `team`: of that organization, empty for all of it.

    It is made with a secret that nobody has seen: `headgate webhook rotate` makes one to tell.
    """

    kind: Literal["webhook"]
    team: str = ""
    types: list[EventKind] = Field(default_factory=list)
    description: str = ""
    allow_private: bool = False
    is_enabled: bool = True

    def wanted(self) -> dict[str, Any]:
        found = super().wanted()
        return found | ({"types": sorted(set(self.types))} if "types" in found else {})


class PortalDocument(_Document):
    """How the portal looks; `accent` as #0b5c4a, `logo` a PNG, JPEG or SVG in base64."""

    kind: Literal["portal"]
    title: str = ""
    welcome: str = ""
    accent: str = ""
    logo: str = ""


class PageDocument(_Document):
    """A page of the portal, in Markdown. Position 0 keeps it out of the navigation."""

    kind: Literal["page"]
    title: str = ""
    text: str = ""
    position: int = 1


ConfigurationDocument = Annotated[
    GatewayDocument
    | APIDocument
    | ProductDocument
    | PlanDocument
    | OrganizationDocument
    | TeamDocument
    | ApplicationDocument
    | ClientDocument
    | SubscriptionDocument
    | WebhookDocument
    | PortalDocument
    | PageDocument,
    Discriminator("kind"),
]


def in_lasting_order(items: list[dict[str, str]]) -> list[dict[str, str]]:
    """Documents of texts alone, each once."""
    return [dict(item) for item in sorted({tuple(sorted(item.items())) for item in items})]


def as_json_value(value: Any) -> Any:
    """A field's value as JSON values."""
    if isinstance(value, BaseModel):
        given = value.model_dump(exclude_defaults=True)  # the names of what is not a default
        return {name: as_json_value(getattr(value, name)) for name in given}
    if isinstance(value, dict):
        return {key: as_json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json_value(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return as_data(value)
