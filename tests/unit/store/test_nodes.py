"""What nodes report is kept, and says when a revision is live."""

from dataclasses import replace
from datetime import timedelta

import pytest

from headgate.core.problems import Problem, ProblemType
from headgate.model.node import CounterKind, CounterReading
from headgate.model.snapshot import UpstreamTLS
from headgate.store.models import NodeCounter, NodeState
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import apis
from headgate.store.services.gateway import nodes, publishing
from tests.support.store import AT, REPORT, UPSTREAM, import_api


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

    # The node is known and may only be starting: who publishes right then waits for it.
    assert (liveness().is_live, liveness().is_settled) == (False, False)
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


def test_a_gateway_without_nodes_keeps_nobody_waiting(admin: Actor, node: Actor) -> None:
    import_api(admin)
    revision = publishing.publish(admin, "pets").number
    nodes.delete(admin, "local")
    found = nodes.liveness(admin, gateway="default", revision=revision)
    assert (found.is_live, found.is_settled, found.nodes) == (False, True, ())


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


def test_what_is_no_certificate_is_refused(admin: Actor) -> None:
    import_api(admin)
    with pytest.raises(Problem) as caught:
        apis.update(admin, "pets", upstream=replace(UPSTREAM, tls=UpstreamTLS(ca_pem="x")))
    assert caught.value.errors[0].pointer == "/upstream/tls/ca_pem"
