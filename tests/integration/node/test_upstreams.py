"""Does nobody notice when an API's upstream changes? Real Envoy, callers that never rest."""

import dataclasses
import threading
from collections.abc import Iterator

import pytest

from headgate.model.snapshot import HealthCheck, Snapshot, UpstreamHost
from tests.integration.node.conftest import CountingUpstream, Node, snapshot
from tests.integration.node.load import load
from tests.support.control_plane import wait_until

pytestmark = pytest.mark.integration


class HeldUpstream(CountingUpstream):
    """Answers its health check only once it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.is_ready = threading.Event()
        self.is_asked = threading.Event()

    def before_answer(self, path: str) -> None:
        if path == "/health":
            self.is_asked.set()
            self.is_ready.wait(60)


@pytest.fixture
def held() -> Iterator[HeldUpstream]:
    made = HeldUpstream()
    yield made
    made.is_ready.set()
    made.close()


def with_upstream(made: Snapshot, **changes: object) -> Snapshot:
    """The first API with another upstream."""
    first = made.apis[0]
    upstream = dataclasses.replace(first.upstream, **changes)  # type: ignore[arg-type]  # a test's
    return dataclasses.replace(
        made, apis=(dataclasses.replace(first, upstream=upstream), *made.apis[1:])
    )


def checked(held: HeldUpstream) -> dict[str, object]:
    """What leads to the upstream whose health check hangs."""
    return {
        "hosts": (UpstreamHost("127.0.0.1", held.port),),
        "health_check": HealthCheck("/health", timeout_seconds=50.0),
    }


def test_another_deadline_fails_no_call_and_keeps_the_connections(node: Node) -> None:
    node.start()
    node.publish(1)
    node.wait_live(1)
    with load(f"http://127.0.0.1:{node.port}/a1/r0") as callers:
        wait_until(lambda: callers.statuses[200] > 20)
        connections = node.upstream.connections
        for revision in range(2, 7):
            one = snapshot(revision, node.upstream.port)
            node.state.publish(with_upstream(one, timeout_seconds=10.0 + revision))
            node.wait_live(revision)
        before = callers.statuses[200]
        wait_until(lambda: callers.statuses[200] > before + 20)
    assert set(callers.statuses) == {200}
    assert callers.failures == []
    assert node.upstream.connections <= connections + 3, "the callers got fresh connections"


def test_the_old_routes_serve_until_the_new_upstream_is_ready(
    node: Node, held: HeldUpstream
) -> None:
    node.start()
    node.publish(1)
    node.wait_live(1)
    with load(f"http://127.0.0.1:{node.port}/a1/r0") as callers:
        wait_until(lambda: callers.statuses[200] > 20)
        node.state.publish(with_upstream(snapshot(2, node.upstream.port), **checked(held)))
        assert held.is_asked.wait(20)
        before = callers.statuses[200]
        wait_until(lambda: callers.statuses[200] > before + 50)
        assert node.state.reports[-1].revision_live == 1
        assert held.calls == 0
        held.is_ready.set()
        node.wait_live(2)
        wait_until(lambda: held.calls > 20)
    assert set(callers.statuses) == {200}
    assert callers.failures == []


def test_an_upstream_that_is_not_ready_in_time_is_said_and_holds_no_other_api_up(
    node: Node, held: HeldUpstream
) -> None:
    node.start()
    node.publish(1, apis=2)
    node.wait_live(1)
    node.state.publish(with_upstream(snapshot(2, node.upstream.port, apis=3), **checked(held)))
    node.wait_live(2, seconds=40)
    address = f"127.0.0.1:{held.port}"
    wait_until(lambda: any(address in sentence for sentence in node.state.reports[-1].problems))
    assert node.status("/a1/r0") == 503
    assert node.status("/a3/r0") == 200
    held.is_ready.set()
    wait_until(lambda: node.status("/a1/r0") == 200)
    wait_until(lambda: node.state.reports[-1].problems == ())


def test_a_name_that_does_not_resolve_fails_its_own_api_only(node: Node) -> None:
    node.start()
    node.publish(1, apis=2)
    node.wait_live(1)
    nowhere = (UpstreamHost("no-such-host.invalid", 80),)
    with load(f"http://127.0.0.1:{node.port}/a2/r0") as callers:
        node.state.publish(with_upstream(snapshot(2, node.upstream.port, apis=2), hosts=nowhere))
        node.wait_live(2)
        wait_until(lambda: callers.statuses[200])
    assert node.status("/a1/r0") == 503
    assert set(callers.statuses) == {200}
