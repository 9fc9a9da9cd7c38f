"""How is a server asked about a token? One POST over a kept connection (RFC 7662 §2.1).

Names are resolved once for a connection, and it goes to exactly the address that was checked, so a
name that changes its address in between gains nothing. Fails closed: a host with one address
that is refused is refused. Redirects are not followed; the environment's proxies are not used.
"""

import asyncio
import base64
import socket
import ssl
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpcore2
import orjson

from headgate.catalog.addresses import refusal
from headgate.core.problems import DependencyError
from headgate.model.introspection import IntrospectionServer

ANSWER_BYTES_MAX = 64 * 1024
CONNECTIONS_MAX = 100  # to all servers together
CONNECTIONS_KEPT_MAX = 32
KEPT_SECONDS = 60.0
NO_TOKEN_ERRORS = frozenset({"invalid_request", "unsupported_token_type"})
"""Errors with which servers turn down what is no opaque token of theirs (RFC 7009 §2.2.1)."""
TRIES_MAX = 2  # a kept connection may have been closed at the other side just now


class Asking:
    """Connections to the servers; an asynchronous context. `ask` is the question."""

    def __init__(self) -> None:
        context = ssl.create_default_context()
        self._pools = {
            is_private: httpcore2.AsyncConnectionPool(
                ssl_context=context,
                max_connections=CONNECTIONS_MAX,
                max_keepalive_connections=CONNECTIONS_KEPT_MAX,
                keepalive_expiry=KEPT_SECONDS,
                network_backend=_CheckedBackend(allow_private=is_private),
            )
            for is_private in (False, True)
        }

    async def __aenter__(self) -> "Asking":
        return self

    async def __aexit__(self, *_: object) -> None:
        for pool in self._pools.values():
            await pool.aclose()

    async def ask(self, server: IntrospectionServer, token: str) -> Mapping[str, Any]:
        """What the server says of a token. The caller limits the time.

        Raises:
            DependencyError: it cannot be reached, is not to be reached, or says nothing of use.
        """
        pool = self._pools[server.allow_private]
        for left in reversed(range(TRIES_MAX)):
            try:
                return await _posted(pool, server, token)
            except (httpcore2.ConnectError, httpcore2.UnsupportedProtocol) as error:
                raise DependencyError(
                    f"it cannot be reached: {error}", is_retryable=True
                ) from error
            except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
                if not left:
                    what = str(error) or type(error).__name__
                    raise DependencyError(f"it broke off: {what}", is_retryable=True) from error
        raise AssertionError("unreachable")


async def _posted(
    pool: httpcore2.AsyncConnectionPool, server: IntrospectionServer, token: str
) -> Mapping[str, Any]:
    form = {"token": token, "token_type_hint": "access_token"}
    headers = [
        ("Accept", "application/json"),
        ("Accept-Encoding", "identity"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("User-Agent", "headgate"),
    ]
    if server.is_secret_in_body:
        form |= {"client_id": server.client_id, "client_secret": server.client_secret}
    else:
        pair = f"{quote_plus(server.client_id)}:{quote_plus(server.client_secret)}"
        headers.append(("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"))
    body = urlencode(form).encode()
    async with pool.stream("POST", server.endpoint, headers=headers, content=body) as answer:
        read = bytearray()
        async for chunk in answer.aiter_stream():
            read += chunk
            if len(read) > ANSWER_BYTES_MAX:
                raise DependencyError("its answer is too large", is_retryable=False)
    if answer.status not in {200, 400}:
        raise DependencyError(f"it answered with status {answer.status}", is_retryable=False)
    try:
        said = orjson.loads(read)
    except orjson.JSONDecodeError as error:
        raise DependencyError("its answer is not JSON", is_retryable=False) from error
    if answer.status == 400:
        word = said.get("error") if isinstance(said, dict) else None
        if word in NO_TOKEN_ERRORS:
            return {"active": False}
        raise DependencyError("it answered with status 400", is_retryable=False)
    if not isinstance(said, dict) or not isinstance(said.get("active"), bool):
        raise DependencyError("its answer has no member `active`", is_retryable=False)
    return said


class _CheckedBackend(httpcore2.AnyIOBackend):
    """Connects to addresses that were checked."""

    def __init__(self, *, allow_private: bool) -> None:
        super().__init__()
        self._allow_private = allow_private

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the interface is the library's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"the name {host} does not resolve") from error
        addresses = list(dict.fromkeys(str(item[4][0]) for item in found))
        for address in addresses:
            reason = None if self._allow_private else refusal(address)
            if reason is not None:
                raise httpcore2.ConnectError(
                    f"{host} is at {address}, {reason}; the policy's `allow_private` would allow it"
                )
        failure: httpcore2.ConnectError | None = None
        for address in addresses:
            try:
                return await super().connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except httpcore2.ConnectError as error:
                failure = error
        raise failure or httpcore2.ConnectError(f"{host} has no address")
