"""Every table of the store."""

from headgate.store.models.approvals import SubscriptionRequest
from headgate.store.models.branding import Branding, TextPage
from headgate.store.models.catalog import (
    API,
    APIVersion,
    Contract,
    Document,
    DocumentPart,
    Operation,
)
from headgate.store.models.changelog import ChangelogEntry
from headgate.store.models.consumers import (
    Application,
    Credential,
    Organization,
    Subscription,
    Team,
)
from headgate.store.models.events import Delivery, Event, EventMark, QuotaUse, Webhook
from headgate.store.models.feedback import Feedback
from headgate.store.models.gateways import (
    APIRevision,
    Gateway,
    Node,
    NodeCounter,
    NodeState,
    PolicyAttachment,
    Revision,
)
from headgate.store.models.issuers import ClientCertificate, ForeignClient, ForeignIssuer
from headgate.store.models.ledger import (
    AccessCounter,
    AuditEntry,
    Block,
    IdempotencyRecord,
    Installation,
    Token,
)
from headgate.store.models.oauth import (
    ClientSecret,
    DeviceGrant,
    OAuthClient,
    RefreshGrant,
    SigningKey,
)
from headgate.store.models.people import Invitation, Mail, Membership, TeamPlace, User
from headgate.store.models.products import Plan, Product
from headgate.store.models.quotas import QuotaHolder, QuotaLease
from headgate.store.models.releases import Release
from headgate.store.models.secrets import StoredSecret
from headgate.store.models.sensitive import AccessRequest, SensitiveMark
from headgate.store.models.traffic import (
    Lease,
    TrafficEvent,
    TrafficFile,
    TrafficSegment,
    TrafficSummary,
    TrafficTotal,
)
from headgate.store.models.tries import Try

__all__ = [
    "API",
    "APIRevision",
    "APIVersion",
    "AccessCounter",
    "AccessRequest",
    "Application",
    "AuditEntry",
    "Block",
    "Branding",
    "ChangelogEntry",
    "ClientCertificate",
    "ClientSecret",
    "Contract",
    "Credential",
    "Delivery",
    "DeviceGrant",
    "Document",
    "DocumentPart",
    "Event",
    "EventMark",
    "Feedback",
    "ForeignClient",
    "ForeignIssuer",
    "Gateway",
    "IdempotencyRecord",
    "Installation",
    "Invitation",
    "Lease",
    "Mail",
    "Membership",
    "Node",
    "NodeCounter",
    "NodeState",
    "OAuthClient",
    "Operation",
    "Organization",
    "Plan",
    "PolicyAttachment",
    "Product",
    "QuotaHolder",
    "QuotaLease",
    "QuotaUse",
    "RefreshGrant",
    "Release",
    "Revision",
    "SensitiveMark",
    "SigningKey",
    "StoredSecret",
    "Subscription",
    "SubscriptionRequest",
    "Team",
    "TeamPlace",
    "TextPage",
    "Token",
    "TrafficEvent",
    "TrafficFile",
    "TrafficSegment",
    "TrafficSummary",
    "TrafficTotal",
    "Try",
    "User",
    "Webhook",
]
