"""Is everything well, and if not, what is to be done? The answer of `headgate status`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from django.db import connection

from headgate.core.units import count
from headgate.model.codec import from_data
from headgate.model.node import EnvoyState, NodeReport
from headgate.store.models import APIVersion, Gateway, Node, NodeState, Operation
from headgate.store.services import (
    feed,
    foreign_issuers,
    gateways,
    nodes,
    signing_keys,
    traffic_status,
    webhook_status,
)
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.findings import Finding, Severity
from headgate.store.services.traffic_status import TrafficStatus

REVISION_LATE_AFTER = timedelta(seconds=10)  # a node that has not taken a revision by then
SPOOL_BYTES_MAX = 1024**3  # records that wait on a node
CERTIFICATE_WARNING = timedelta(days=14)
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
    traffic = traffic_status.status(actor)
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
    state = NodeState.objects.filter(node=node).first()
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
    seen = set()
    for node in found:
        seen.add(node.gateway)
        if node.report is None:
            yield Finding(
                Severity.ERROR,
                f"The node '{node.name}' has never reported.",
                "Start it with `headgate up` or `headgate node`, or delete it if it is gone.",
            )
        elif node.is_stale:
            yield Finding(
                Severity.ERROR,
                f"The node '{node.name}' has been silent for {node.silent_seconds:.0f} s.",
                "See whether its agent runs and reaches this address; Envoy goes on serving"
                " what it has.",
            )
        else:
            yield from _report_findings(by_name[node.gateway], node.report, now)
            if node.access_behind > ACCESS_BEHIND_MAX:
                behind = count(node.access_behind, "access change")
                yield Finding(
                    Severity.WARNING,
                    f"The node '{node.name}' is {behind} behind.",
                    "It catches up by itself.",
                )
    for name in sorted(set(by_name) - seen):
        if by_name[name].revision:
            yield Finding(
                Severity.ERROR,
                f"APIs are published on the gateway '{name}', but it has no node.",
                "Start one: headgate node --control-plane URL --token TOKEN.",
            )


def _report_findings(gateway: Gateway, said: NodeReport, now: datetime) -> Iterator[Finding]:
    if said.envoy_state is EnvoyState.DOWN:
        yield Finding(
            Severity.ERROR,
            f"Envoy is down on the node '{said.node}'.",
            "The agent starts it again by itself; if it stays down, read the agent's log.",
        )
    if said.revision_error:
        if not any(said.revision_error in sentence for sentence in said.problems):
            yield Finding(
                Severity.ERROR,
                f"Envoy on the node '{said.node}' refused revision {said.revision_seen}:"
                f" {said.revision_error}",
                f"Revision {said.revision_live} stays in service; correct the API or policy and"
                " publish again, or roll back.",
            )
    elif said.revision_live != gateway.revision and _is_late(gateway, now):
        yield Finding(
            Severity.ERROR,
            f"The node '{said.node}' serves revision {said.revision_live} of '{gateway.name}',"
            f" not {gateway.revision}.",
            "See whether its agent reaches this address.",
        )
    if said.spool_bytes > SPOOL_BYTES_MAX:
        yield Finding(
            Severity.WARNING,
            f"{count(said.spool_segments, 'segment')} ({said.spool_bytes // 2**20:,} MiB) of"
            f" records wait on the node '{said.node}'.",
            "See whether `headgate jobs` runs here and the disk has room.",
        )
    yield from _validation_findings(said)
    for problem in said.problems:
        yield Finding(Severity.ERROR, f"Node '{said.node}': {problem}", "")


def _validation_findings(said: NodeReport) -> Iterator[Finding]:
    misfits = {one.row: one for one in said.validations if one.invalid_responses}
    operations = Operation.objects.filter(pk__in=list(misfits)[:MISFITS_SHOWN_MAX])
    for operation in operations.select_related("version__api"):
        one = misfits[operation.row]
        yield Finding(
            Severity.WARNING,
            f"{one.invalid_responses:,} of {count(one.responses, 'sampled answer')} of"
            f" {operation.version.api.name}, {operation.id}, do not fit the document; the last:"
            f" {one.example}.",
            "Correct the upstream or the document.",
        )


def _is_late(gateway: Gateway, now: datetime) -> bool:
    revision = gateway.revisions.filter(number=gateway.revision).first()
    return revision is not None and now - revision.created_at > REVISION_LATE_AFTER


def _certificate_findings(now: datetime) -> Iterator[Finding]:
    """Authorities of upstreams that have ended, or soon will."""
    for row in APIVersion.objects.filter(removed_at=None).select_related("api"):
        tls = row.upstream.tls
        if tls is None or not tls.ca_pem:
            continue
        for certificate in x509.load_pem_x509_certificates(tls.ca_pem.encode()):
            ends_at = certificate.not_valid_after_utc
            if ends_at - now < CERTIFICATE_WARNING:
                is_over = ends_at <= now
                yield Finding(
                    Severity.ERROR if is_over else Severity.WARNING,
                    f"A certificate of the upstream of '{row.path}'"
                    f" {'ended' if is_over else 'ends'} on {ends_at:%Y-%m-%d}.",
                    "Give the API the new certificate as upstream.tls.ca_pem and publish it.",
                )


def _issuer_findings() -> Iterator[Finding]:
    """Issuers that policies name and whose keys could not be fetched."""
    for row in foreign_issuers.troubles():
        kept = "the keys of before still hold" if row.jwks else "its tokens are refused"
        yield Finding(
            Severity.WARNING if row.jwks else Severity.ERROR,
            f"The keys of {row.issuer} cannot be fetched: {row.error} Until then {kept}.",
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
