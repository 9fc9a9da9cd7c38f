"""Does running traffic notice that something is published? Real Envoy, kept connections."""

import dataclasses
import http.client
import operator
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import httpx2
import pytest

from headgate.gateway.policy import policies
from headgate.model.access import APIRow
from headgate.model.snapshot import PolicyUse, Snapshot, SnapshotOperation
from tests.integration.node.conftest import Node, snapshot
from tests.support.control_plane import wait_until

pytestmark = pytest.mark.integration

CONNECTIONS = 20
PUBLISHES = 20
MINUTE_CONNECTIONS = 50
MINUTE_PUBLISHES = 60
PUBLISH_EVERY_SECONDS = 1.0
EXCLUDED = frozenset({"introspect", "mtls", "upstream_auth", "validate"})
"""They want a contract, a secret or an authority."""
PAUSE_SECONDS = 0.05  # of each of the fifty between two calls


class Kept:
    """Callers that hold one connection each and never open another."""

    def __init__(self, port: int, path: str, connections: int, pause_seconds: float) -> None:
        self._port, self._path, self._pause_seconds = port, path, pause_seconds
        self._is_over = threading.Event()
        self.answers = [0] * connections
        self.wrong: Counter[str] = Counter()
        self._threads = [
            threading.Thread(target=self._run, args=(number,)) for number in range(connections)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)) as one:
            one.connect()
            one.auto_open = 0  # a connection that was closed is a failure, not a reason to dial
            try:
                while not self._is_over.is_set():
                    one.request("GET", self._path)
                    answer = one.getresponse()
                    answer.read()
                    if answer.status != http.client.OK:
                        self.wrong[str(answer.status)] += 1
                    self.answers[number] += 1
                    self._is_over.wait(self._pause_seconds)
            except (OSError, http.client.HTTPException) as error:
                self.wrong[repr(error)] += 1


@contextmanager
def kept(
    port: int, path: str, *, connections: int = CONNECTIONS, pause_seconds: float = 0.0
) -> Iterator[Kept]:
    """Call `path` over kept connections while the block runs."""
    made = Kept(port, path, connections, pause_seconds)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def changed(revision: int, port: int) -> Snapshot:
    """A revision in which everything may differ but what the callers ask for.

    APIs come and go, upstreams get other connections or other deadlines, a path another start.
    """
    made = snapshot(revision, port, apis=2 + revision % 5)
    first, *others = made.apis
    upstream = first.upstream
    upstream = dataclasses.replace(
        upstream,
        timeout_seconds=30.0 + revision,
        connect_timeout_seconds=3.0 + revision % 3,
        retries_max=revision % 2,
    )
    others[0] = dataclasses.replace(others[0], base_path=f"/moved-{revision}")
    first = dataclasses.replace(first, upstream=upstream)
    return dataclasses.replace(made, apis=(first, *others))


def test_twenty_publishes_fail_no_call_and_drop_no_connection(node: Node) -> None:
    node.start()
    node.publish(1)
    node.wait_live(1)
    with kept(node.port, "/a1/r0") as callers:
        wait_until(lambda: min(callers.answers) > 5)
        for revision in range(2, 2 + PUBLISHES):
            node.state.publish(changed(revision, node.upstream.port))
            node.wait_live(revision)
        before = list(callers.answers)
        wait_until(lambda: all(map(operator.gt, callers.answers, before)))
    assert callers.wrong == {}


def test_a_minute_of_publishes_with_every_policy_fails_no_call_and_cuts_no_stream(
    node: Node,
) -> None:
    """Each second another kind is used for the first time, then changed, then taken away."""
    kinds = list(policies)
    node.options = {"has_filter": True}
    node.state.change(APIRow(1, 1, (), is_open=True))
    ends = threading.Event()
    node.upstream.before_answer = lambda path: ends.wait(200) if "long" in path else None  # type: ignore[method-assign]  # an upstream that answers when it is told to
    node.start()
    node.state.publish(_with_kinds(node, 1, []))
    node.wait_live(1)
    wait_until(lambda: node.status() == 200)
    with (
        ThreadPoolExecutor(1) as pool,
        kept(
            node.port, "/a1/r0", connections=MINUTE_CONNECTIONS, pause_seconds=PAUSE_SECONDS
        ) as callers,
    ):
        try:
            stream = pool.submit(
                httpx2.get, f"http://127.0.0.1:{node.port}/a1/r0?long", timeout=300
            )
            for revision in range(2, 2 + MINUTE_PUBLISHES):
                due = time.monotonic() + PUBLISH_EVERY_SECONDS
                node.state.publish(_with_kinds(node, revision, kinds[: revision - 1]))
                node.wait_live(revision, 60)
                time.sleep(max(0.0, due - time.monotonic()))
            before = list(callers.answers)
            wait_until(lambda: all(map(operator.gt, callers.answers, before)), 60)
            assert not stream.done()
        finally:
            ends.set()
        assert stream.result(60).status_code == 200
    assert callers.wrong == {}, [one for one in node.lines() if one["status"] != 200][:5]


def _with_kinds(node: Node, revision: int, kinds: list[str]) -> Snapshot:
    """The second API with policies, of which one has always changed."""
    made = changed(revision, node.upstream.port)
    patient = dataclasses.replace(made.apis[0].upstream, timeout_seconds=300.0 + revision)
    first = dataclasses.replace(made.apis[0], upstream=patient)
    uses = [PolicyUse(kind, policies[kind].example) for kind in kinds if kind not in EXCLUDED]
    uses.append(PolicyUse("timeout", {"seconds": 10.0 + revision}))
    second = dataclasses.replace(
        made.apis[1],
        operations=(SnapshotOperation(20, "op0", "GET", "/items/{id}"),),
        policies=tuple({use.kind: use for use in uses}.values()),
    )
    return dataclasses.replace(made, apis=(first, second, *made.apis[2:]))
