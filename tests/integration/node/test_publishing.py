"""Does running traffic notice that something is published? Real Envoy, twenty kept connections."""

import dataclasses
import http.client
import operator
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from headgate.model.snapshot import PolicyUse, Snapshot
from tests.integration.node.conftest import Node, snapshot
from tests.integration.node.load import load
from tests.support.control_plane import wait_until

pytestmark = pytest.mark.integration

CONNECTIONS = 20
PUBLISHES = 20


class Kept:
    """Callers that hold one connection each and never open another."""

    def __init__(self, port: int, path: str) -> None:
        self._port, self._path = port, path
        self._is_over = threading.Event()
        self.answers = [0] * CONNECTIONS
        self.wrong: Counter[str] = Counter()
        self._threads = [
            threading.Thread(target=self._run, args=(number,)) for number in range(CONNECTIONS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)) as one:
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
            except (OSError, http.client.HTTPException) as error:
                self.wrong[repr(error)] += 1


@contextmanager
def kept(port: int, path: str) -> Iterator[Kept]:
    """Call `path` over kept connections while the block runs."""
    made = Kept(port, path)
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


def test_a_policy_that_brings_a_filter_into_the_chain_fails_no_call(node: Node) -> None:
    # Envoy renews the listener: each connection hears goodbye with an answer in the drain time
    node.options["drain_seconds"] = 15.0
    node.start()
    node.publish(1)
    node.wait_live(1)
    kinds = [
        PolicyUse("headers", {"response": {"set": {"x-a": "b"}}}),
        PolicyUse("cors", {"allow_origins": ["https://app.example.com"]}),
        PolicyUse("request_size", {"body_max": "10MB"}),
    ]
    with load(f"http://127.0.0.1:{node.port}/a1/r0", threads=CONNECTIONS) as callers:
        wait_until(lambda: callers.statuses[200] > 50)
        for count in range(1, len(kinds) + 1):
            made = snapshot(1 + count, node.upstream.port)
            node.state.publish(dataclasses.replace(made, policies=tuple(kinds[:count])))
            node.wait_live(1 + count)
        before = callers.statuses[200]
        wait_until(lambda: callers.statuses[200] > before + 50)
    assert set(callers.statuses) == {200}
    assert callers.failures == 0
