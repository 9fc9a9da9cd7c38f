"""How does a node talk to the control plane? Eight calls over HTTP, each with a bearer token."""

import base64
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import httpx2

from headgate.core.problems import DependencyError, Problem
from headgate.model.access import AccessDelta
from headgate.model.codec import as_json, from_json
from headgate.model.leases import LeaseAnswer, LeaseRequest
from headgate.model.node import NODE_FIELD, NodeReport
from headgate.model.snapshot import SnapshotDelta
from headgate.model.trial import TrialRequest, TrialResult
from headgate.node.parts import Part

WAIT_SECONDS = 25  # of a long poll: the control plane answers at once when something changes
CALL_SECONDS_MAX = 10.0
UPLOAD_SECONDS_MAX = 120.0
CONTRACT_SECONDS_MAX = 60.0
KEPT_SECONDS = 2.0  # of an idle connection: shorter than any server's, which would cut a call off
ANSWER_EXCERPT_CHARACTERS_MAX = 300

T = TypeVar("T")


class ControlPlane:
    """The calls of `/node/v1`.

    `url` is asked before every call, because on one machine the address changes when `web` is
    started anew. The token is read from its file likewise: replacing the file is enough.
    Without `is_tls` only `http://` is called, and no certificate authorities take up memory.

    Every method raises `DependencyError`: `is_retryable` is false when the control plane
    refused the call for good (the token, mostly), and its message is for people.
    """

    def __init__(
        self, url: Callable[[], str], token_file: Path, *, node: str, is_tls: bool
    ) -> None:
        self._node = node
        self._url = url
        self._token_file = token_file
        self._client = httpx2.AsyncClient(
            timeout=CALL_SECONDS_MAX,
            limits=httpx2.Limits(
                max_connections=8,
                max_keepalive_connections=4,
                keepalive_expiry=KEPT_SECONDS,
            ),
            trust_env=False,
            verify=ssl.create_default_context()
            if is_tls
            else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    async def snapshot(self, *, gateway: str, after: int, wait: int) -> SnapshotDelta | None:
        """What leads on from revision `after`; None when nothing did within `wait` seconds."""
        answer = await self._call(
            "GET",
            "/node/v1/snapshot",
            params={"gateway": gateway, "after": str(after), "wait": str(wait)},
            read_seconds=wait + CALL_SECONDS_MAX,
        )
        if answer.status_code == httpx2.codes.NO_CONTENT:
            return None
        return _parse(SnapshotDelta, answer)

    async def access(self, *, generation: str, after: int, wait: int) -> AccessDelta | None:
        """The access rows changed after `after`; None when none did within `wait` seconds."""
        answer = await self._call(
            "GET",
            "/node/v1/access",
            params={"generation": generation, "after": str(after), "wait": str(wait)},
            read_seconds=wait + CALL_SECONDS_MAX,
        )
        if answer.status_code == httpx2.codes.NO_CONTENT:
            return None
        return _parse(AccessDelta, answer)

    async def trial(self, *, wait: int) -> TrialRequest | None:
        """A request to try at this node; None when there was none within `wait` seconds."""
        answer = await self._call(
            "GET",
            "/node/v1/trial",
            params={"wait": str(wait)},
            read_seconds=wait + CALL_SECONDS_MAX,
        )
        if answer.status_code == httpx2.codes.NO_CONTENT:
            return None
        return _parse(TrialRequest, answer)

    async def answer_trial(self, found: TrialResult) -> None:
        """Say what was found. Whoever asked may have gone meanwhile."""
        await self._call("POST", "/node/v1/trial-result", content=as_json(found))

    async def contract(self, name: str) -> bytes:
        """What calls of an API are checked against, by its id (`model/contract.py`)."""
        answer = await self._call(
            "GET", f"/node/v1/contracts/{name}", read_seconds=CONTRACT_SECONDS_MAX
        )
        return answer.content

    async def report(self, report: NodeReport) -> None:
        """Say how this node is."""
        headers = {"content-type": "application/json"}
        await self._call("POST", "/node/v1/report", content=as_json(report), headers=headers)

    async def leases(self, request: LeaseRequest, *, wait: int) -> LeaseAnswer | None:
        """What this node shall hold of shared quotas; None: nothing new within `wait` seconds."""
        answer = await self._call(
            "POST",
            "/node/v1/leases",
            params={"wait": str(wait)},
            content=as_json(request),
            headers={"content-type": "application/json"},
            read_seconds=wait + CALL_SECONDS_MAX,
        )
        if answer.status_code == httpx2.codes.NO_CONTENT:
            return None
        return _parse(LeaseAnswer, answer)

    async def upload(self, part: Part, *, sha256: bytes) -> None:
        """Hand over one sealed segment or part; done as well when it was there already.

        Source: RFC 9530 (`Content-Digest`).
        """
        headers = {
            "content-digest": f"sha-256=:{base64.b64encode(sha256).decode()}:",
            "content-length": str(part.length),
            "content-type": "application/jsonl",
        }
        await self._call(
            "PUT",
            f"/node/v1/segments/{part.name}",
            content=part.chunks(),
            headers=headers,
            read_seconds=UPLOAD_SECONDS_MAX,
        )

    async def _call(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        content: bytes | AsyncIterator[bytes] | None = None,
        headers: dict[str, str] | None = None,
        read_seconds: float = CALL_SECONDS_MAX,
    ) -> httpx2.Response:
        url = self._url()
        try:
            answer = await self._client.request(
                method,
                url + path,
                params=params,
                content=content,
                headers={
                    "authorization": f"Bearer {self._token()}",
                    NODE_FIELD: self._node,
                    **(headers or {}),
                },
                timeout=read_seconds,
            )
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            reason = str(error) or type(error).__name__
            raise DependencyError(f"{url} does not answer: {reason}", is_retryable=True) from error
        if answer.is_success:
            return answer
        refused = answer.status_code in {401, 403, 404, 409, 413, 422}
        excerpt = answer.text[:ANSWER_EXCERPT_CHARACTERS_MAX]
        raise DependencyError(
            f"{url}{path} answered {answer.status_code}: {excerpt}", is_retryable=not refused
        )

    def _token(self) -> str:
        try:
            return self._token_file.read_text().strip()
        except OSError as error:
            raise DependencyError(
                f"the node's token cannot be read from {self._token_file}: {error.strerror}",
                is_retryable=True,
            ) from error


def _parse(kind: type[T], answer: httpx2.Response) -> T:
    try:
        return from_json(kind, answer.content)
    except Problem as problem:
        raise DependencyError(
            f"the control plane's answer is not understood: {problem.detail}", is_retryable=True
        ) from problem
