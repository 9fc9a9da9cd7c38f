"""A control plane in memory: the real `/node/v1` over HTTP, its state in a few lists.

Long polls are held and woken by a change, deltas are paged, segments are idempotent and checked
against their digest, the token is checked. What it lacks is a database.
"""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from headgate.model.access import (
    AccessDelta,
    APIRow,
    ApplicationRow,
    BlockRow,
    CredentialRow,
    PlanRow,
    SubscriptionRow,
)
from headgate.model.codec import as_json, from_json
from headgate.model.leases import DIVISOR_ALL, LeaseAnswer, LeaseRequest
from headgate.model.node import NodeReport
from headgate.model.snapshot import Snapshot, SnapshotDelta
from tests.support.server import Server

TOKEN = "hgt_" + "t" * 38
Row = ApplicationRow | PlanRow | APIRow | SubscriptionRow | CredentialRow | BlockRow
KINDS: dict[type[Any], str] = {
    ApplicationRow: "applications",
    PlanRow: "plans",
    APIRow: "apis",
    SubscriptionRow: "subscriptions",
    CredentialRow: "credentials",
    BlockRow: "blocks",
}


@dataclass
class ControlPlaneState:
    """Everything that the control plane knows. Change it through the methods: they wake polls."""

    generation: str = "g1"
    page_rows_max: int = 10_000
    is_down: bool = False
    snapshots: list[Snapshot] = field(default_factory=list)
    rows: dict[tuple[type[Any], int], Row] = field(default_factory=dict)
    contracts: dict[str, bytes] = field(default_factory=dict)
    reports: list[NodeReport] = field(default_factory=list)
    segments: dict[str, bytes] = field(default_factory=dict)
    uploads: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _is_closing: bool = False

    def publish(self, snapshot: Snapshot) -> None:
        """A newer revision."""
        with self._changed:
            self.snapshots.append(snapshot)
            self._changed.notify_all()

    def change(self, *rows: Row) -> None:
        """New or changed access rows; each carries its sequence number in `changed`."""
        with self._changed:
            self.rows |= {(type(row), row.row): row for row in rows}
            self._changed.notify_all()

    def restart(self, generation: str) -> None:
        """Another store: nothing of the old rows counts."""
        with self._changed:
            self.generation = generation
            self.rows.clear()
            self._changed.notify_all()

    def set_down(self, is_down: bool) -> None:
        """Answer 503 to everything, or not any more."""
        with self._changed:
            self.is_down = is_down
            self._changed.notify_all()

    def close(self) -> None:
        """Let held polls go."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()

    def snapshot_after(self, revision: int, wait: float) -> SnapshotDelta | None:
        """As `GET /node/v1/snapshot`."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._ends or (self.snapshots and self._newest().revision != revision),
                wait,
            )
            if not self.snapshots or self._newest().revision == revision:
                return None
            base = next((one for one in self.snapshots if one.revision == revision), None)
            return _delta(base, self._newest())

    def access_after(self, generation: str, after: int, wait: float) -> AccessDelta | None:
        """As `GET /node/v1/access`."""
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._ends
                    or generation != self.generation
                    or any(row.changed > after for row in self.rows.values())
                ),
                wait,
            )
            after = after if generation == self.generation else 0
            found = sorted(
                (row for row in self.rows.values() if row.changed > after),
                key=lambda row: row.changed,
            )
            if not found and generation == self.generation:
                return None
            page = found[: self.page_rows_max]
            while len(found) > len(page) and found[len(page)].changed == page[-1].changed:
                page.append(found[len(page)])
            lists = {
                name: tuple(row for row in page if type(row) is kind)
                for kind, name in KINDS.items()
            }
            return AccessDelta(
                generation=self.generation,
                after=after,
                upto=page[-1].changed if page else after,
                is_complete=len(page) == len(found),
                **lists,  # type: ignore[arg-type]
            )

    def hold(self, wait: float) -> None:
        """Let a poll wait for nothing."""
        with self._changed:
            self._changed.wait_for(lambda: self._ends, wait)

    @property
    def _ends(self) -> bool:
        return self._is_closing or self.is_down

    def _newest(self) -> Snapshot:
        return self.snapshots[-1]


@dataclass(frozen=True)
class ControlPlaneServer:
    """A running control plane."""

    url: str
    state: ControlPlaneState


