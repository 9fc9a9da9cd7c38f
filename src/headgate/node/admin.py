"""What does the running Envoy say? Its admin interface on a Unix socket of the node's folder."""

import os
import ssl
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2
import orjson

from headgate.core.problems import DependencyError

ANSWER_SECONDS_MAX = 30.0  # Envoy's main thread is busy while it reads 20,000 routes
_VERSION = ".version_text"


class EnvoySilent(DependencyError):  # noqa: N818  # what it is, not an accident of ours
    """Envoy does not answer, or does not do what it was asked; it may later."""

    def __init__(self, message: str) -> None:
        super().__init__(message, is_retryable=True)


class EnvoyAdmin:
    """Envoy's admin interface.

    A socket's address has at most 108 bytes and a data folder may be deeper: the socket is
    named relative to an open folder, `/proc/self/fd/<n>/admin-….sock`.

    Every method raises `EnvoySilent` when Envoy does not answer.
    Source: envoyproxy.io, "Administration interface"; unix(7).
    """

    def __init__(self, folder: Path, socket_name: str) -> None:
        self._folder = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        self._client = httpx2.AsyncClient(
            transport=httpx2.AsyncHTTPTransport(
                uds=f"/proc/self/fd/{self._folder}/{socket_name}",
                verify=ssl.SSLContext(
                    ssl.PROTOCOL_TLS_CLIENT
                ),  # unused: spares loading authorities
                limits=httpx2.Limits(max_connections=4, max_keepalive_connections=2),
            ),
            base_url="http://envoy",
            timeout=ANSWER_SECONDS_MAX,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Give the connections back; calling it twice is no mistake."""
        await self._client.aclose()
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1

    async def is_ready(self) -> bool:
        """Whether Envoy has started and serves; false also when nothing answers."""
        try:
            answer = await self._client.get("/ready", timeout=2.0)
        except (httpx2.HTTPError, OSError):
            return False
        return answer.status_code == httpx2.codes.OK

    async def versions(self) -> dict[str, str]:
        """The version that each subscription last accepted, by the subscription's stat prefix.

        For example `{"cluster_manager.cds": "7"}`. Text read-outs are few, so this is cheap
        even with thousands of clusters (2 ms where all statistics take 30).
        """
        text = await self._get("/stats?type=TextReadouts")
        found = {}
        for line in text.splitlines():
            name, _, value = line.partition(": ")
            if name.endswith(_VERSION):
                found[name.removesuffix(_VERSION)] = value.strip('"')
        return found

    async def numbers(self, pattern: str, *, kind: str = "Counters") -> dict[str, int]:
        """Counters or gauges whose name matches the RE2 `pattern`. Costs a walk over all."""
        text = await self._get(f"/stats?type={kind}&filter={pattern}")
        found = {}
        for line in text.splitlines():
            name, _, value = line.partition(": ")
            if value.isdecimal():
                found[name] = int(value)
        return found

    async def warming_clusters(self) -> frozenset[str]:
        """The names of the clusters that Envoy does not use yet: it still looks for their hosts,
        or waits for the first health check. Dear with thousands of clusters; ask the gauge first.
        """
        gauge = await self.numbers(r"^cluster_manager\.warming_clusters$", kind="Gauges")
        if not any(gauge.values()):
            return frozenset()
        text = await self._get("/config_dump?resource=dynamic_warming_clusters&mask=cluster.name")
        return frozenset(one["cluster"]["name"] for one in orjson.loads(text).get("configs", ()))

    async def reopen_logs(self) -> None:
        """Ask for all log files to be opened anew; done a moment after the answer."""
        await self._post("/reopen_logs")

    async def drain(self, *, is_graceful: bool) -> None:
        """Stop listening: at once, or after Envoy's drain time during which it says goodbye."""
        await self._post("/drain_listeners" + ("?graceful" if is_graceful else ""))

    async def requests_active(self) -> int:
        """Requests of callers that are under way."""
        return await self._of_callers("downstream_rq_active")

    async def connections_active(self) -> int:
        """Connections of callers that are open, with a request under way or without."""
        return await self._of_callers("downstream_cx_active")

    async def _of_callers(self, gauge: str) -> int:
        gauges = await self.numbers(rf"^http\..*\.{gauge}$", kind="Gauges")
        return sum(value for name, value in gauges.items() if not name.startswith("http.admin."))

    async def _get(self, path: str) -> str:
        try:
            answer = await self._client.get(path)
            answer.raise_for_status()
        except (httpx2.HTTPError, OSError) as error:
            raise EnvoySilent(f"Envoy's admin: {error!r}") from error
        return answer.text

    async def _post(self, path: str) -> None:
        try:
            answer = await self._client.post(path)
            answer.raise_for_status()
        except (httpx2.HTTPError, OSError) as error:
            raise EnvoySilent(f"Envoy's admin: {error!r}") from error
