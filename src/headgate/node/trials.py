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
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from time import monotonic, sleep

import orjson

from headgate.access.certificates import shown
from headgate.core.clock import Clock
from headgate.core.problems import DependencyError
from headgate.model.trial import (
    ANSWER_BYTES_MAX,
    CERTIFICATE_FIELDS,
    CERTIFICATE_PREFIX,
    Headers,
    TrialRequest,
    TrialResult,
)
from headgate.node.control_plane import WAIT_SECONDS, ControlPlane
from headgate.node.launch import TRIAL_SOCKET
from headgate.node.paths import NodePaths
from headgate.node.settings import AgentSettings

TRIAL_SECONDS_MAX = 6.0  # below what the control plane waits
LINE_SECONDS_MAX = 3.0  # Envoy writes it within a tenth of a second
LINE_POLL_SECONDS = 0.02
RETRY_SECONDS = 2.0
TRIED = "headgate_trial"  # Envoy's word for the answer of `filter/trial.zig`


class Trials:
    """Tries what the control plane wants tried at this node."""

    def __init__(
        self, control_plane: ControlPlane, settings: AgentSettings, node: str, clock: Clock
    ) -> None:
        self._control_plane = control_plane
        self._paths = settings.paths
        self._node = node
        self._authorities = self._paths.client_authorities if settings.client_authorities else None
        self._clock = clock

    async def step(self) -> None:
        """One long poll, and what it brought.

        A control plane that does not answer is no trouble of its own: the other polls say it.
        """
        try:
            asked = await self._control_plane.trial(wait=WAIT_SECONDS)
            if asked is not None:
                found = await asyncio.to_thread(self._tried, asked)
                await self._control_plane.answer_trial(found)
        except DependencyError:
            await asyncio.sleep(RETRY_SECONDS)

    def _tried(self, asked: TrialRequest) -> TrialResult:
        try:
            told = _shown(asked.certificate, self._authorities, self._clock.now())
        except (OSError, ValueError) as error:
            return TrialResult(asked.id, self._node, error=f"the handshake would end: {error}")
        return tried(self._paths, self._node, asked, told)


def tried(paths: NodePaths, node: str, asked: TrialRequest, told: Headers) -> TrialResult:
    """What the gateway finds of one request, of whose connection it is told so much.

    It waits: call it in a thread.
    """
    try:
        _empty(paths.trial_log)
        return _tried(paths, node, asked, told)
    except (OSError, HTTPException, ValueError, DependencyError) as error:
        why = str(error) or type(error).__name__
        return TrialResult(asked.id, node, error=f"the gateway's Envoy does not answer: {why}")
    finally:
        _empty(paths.trial_log)


def _shown(certificate: str, authorities: Path | None, at: datetime) -> Headers:
    """What the gateway's handshake would tell of the certificate; nothing where none is shown.

    Raises:
        OSError, ValueError: it would end.
    """
    if not certificate:
        return ()
    if authorities is None:
        raise ValueError("the gateway asks nobody for a certificate (--gateway-client-ca)")
    found = shown(certificate, authorities.read_text(), at)
    ends = str(int(found.ends_at.timestamp()))
    facts = (ends, found.issuer, found.subject, found.uri, found.dns)
    return tuple((name, fact) for name, fact in zip(CERTIFICATE_FIELDS, facts, strict=True) if fact)


def _tried(paths: NodePaths, node: str, asked: TrialRequest, told: Headers) -> TrialResult:
    with closing(_Connection(paths.folder)) as connection:
        answer = _answer(connection, asked, told)
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


def _answer(connection: HTTPConnection, asked: TrialRequest, told: Headers) -> HTTPResponse:
    body = base64.b64decode(asked.body)
    connection.putrequest(asked.method, asked.target, skip_host=True, skip_accept_encoding=True)
    own = [one for one in asked.headers if not one[0].lower().startswith(CERTIFICATE_PREFIX)]
    for name, value in (*own, *told):
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
