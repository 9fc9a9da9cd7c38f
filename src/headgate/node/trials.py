"""How does the agent try a request without consequences? Through the trial listener of its Envoy.

Requests come by a long poll, one at a time, and are answered in memory. The line that Envoy writes
of one is read from a log of its own, which is emptied before the next. Fails by saying so: whoever
asked is told why, and no traffic depends on it.
"""

import asyncio
import base64
import os
import socket
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from time import monotonic, sleep

import orjson

from headgate.core.problems import DependencyError
from headgate.model.trial import ANSWER_BYTES_MAX, TrialRequest, TrialResult
from headgate.node.control_plane import WAIT_SECONDS, ControlPlane
from headgate.node.launch import TRIAL_SOCKET
from headgate.node.paths import NodePaths

TRIAL_SECONDS_MAX = 6.0  # below what the control plane waits
LINE_SECONDS_MAX = 3.0  # Envoy writes it within a tenth of a second
LINE_POLL_SECONDS = 0.02
RETRY_SECONDS = 2.0
TRIED = "headgate_trial"  # Envoy's word for the answer of `filter/trial.zig`


class Trials:
    """Tries what the control plane wants tried at this node."""

    def __init__(self, control_plane: ControlPlane, paths: NodePaths, node: str) -> None:
        self._control_plane = control_plane
        self._paths = paths
        self._node = node

    async def step(self) -> None:
        """One long poll, and what it brought.

        A control plane that does not answer is no trouble of its own: the other polls say it.
        """
        try:
            asked = await self._control_plane.trial(wait=WAIT_SECONDS)
            if asked is not None:
                found = await asyncio.to_thread(tried, self._paths, self._node, asked)
                await self._control_plane.answer_trial(found)
        except DependencyError:
            await asyncio.sleep(RETRY_SECONDS)


def tried(paths: NodePaths, node: str, asked: TrialRequest) -> TrialResult:
    """What the gateway finds of one request. It waits: call it in a thread."""
    try:
        _empty(paths.trial_log)
        return _tried(paths, node, asked)
    except (OSError, HTTPException, ValueError, DependencyError) as error:
        why = str(error) or type(error).__name__
        return TrialResult(asked.id, node, error=f"the gateway's Envoy does not answer: {why}")
    finally:
        _empty(paths.trial_log)


def _tried(paths: NodePaths, node: str, asked: TrialRequest) -> TrialResult:
    with closing(_Connection(paths.folder)) as connection:
        answer = _answer(connection, asked)
        body = answer.read(ANSWER_BYTES_MAX)
        headers = tuple((name.lower(), value) for name, value in answer.getheaders())
    line = _line(paths.trial_log, dict(headers).get("x-request-id", ""))
    return TrialResult(
        id=asked.id,
        node=node,
        line=line,
        passed=line.get("details") == TRIED,
        status=answer.status,
        headers=headers,
        body=base64.b64encode(body).decode(),
    )


def _answer(connection: HTTPConnection, asked: TrialRequest) -> HTTPResponse:
    body = base64.b64decode(asked.body)
    connection.putrequest(asked.method, asked.target, skip_host=True, skip_accept_encoding=True)
    for name, value in asked.headers:
        connection.putheader(name, value.encode())
    if not any(name.lower() == "host" for name, _ in asked.headers):
        connection.putheader("host", "gateway")
    connection.putheader("x-forwarded-for", asked.client_address)
    if body or asked.method in {"POST", "PUT", "PATCH"}:
        connection.putheader("content-length", str(len(body)))
    connection.endheaders(body or None)
    return connection.getresponse()


class _Connection(HTTPConnection):
    """HTTP over the socket of the trial listener, named relative to its folder: an address has at
    most 108 bytes."""

    def __init__(self, folder: Path) -> None:
        super().__init__("gateway", timeout=TRIAL_SECONDS_MAX)
        self._folder = folder

    def connect(self) -> None:
        folder = os.open(self._folder, os.O_PATH | os.O_DIRECTORY)
        try:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(TRIAL_SECONDS_MAX)
            self.sock.connect(f"/proc/self/fd/{folder}/{TRIAL_SOCKET}")
        finally:
            os.close(folder)


def _line(log: Path, request_id: str) -> dict[str, object]:
    """The line of one request.

    Raises:
        DependencyError: Envoy has not written it in time.
    """
    end = monotonic() + LINE_SECONDS_MAX
    while monotonic() < end:
        for text in log.read_bytes().splitlines() if log.exists() else ():
            try:
                line = orjson.loads(text)
            except orjson.JSONDecodeError:
                continue  # the rest of it is on its way
            if line.get("request_id") == request_id:
                return dict(line)
        sleep(LINE_POLL_SECONDS)
    raise DependencyError("it wrote no line of the request", is_retryable=True)


def _empty(log: Path) -> None:
    """Envoy appends, so what it writes next stands at the beginning."""
    if log.exists():
        os.truncate(log, 0)