@contextmanager
def control_plane(
    state: ControlPlaneState | None = None, port: int = 0
) -> Iterator[ControlPlaneServer]:
    """Serve `state` on loopback until the block ends."""
    held = state or ControlPlaneState()
    server = _Server(("127.0.0.1", port), held)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield ControlPlaneServer(f"http://127.0.0.1:{server.server_address[1]}", held)
    finally:
        held.close()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(Server):
    def handle_error(self, *_: object) -> None:
        """A node that was killed does not wait for its answer."""

    def __init__(self, address: tuple[str, int], state: ControlPlaneState) -> None:
        self.state = state
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or every answer takes 40 ms
    wbufsize = -1  # headers and body in one packet
    server: _Server

    def do_GET(self) -> None:
        if not self._may_go_on():
            return None
        state, path = self.server.state, urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(path.query, True).items()}
        wait, after = float(query.get("wait", 0)), int(query.get("after", 0))
        delta: object | None
        if path.path == "/node/v1/snapshot":
            delta = state.snapshot_after(after, wait)
        elif path.path == "/node/v1/trial":  # nobody wants anything tried
            state.hold(wait)
            delta = None
        elif path.path == "/node/v1/access":
            delta = state.access_after(query.get("generation", ""), after, wait)
        elif (name := path.path.removeprefix("/node/v1/contracts/")) in state.contracts:
            return self._answer(HTTPStatus.OK, state.contracts[name])
        else:
            return self._answer(HTTPStatus.NOT_FOUND)
        if state.is_down:
            return self._answer(HTTPStatus.SERVICE_UNAVAILABLE)
        if delta is None:
            return self._answer(HTTPStatus.NO_CONTENT)
        return self._answer(HTTPStatus.OK, as_json(delta))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if not self._may_go_on():
            return
        if self.path.startswith("/node/v1/leases"):
            self._lease(from_json(LeaseRequest, body))
            return
        self.server.state.reports.append(from_json(NodeReport, body))
        self._answer(HTTPStatus.NO_CONTENT)

    def _lease(self, request: LeaseRequest) -> None:
        """As the only node of its gateway: it has all of every quota."""
        if request.divisor == DIVISOR_ALL:
            self.server.state.hold(float(parse_qs(urlsplit(self.path).query)["wait"][0]))
            self._answer(HTTPStatus.NO_CONTENT)
            return
        self._answer(HTTPStatus.OK, as_json(LeaseAnswer(DIVISOR_ALL)))

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if not self._may_go_on():
            return None
        state, name = self.server.state, self.path.rpartition("/")[2]
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        if self.headers["content-digest"] != f"sha-256=:{digest}:":
            return self._answer(HTTPStatus.UNPROCESSABLE_ENTITY)
        state.uploads += 1
        is_known = name in state.segments
        if is_known and state.segments[name] != body:
            return self._answer(HTTPStatus.CONFLICT)
        state.segments[name] = body
        return self._answer(HTTPStatus.OK if is_known else HTTPStatus.CREATED)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _may_go_on(self) -> bool:
        if self.server.state.is_down:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE)
            return False
        if self.headers["authorization"] != f"Bearer {TOKEN}":
            self._answer(HTTPStatus.UNAUTHORIZED)
            return False
        return True

    def _answer(self, status: HTTPStatus, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(body)


def _delta(base: Snapshot | None, newest: Snapshot) -> SnapshotDelta:
    known = {api.row: api for api in base.apis} if base else {}
    return SnapshotDelta(
        base=base.revision if base else 0,
        revision=newest.revision,
        gateway=newest.gateway,
        changed=tuple(api for api in newest.apis if known.get(api.row) != api),
        removed=tuple(set(known) - {api.row for api in newest.apis}),
        policies=newest.policies,
        secrets=newest.secrets,
        problem_types=newest.problem_types,
    )


def wait_until(what: Any, seconds: float = 60.0, *, pause: float = 0.01) -> Any:
    """The first true result of `what()`.

    Raises:
        AssertionError: it stayed false for `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(pause)
    return found


def lines_of(segments: dict[str, bytes]) -> list[dict[str, Any]]:
    """Every record of every segment."""
    return [json.loads(line) for body in segments.values() for line in body.splitlines()]
