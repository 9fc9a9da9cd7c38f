"""Do the validators live beside Envoy: started on demand, adopted, restarted, and never missed?"""

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from headgate.model.contract import contract_bytes
from headgate.model.snapshot import PolicyUse, Snapshot, SnapshotOperation
from headgate.node import process
from tests.integration.node.conftest import Node, snapshot
from tests.support.control_plane import wait_until
from tests.support.validator import contract_of

pytestmark = pytest.mark.integration

DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "t", "version": "1"},
    "paths": {
        "/r0": {
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"type": "object"}}},
                },
                "responses": {"200": {"description": "ok"}},
            }
        }
    },
}


def publish(node: Node, revision: int, **settings: Any) -> Snapshot:
    """One API that validates as `settings` say; without settings, none does."""
    plain = snapshot(revision, node.upstream.port)
    if not settings:
        node.state.publish(plain)
        return plain
    policy = PolicyUse("validate", settings)
    api = replace(
        plain.apis[0], operations=(SnapshotOperation(10, "op0", "POST", "/r0", (policy,)),)
    )
    contract = contract_of(DOCUMENT, api, f"contract{revision}")
    node.state.contracts[contract.id] = contract_bytes(contract)
    made = replace(plain, apis=(replace(api, contract=contract.id),))
    node.state.publish(made)
    return made


def post(node: Node, body: Any = None) -> int:
    url = f"http://127.0.0.1:{node.port}/a1/r0"
    return httpx2.post(url, json={} if body is None else body, timeout=60).status_code


def validators(node: Node) -> list[process.ProcessIdentity]:
    return [
        identity
        for name in {"python", Path(os.path.realpath("/proc/self/exe")).name, "python3"}
        for identity in process.find(name, node.folder)
        if "headgate.node.validator" in process.command_line(identity.pid)
    ]


@pytest.fixture(autouse=True)
def ended(node: Node) -> Iterator[None]:
    yield
    if node.agent is not None:
        node.stop()
    for identity in validators(node):
        process.send_signal(identity, signal.SIGKILL)


@contextmanager
def load(node: Node) -> Iterator["Counter[int]"]:
    """Valid requests one after the other until the block ends; their statuses."""
    seen: Counter[int] = Counter()
    stop = threading.Event()

    def run() -> None:
        with httpx2.Client(timeout=60) as client:
            while not stop.is_set():
                answer = client.post(f"http://127.0.0.1:{node.port}/a1/r0", json={})
                seen[answer.status_code] += 1

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_validator_runs_only_while_an_api_asks_for_it(node: Node) -> None:
    publish(node, 1)
    node.start()
    node.wait_live(1)
    assert not validators(node)
    publish(node, 2, request="enforce")
    node.wait_live(2)
    assert post(node) == 200
    assert post(node, [1]) == 400
    assert len(validators(node)) == 1
    assert [path.stem for path in (node.folder / "contracts").iterdir()] == ["contract2"]
    reading = wait_until(lambda: node.state.reports[-1].validations)[0]
    assert (reading.row, reading.requests, reading.invalid_requests) == (10, 2, 1)
    publish(node, 3)
    node.wait_live(3)
    wait_until(lambda: not validators(node))
    wait_until(lambda: not list((node.folder / "contracts").iterdir()))


def test_killed_under_load_requests_pass_where_the_api_fails_open(
    node: Node,
) -> None:
    publish(node, 1, request="enforce", on_failure="open")
    node.start()
    node.wait_live(1)
    with load(node) as seen:
        wait_until(lambda: seen[200] > 20)
        (old,) = validators(node)
        process.send_signal(old, signal.SIGSTOP)  # so that nobody answers for a while
        process.send_signal(old, signal.SIGKILL)
        wait_until(lambda: validators(node) not in ([], [old]))
        wait_until(lambda: post(node, [1]) == 400)
    assert set(seen) == {200}
    report = wait_until(
        lambda: next((one for one in node.state.reports if one.validator_restarts), None), 15
    )
    assert report.validator_restarts == 1


def test_killed_requests_get_503_where_the_api_fails_closed_until_it_is_back(node: Node) -> None:
    publish(node, 1, request="enforce", on_failure="closed")
    node.start()
    node.wait_live(1)
    assert post(node) == 200
    (old,) = validators(node)
    log = node.agent_log
    assert node.agent is not None
    os.kill(node.agent.pid, signal.SIGSTOP)  # nobody starts it again meanwhile
    process.send_signal(old, signal.SIGKILL)
    wait_until(lambda: post(node) == 503)
    url = f"http://127.0.0.1:{node.port}/a1/r0"
    problem = httpx2.post(url, json={}).json()
    assert problem["type"] == "urn:headgate:problem:validator-down"
    os.kill(node.agent.pid, signal.SIGCONT)
    wait_until(lambda: post(node) == 200)
    assert "a validator ended" in log.read_text()


def test_requests_that_passed_unchecked_are_counted_and_reported(node: Node) -> None:
    publish(node, 1, request="enforce", on_failure="open")
    node.start()
    node.wait_live(1)
    assert node.agent is not None
    (old,) = validators(node)
    os.kill(node.agent.pid, signal.SIGSTOP)
    process.send_signal(old, signal.SIGKILL)
    assert [post(node, [1]) for _ in range(3)] == [200] * 3
    os.kill(node.agent.pid, signal.SIGCONT)
    report = wait_until(lambda: next((r for r in node.state.reports if r.unchecked), None))
    assert report.unchecked == 3
    said = [one for report in node.state.reports for one in report.problems]
    assert any("The validator validator-0.sock is down" in one for one in said)


def test_the_next_agent_adopts_the_validator_and_needs_no_control_plane(node: Node) -> None:
    publish(node, 1, request="enforce")
    node.start()
    node.wait_live(1)
    before = validators(node)
    node.stop(signal.SIGKILL)
    assert post(node, [1]) == 400
    node.state.set_down(is_down=True)
    node.start()
    assert validators(node) == before
    assert post(node, [1]) == 400
    node.stop()
    assert not validators(node)
    node.start()  # everything anew, from what is on the disk
    wait_until(lambda: post(node, [1]) == 400)
    assert post(node) == 200


def test_a_damaged_contract_is_named_and_its_requests_are_treated_as_the_policy_says(
    node: Node,
) -> None:
    made = publish(node, 1, request="enforce", on_failure="closed")
    node.state.contracts[made.apis[0].contract] = json.dumps({"id": "x"}).encode()
    node.start()
    node.wait_live(1)
    assert post(node) == 503
    said = wait_until(lambda: node.state.reports[-1].problems)
    assert any("cannot use a contract" in one for one in said)
