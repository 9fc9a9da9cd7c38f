"""How do gateway nodes get what they run, and say how they are? /node/v1, in plain ASGI.

Long polls wait in the event loop and hold no thread; a change wakes them at once. A token lets
in one node: whoever uses it under another name is refused, and a revocation ends what waits.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from headgate.core.problems import Bug, Detail, Problem, ProblemType
from headgate.model.codec import as_json, from_json
from headgate.model.leases import LeaseRequest
from headgate.model.node import NODE_FIELD, NodeReport
from headgate.model.trial import TrialResult
from headgate.store import events
from headgate.store.events import Topic
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.consumers import tokens
from headgate.store.services.gateway import access_feed, contracts, nodes, publishing, quota_leases
from headgate.store.services.gateway.gateways import DEFAULT_GATEWAY
from headgate.web.answers import send_answer, send_problem
from headgate.web.exchange import Exchange, Receive, Send, exchange_of
from headgate.web.exchange import Scope as ASGIScope
from headgate.web.segments import ClientGoneError, content_digest, segment_name
from headgate.web.segments import take_in as take_in_segment
from headgate.web.threads import in_thread
from headgate.web.trial_desk import desk

WAIT_SECONDS_MAX = 25  # below the 30 s after which many proxies give up
NUMBER_MAX = 2**63 - 1
GENERATION_CHARACTERS_MAX = 64
PREFIX = "/node/v1/"
SEGMENTS = "segments/"
CONTRACTS = "contracts/"
NAME_FIELD = NODE_FIELD.lower().encode("ascii")

closing = asyncio.Event()
"""Set when the process is about to end: whoever waits is answered at once."""

Look = Callable[[], bytes | None]


class NodeAPI:
    """The application under /node/v1."""

    def __init__(self, *, inbox: Path) -> None:
        self._inbox = inbox
        self._routes: dict[str, tuple[str, Callable[..., Awaitable[None]]]] = {
            "snapshot": ("GET", self._snapshot),
            "access": ("GET", self._access),
            "report": ("POST", self._report),
            "leases": ("POST", self._leases),
            "trial": ("GET", self._trial),
            "trial-result": ("POST", self._trial_result),
        }

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        place = scope["path"].removeprefix(PREFIX)
        method, answer = self._routes.get(place, ("", None))
        if place.startswith(SEGMENTS):
            method, answer = "PUT", self._segment
        if place.startswith(CONTRACTS):
            method, answer = "GET", self._contract
        _check_node(scope, _actor(exchange))
        if answer is None or scope["path"] == place:
            raise not_found("URL", scope["path"])
        if scope["method"] != method:
            problem = Problem(
                ProblemType.METHOD_NOT_ALLOWED,
                f"{scope['method']} is not defined here.",
                f"Use {method}.",
            )
            await send_problem(send, problem, exchange.request_id, {"allow": method})
            return
        with contextlib.suppress(ClientGoneError):
            await answer(scope, receive, send, exchange)

    async def _snapshot(
        self, scope: ASGIScope, receive: Receive, send: Send, exchange: Exchange
    ) -> None:
        """200 with what leads from revision `after` to the live one, 204 when there is none."""
        query = _query(scope, "after", "wait", "gateway")
        actor = _actor(exchange)
        if query.get("gateway", actor.gateway) != actor.gateway:
            raise not_found("gateway", query["gateway"])
        after = _number(query, "after")

        def look() -> bytes | None:
            tokens.check_still_valid(actor)
            delta = publishing.snapshot_delta(actor, after=after)
            return None if delta is None else as_json(delta)

        await _long_poll(look, Topic.SNAPSHOT, _wait(query), receive, send)

    async def _access(
        self, scope: ASGIScope, receive: Receive, send: Send, exchange: Exchange
    ) -> None:
        """200 with the access rows that changed after `after`, 204 when there are none."""
        query = _query(scope, "generation", "after", "wait")
        actor = _actor(exchange)
        after = _number(query, "after")
        generation = query.get("generation", "")[:GENERATION_CHARACTERS_MAX]

        def look() -> bytes | None:
            tokens.check_still_valid(actor)
            delta = access_feed.delta(actor, generation=generation, after=after)
            return None if delta is None else as_json(delta)

        await _long_poll(look, Topic.ACCESS, _wait(query), receive, send)

    async def _contract(
        self, scope: ASGIScope, receive: Receive, send: Send, exchange: Exchange
    ) -> None:
        """200 with what the calls of an API are checked against. It never changes."""
        del receive
        _query(scope)
        name = scope["path"].removeprefix(PREFIX + CONTRACTS)
        await send_answer(send, 200, await in_thread(contracts.body, _actor(exchange), name))

    async def _report(
        self, scope: ASGIScope, receive: Receive, send: Send, exchange: Exchange
    ) -> None:
        """204 when the report has been kept."""
        _query(scope)
        body = await _body(receive)
        await in_thread(_keep_report, _actor(exchange), body)
        await send_answer(send, 204)

    async def _leases(
        self, scope: ASGIScope, receive: Receive, send: Send, exchange: Exchange
    ) -> None:
        """200 with parts of shared quotas; 204 when a node that asks for nothing has all."""
        query = _query(scope, "wait")
        actor = _actor(exchange)
        request = from_json(LeaseRequest, await _body(receive))
        is_asking = bool(request.wants or request.held)

        def look() -> bytes | None:
            tokens.check_still_valid(actor)
            speak = quota_leases.exchange if is_asking else quota_leases.news
            answer = speak(actor, request)
            return None if answer is None else as_json(answer)

        await _long_poll(look, Topic.LEASE, 0 if is_asking else _wait(query), receive, send)

    async def _trial(
        self, scope: ASGIScope, receive: Receive, send: Send, exchange: Exchange
    ) -> None:
        """200 with a request to try, 204 when there is none."""
        query = _query(scope, "wait")
        actor = _actor(exchange)
        await _answer_first(_next_trial(actor, _wait(query)), receive, send)

    async def _trial_result(
        self, scope: ASGIScope, receive: Receive, send: Send, exchange: Exchange
    ) -> None:
        """204; also when nobody waits for it any more."""
        _query(scope)
        found = from_json(TrialResult, await _body(receive))
        desk.answer(_actor(exchange).gateway or DEFAULT_GATEWAY, found)
        await send_answer(send, 204)

    async def _segment(
        self, scope: ASGIScope, receive: Receive, send: Send, exchange: Exchange
    ) -> None:
        """201 when the segment is new, 200 when it was here already."""
        _query(scope)
        name = segment_name(scope["path"].removeprefix(PREFIX + SEGMENTS))
        headers = {key: value.decode("latin-1") for key, value in scope["headers"]}
        digest = content_digest(headers.get(b"content-digest"))
        nodes.check_speaker(_actor(exchange), name.node)
        is_new = await take_in_segment(name, digest, receive, self._inbox, exchange.request_id)
        await send_answer(send, 201 if is_new else 200)


def _actor(exchange: Exchange) -> Actor:
    if exchange.actor is None:
        raise Bug("the nodes' API was reached without authentication")
    return exchange.actor


def _check_node(scope: ASGIScope, actor: Actor) -> None:
    """Let a token in only under its own node's name, where the caller says one.

    Reports and segments name their node by themselves, and are held to it as well.
    """
    actor.require(Scope.NODE)
    for field, value in scope["headers"]:
        if field == NAME_FIELD:
            nodes.check_speaker(actor, value.decode("latin-1"))


def _keep_report(actor: Actor, body: bytes) -> None:
    nodes.report(actor, from_json(NodeReport, body))


async def _long_poll(
    look: Look, topic: Topic, wait_seconds: int, receive: Receive, send: Send
) -> None:
    """Answer what `look` finds within the wait."""
    topics = frozenset({topic, Topic.TOKEN})
    await _answer_first(
        events.wait_for(look, topics=topics, wait_seconds=wait_seconds, run=partial(in_thread)),
        receive,
        send,
    )


async def _answer_first(
    way: Coroutine[Any, Any, bytes | None], receive: Receive, send: Send
) -> None:
    """Answer what `way` comes to; 204 when that is nothing, or when the node goes or we close."""
    found = await _first(way, _none_after(closing.wait()), _none_after(_gone(receive)))
    if found is None:
        await send_answer(send, 204)
    else:
        await send_answer(send, 200, found)


async def _next_trial(actor: Actor, wait_seconds: int) -> bytes | None:
    gateway = actor.gateway or DEFAULT_GATEWAY
    found = await desk.next(gateway, wait_seconds=wait_seconds)
    if found is None:
        return None
    await in_thread(tokens.check_still_valid, actor)  # it may carry a caller's credential
    return as_json(found)


async def _first(*ways: Coroutine[Any, Any, bytes | None]) -> bytes | None:
    """The result of whichever ends first; the others are cancelled."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return tasks[0].result() if tasks[0].done() else None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _none_after(waiting: Awaitable[object]) -> None:
    await waiting


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _query(scope: ASGIScope, *known: str) -> dict[str, str]:
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    unknown = sorted(query.keys() - set(known))
    if unknown:
        raise _invalid(unknown[0], "this URL does not know it")
    return query


def _wait(query: dict[str, str]) -> int:
    return min(_number(query, "wait"), WAIT_SECONDS_MAX)


def _number(query: dict[str, str], name: str) -> int:
    """A query parameter as a number, 0 when it is left out."""
    text = query.get(name, "0")
    if not (text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) <= NUMBER_MAX):
        raise _invalid(name, f"it is a whole number from 0 to {NUMBER_MAX}")
    return int(text)


def _invalid(name: str, why: str) -> Problem:
    message = f"query parameter {name!r}: {why}"
    return Problem(
        ProblemType.INVALID_INPUT, f"{message}.", "Correct it and send it again.", [Detail(message)]
    )
