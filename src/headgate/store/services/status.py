"""Is everything well, and if not, what is to be done? The answer of `headgate status`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from django.db import connection

from headgate.core.phrases import phrase, words_of
from headgate.model.codec import from_data
from headgate.model.node import EnvoyState, NodeReport
from headgate.store.models import APIVersion, Gateway, Node, NodeState, Operation
from headgate.store.services import feed
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.alerts import webhook_status
from headgate.store.services.findings import Finding, Severity
from headgate.store.services.gateway import gateways, nodes
from headgate.store.services.oauth import foreign_issuers, signing_keys
from headgate.store.services.traffic import health
from headgate.store.services.traffic.health import TrafficStatus

REVISION_LATE_AFTER = timedelta(seconds=10)  # a node that has not taken a revision by then
SPOOL_BYTES_MAX = 1024**3  # records that wait on a node
CERTIFICATE_WARNING = timedelta(days=14)
ENDED = words_of("A certificate of the upstream of '{path}' ended on {day:%Y-%m-%d}.")
ENDS = words_of("A certificate of the upstream of '{path}' ends on {day:%Y-%m-%d}.")
ACCESS_BEHIND_MAX = 10_000  # changes that a node may be behind before it is worth a word
MISFITS_SHOWN_MAX = 20  # operations of one node whose answers do not fit


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One node; `report` is None before its first. `silent_seconds`: since the last report."""

    name: str
    gateway: str
    is_stale: bool
    silent_seconds: float | None
    access_behind: int
    report: NodeReport | None


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of the whole installation. `findings` is empty when all is well."""

    database: str
    access_sequence: int
    traffic: TrafficStatus
    findings: tuple[Finding, ...]


def overview(actor: Actor) -> Overview:
    """How everything is.

    Raises:
        Problem: FORBIDDEN without the scope `read`; NOT_FOUND for an organization's actor.
    """
    actor.require_operator(Scope.READ, "status")
    sequence = feed.last_sequence()
    served = gateways.listed(actor)
    found = tuple(_node(node, sequence, actor.at) for node in _nodes())
    traffic = health.status(actor)
    findings = [
        *_node_findings(served, found, actor.at),
        *(Finding(Severity.ERROR, item.detail, item.next_step) for item in traffic.problems),
        *_certificate_findings(actor.at),
        *_signing_key_findings(actor.at),
        *_issuer_findings(),
        *webhook_status.findings(actor.at),
    ]
    return Overview(
        database=connection.vendor,
        access_sequence=sequence,
        traffic=traffic,
        findings=tuple(findings),
    )


def _nodes() -> Iterable[Node]:
    rows = Node.objects.filter(removed_at=None).select_related("gateway", "state")
    return rows.order_by("gateway__name", "name")


def _node(node: Node, sequence: int, now: datetime) -> NodeStatus:
    state: NodeState | None = getattr(node, "state", None)
    if state is None:
        return NodeStatus(node.name, node.gateway.name, True, None, sequence, None)  # noqa: FBT003  # stale
    report = from_data(NodeReport, state.report)
    return NodeStatus(
        name=node.name,
        gateway=node.gateway.name,
        is_stale=nodes.is_stale(state, now),
        silent_seconds=round(max(0.0, (now - state.received_at).total_seconds()), 1),
        access_behind=max(0, sequence - report.access_sequence),
        report=report,
    )


def _node_findings(
    served: Iterable[Gateway], found: Iterable[NodeStatus], now: datetime
) -> Iterator[Finding]:
    by_name = {gateway.name: gateway for gateway in served}
    since = gateways.live_since()
    seen = set()
    for node in found:
        seen.add(node.gateway)
        is_late = now - since.get(node.gateway, now) > REVISION_LATE_AFTER
        if node.report is None:
            yield Finding(
                Severity.ERROR,
                phrase("The node '{name}' has never reported.", name=node.name),
                "Start it with `headgate up` or `headgate node`, or delete it if it is gone.",
            )
        elif node.is_stale:
            yield Finding(
                Severity.ERROR,
                phrase(
                    "The node '{name}' has been silent for {seconds:.0f} s.",
                    name=node.name,
                    seconds=node.silent_seconds,
                ),
                "See whether its agent runs and reaches this address; Envoy goes on serving"
                " what it has.",
            )
        else:
            yield from _report_findings(by_name[node.gateway], node.report, is_late=is_late)
            if node.access_behind > ACCESS_BEHIND_MAX:
                yield Finding(
                    Severity.WARNING,
                    phrase(
                        "The node '{name}' is {number:,} access changes behind.",
                        name=node.name,
                        number=node.access_behind,
                    ),
                    "It catches up by itself.",
                )
    for name in sorted(set(by_name) - seen):
        if by_name[name].revision:
            yield Finding(
                Severity.ERROR,
                phrase(
                    "APIs are published on the gateway '{name}', but it has no node.", name=name
                ),
                "Start one: headgate node --control-plane URL --token TOKEN.",
            )


def _report_findings(gateway: Gateway, said: NodeReport, *, is_late: bool) -> Iterator[Finding]:
    if said.envoy_state is EnvoyState.DOWN:
        yield Finding(
            Severity.ERROR,
            phrase("Envoy is down on the node '{node}'.", node=said.node),
            "The agent starts it again by itself; if it stays down, read the agent's log.",
        )
    if said.revision_error:
        if not any(said.revision_error in sentence for sentence in said.problems):
            yield Finding(
                Severity.ERROR,
                phrase(
                    "Envoy on the node '{node}' refused revision {revision}: {error}",
                    node=said.node,
                    revision=said.revision_seen,
                    error=said.revision_error,
                ),
                phrase(
                    "Revision {live} stays in service; correct the API or policy and publish"
                    " again, or roll back.",
                    live=said.revision_live,
                ),
            )
    elif said.revision_live != gateway.revision and is_late:
        yield Finding(
            Severity.ERROR,
            phrase(
                "The node '{node}' serves revision {live} of '{gateway}', not {revision}.",
                node=said.node,
                live=said.revision_live,
                gateway=gateway.name,
                revision=gateway.revision,
            ),
            "See whether its agent reaches this address.",
        )
    if said.spool_bytes > SPOOL_BYTES_MAX:
        yield Finding(
            Severity.WARNING,
            phrase(
                "Records wait on the node '{node}': {number:,} segments, {size:,} MiB.",
                number=said.spool_segments,
                size=said.spool_bytes // 2**20,
                node=said.node,
            ),
            "See whether `headgate jobs` runs here and the disk has room.",
        )
    yield from _validation_findings(said)
    for problem in said.problems:
        yield Finding(
            Severity.ERROR, phrase("Node '{node}': {problem}", node=said.node, problem=problem), ""
        )


def _validation_findings(said: NodeReport) -> Iterator[Finding]:
    misfits = {one.row: one for one in said.validations if one.invalid_responses}
    operations = Operation.objects.filter(pk__in=list(misfits)[:MISFITS_SHOWN_MAX])
    for operation in operations.select_related("version__api"):
        one = misfits[operation.row]
        yield Finding(
            Severity.WARNING,
            phrase(
                "{wrong:,} of {number:,} sampled answers of {name}, {id}, do not fit the document;"
                " the last: {example}.",
                wrong=one.invalid_responses,
                number=one.responses,
                name=operation.version.api.name,
                id=operation.id,
                example=one.example,
            ),
            "Correct the upstream or the document.",
        )


def _certificate_findings(now: datetime) -> Iterator[Finding]:
    """Authorities of upstreams that have ended, or soon will."""
    rows = APIVersion.objects.filter(removed_at=None, upstream_data__tls__ca_pem__gt="")
    for row in rows.select_related("api").order_by("pk"):
        tls = row.upstream.tls
        if tls is None:
            continue
        for certificate in x509.load_pem_x509_certificates(tls.ca_pem.encode()):
            ends_at = certificate.not_valid_after_utc
            if ends_at - now < CERTIFICATE_WARNING:
                is_over = ends_at <= now
                yield Finding(
                    Severity.ERROR if is_over else Severity.WARNING,
                    phrase(ENDED if is_over else ENDS, path=row.path, day=ends_at),
                    "Give the API the new certificate as upstream.tls.ca_pem and publish it.",
                )


def _issuer_findings() -> Iterator[Finding]:
    """Issuers that policies name and whose keys could not be fetched."""
    for row in foreign_issuers.troubles():
        kept = phrase("its tokens are refused")
        if row.jwks:
            kept = phrase("the keys of before still hold")
        yield Finding(
            Severity.WARNING if row.jwks else Severity.ERROR,
            phrase(
                "The keys of {issuer} cannot be fetched: {error} Until then {kept}.",
                issuer=row.issuer,
                error=row.error,
                kept=kept,
            ),
            "Check the issuer's URL in the policy `jwt`, or name its jwks_url there.",
        )


def _signing_key_findings(now: datetime) -> Iterator[Finding]:
    """A key that cannot sign: no client gets a token until there is another."""
    if not signing_keys.is_readable(now):
        yield Finding(
            Severity.ERROR,
            "The key that signs access tokens was sealed with another secret.key.",
            "Bring that secret.key back, or make a new key: headgate issuer rotate.",
        )
