"""What nodes report is kept, and says when a revision is live."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from headgate.core.problems import Problem, ProblemType
from headgate.model.node import CounterKind, CounterReading, EnvoyState, NodeReport
from headgate.model.snapshot import UpstreamTLS
from headgate.store.models import NodeCounter, NodeState
from headgate.store.services import apis, nodes, publishing, status
from headgate.store.services.actor import Actor
from headgate.store.services.status import Severity
from tests.support.store import AT, UPSTREAM, import_api

REPORT = NodeReport(
    node="local",
    reported_at=AT,
    agent_version="0.1.0",
    envoy_version="1.40.0",
    envoy_state=EnvoyState.SERVING,
    envoy_restarts=0,
    revision_seen=0,
    revision_live=0,
    revision_error="",
    access_generation="g",
    access_sequence=0,
    spool_segments=0,
    spool_bytes=0,
    spool_oldest_at=None,
    log_write_failures=0,
    table_dropped=0,
    clock_steps=0,
)


def reading(allowed: int, epoch: str = "e1") -> CounterReading:
    return CounterReading(CounterKind.OPERATION, 7, allowed, 1, epoch)


def test_a_report_is_kept_with_its_counters(node: Actor) -> None:
    nodes.report(node, replace(REPORT, counters=(reading(5),), problems=("x",)))
    state = NodeState.objects.get()
    assert state.node.name == "local"
    assert state.report["problems"] == ["x"]
    assert state.report["counters"] == []
    assert NodeCounter.objects.get().allowed == 5


def test_the_same_counters_twice_count_once_and_a_new_epoch_counts_beside(node: Actor) -> None:
    for allowed, epoch in ((5, "e1"), (5, "e1"), (9, "e1"), (2, "e2")):
        nodes.report(node, replace(REPORT, counters=(reading(allowed, epoch),)))
    found = NodeCounter.objects.order_by("epoch").values_list("epoch", "allowed")
    assert list(found) == [("e1", 9), ("e2", 2)]


def test_a_report_that_was_overtaken_is_ignored(node: Actor) -> None:
    late = AT + timedelta(seconds=5)
    nodes.report(node, replace(REPORT, reported_at=late, revision_live=2, counters=(reading(9),)))
    nodes.report(node, replace(REPORT, reported_at=AT, revision_live=1, counters=(reading(5),)))
    assert NodeState.objects.get().revision_live == 2
    assert NodeCounter.objects.get().allowed == 9


def test_a_clock_that_stepped_back_does_not_silence_a_node_for_long(node: Actor) -> None:
    nodes.report(node, replace(REPORT, reported_at=AT + timedelta(days=1)))
    later = node.later(AT + timedelta(minutes=1))
    nodes.report(later, replace(REPORT, revision_live=3))
    assert NodeState.objects.get().revision_live == 3


def test_a_node_speaks_for_no_other_one(admin: Actor, node: Actor) -> None:
    nodes.register(admin, name="edge1", gateway="default")
    for actor, name in ((node, "edge1"), (node, "unheard"), (admin, "local")):
        with pytest.raises(Problem) as caught:
            nodes.report(actor, replace(REPORT, node=name))
        assert caught.value.type is ProblemType.FORBIDDEN
    assert not NodeState.objects.exists()


def test_a_revision_is_live_when_every_present_node_serves_it(admin: Actor, node: Actor) -> None:
    import_api(admin)
    revision = publishing.publish(admin, "pets").number

    def liveness() -> nodes.Liveness:
        return nodes.liveness(admin, gateway="default", revision=revision)

    assert not liveness().is_live
    assert liveness().is_settled  # nobody is there to wait for
    nodes.report(node, REPORT)
    assert (liveness().is_live, liveness().is_settled) == (False, False)
    nodes.report(node, replace(REPORT, revision_seen=1, revision_live=1))
    assert (liveness().is_live, liveness().is_settled) == (True, True)
    nodes.register(admin, name="edge1", gateway="default")
    edge = replace(node, node="edge1")
    nodes.report(edge, replace(REPORT, node="edge1"))
    assert not liveness().is_live
    nodes.report(edge, replace(REPORT, node="edge1", revision_seen=1, revision_error="bad"))
    assert (liveness().is_live, liveness().is_settled) == (False, True)
    assert [item.error for item in liveness().nodes] == ["bad", ""]


def test_a_silent_node_does_not_hold_a_revision_up(admin: Actor, node: Actor) -> None:
    import_api(admin)
    revision = publishing.publish(admin, "pets").number
    nodes.register(admin, name="gone", gateway="default")
    nodes.report(replace(node, node="gone"), replace(REPORT, node="gone"))
    later = AT + nodes.NODE_STALE_AFTER + timedelta(seconds=1)
    nodes.report(node.later(later), replace(REPORT, revision_seen=1, revision_live=1))
    found = nodes.liveness(admin.later(later), gateway="default", revision=revision)
    assert found.is_live
    assert [item.is_stale for item in found.nodes] == [True, False]


def test_a_deleted_node_stays_out(admin: Actor, node: Actor) -> None:
    nodes.report(node, REPORT)
    nodes.delete(admin, "local")
    for ask in (lambda: nodes.get(admin, "local"), lambda: nodes.report(node, REPORT)):
        with pytest.raises(Problem) as caught:
            ask()
        assert caught.value.type is ProblemType.NOT_FOUND


def test_status_says_what_is_wrong_and_what_to_do(admin: Actor, node: Actor) -> None:
    assert "has never reported" in status.overview(admin).findings[0].what
    bad = replace(
        REPORT,
        envoy_state=EnvoyState.DOWN,
        revision_seen=1,
        revision_error="no such host",
        log_write_failures=2,
        table_dropped=1,
        clock_steps=1,
        spool_bytes=2 * 1024**3,
        problems=("The spool is full. Free some space.",),
    )
    nodes.report(node, bad)
    findings = [
        f for f in status.overview(admin).findings if "'local'" in f.what or "local" in f.what
    ]
    text = " ".join(finding.what for finding in findings)
    for words in ("Envoy is down", "no such host", "2 times", "1 access row", "spool", "clock"):
        assert words in text
    nodes.report(node, REPORT)
    overview = status.overview(admin)
    assert not [f for f in overview.findings if "local" in f.what]
    assert overview.nodes[0].report == REPORT


def test_status_finds_a_node_behind_its_gateway(admin: Actor, node: Actor) -> None:
    nodes.report(node, REPORT)
    import_api(admin)
    publishing.publish(admin, "pets")
    assert not [f for f in status.overview(admin).findings if "serves revision" in f.what]
    later = AT + timedelta(seconds=15)
    (found,) = [
        f for f in status.overview(admin.later(later)).findings if "serves revision" in f.what
    ]
    assert found.severity is Severity.ERROR
    later = AT + timedelta(minutes=5)
    assert "silent for 300 s" in str(status.overview(admin.later(later)).findings)


def certificate(ends_at: datetime) -> str:
    """A self-signed certificate that is valid until then, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "upstream.example")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(AT - timedelta(days=365)).not_valid_after(ends_at)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("days", "severities"), [(-1, [Severity.ERROR]), (7, [Severity.WARNING]), (60, [])]
)
def test_a_certificate_that_ends_is_named_in_time(
    admin: Actor, days: int, severities: list[Severity]
) -> None:
    import_api(admin)
    tls = UpstreamTLS(ca_pem=certificate(AT + timedelta(days=days)))
    apis.update(admin, "pets", upstream=replace(UPSTREAM, tls=tls))
    found = [f for f in status.overview(admin).findings if "certificate" in f.what]
    assert [finding.severity for finding in found] == severities


def test_what_is_no_certificate_is_refused(admin: Actor) -> None:
    import_api(admin)
    with pytest.raises(Problem) as caught:
        apis.update(admin, "pets", upstream=replace(UPSTREAM, tls=UpstreamTLS(ca_pem="x")))
    assert caught.value.errors[0].pointer == "/upstream/tls/ca_pem"
