"""How is one message posted to a receiver that somebody else has named?

The connection goes to an address that was checked (`catalog.io.connect`); redirections are not
followed, proxies of the environment not used; all together takes at most `POST_SECONDS_MAX`.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import httpcore2

from headgate.alerts.webhooks import ANSWER_BYTES_MAX, ERROR_CHARACTERS_MAX, Attempt
from headgate.catalog.addresses import refusal
from headgate.catalog.io.connect import CheckedBackend, Deadline, Judge, Resolver, resolve
from headgate.core.clock import Clock
from headgate.core.problems import Problem

POST_SECONDS_MAX = 15.0


@dataclass(frozen=True, slots=True)
class Poster:
    """Posts messages; safe for use by several threads."""

    clock: Clock
    ssl_context: ssl.SSLContext
    resolver: Resolver = resolve
    judge: Judge = refusal

    def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool
    ) -> Attempt:
        """What came of it. Raises nothing: every failure of the other side is an attempt."""
        at, started = self.clock.now(), self.clock.monotonic()
        deadline = Deadline(self.clock, POST_SECONDS_MAX)
        judge: Judge = (lambda _: None) if allow_private else self.judge
        backend = CheckedBackend(deadline, self.resolver, judge)
        status, error, answer = None, "", ""
        try:
            status, answer = self._exchange(url, body, headers, backend, deadline)
        except httpcore2.TimeoutException:
            error = f"No complete answer within {POST_SECONDS_MAX:g} seconds."
        except Problem:  # which address it is, an organization is not to learn
            error = "The name leads to an address that is not public."
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError, ValueError) as failure:
            error = str(failure) or type(failure).__name__
        took_ms = round((self.clock.monotonic() - started) * 1000)
        return Attempt(at, status, error[:ERROR_CHARACTERS_MAX], took_ms, answer)

    def _exchange(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        backend: CheckedBackend,
        deadline: Deadline,
    ) -> tuple[int, str]:
        target = httpcore2.URL(url)
        port = f":{target.port}" if target.port is not None else ""
        sent = {
            "Host": target.host.decode() + port,
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "User-Agent": "headgate",
            "Connection": "close",
            **headers,
        }
        with (
            httpcore2.ConnectionPool(ssl_context=self.ssl_context, network_backend=backend) as pool,
            pool.stream("POST", target, headers=list(sent.items()), content=body) as response,
        ):
            found = bytearray()
            for chunk in response.iter_stream():
                found += chunk
                if len(found) >= ANSWER_BYTES_MAX:
                    break
                deadline.left()
            text = found[:ANSWER_BYTES_MAX].decode("utf-8", "replace").replace("\0", "")
            return response.status, text
