"""Is a server asked about a token as rarely as can be, and believed for as long as it holds?"""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headgate.access.keys import new_key
from headgate.core.problems import DependencyError
from headgate.model.introspection import (
    ASK_HEADER,
    FOUND_HEADER,
    JWT_HEADER,
    IntrospectionServer,
)
from headgate.node.introspector.desk import ASKED_AT_ONCE_MAX, BAD_SECONDS_MAX, WAITING_MAX, Desk

START = datetime(2026, 11, 27, tzinfo=UTC)
SERVER = IntrospectionServer(
    id="s1",
    issuer="https://login.example.com",
    endpoint="https://login.example.com/introspect",
    client_id="gateway",
    client_secret="secret",  # of nobody
    is_secret_in_body=False,
    audiences=(),
    required_claims={},
    client_claims=("client_id",),
    scope_claims=("scope",),
    role_claims=(),
    claim_headers={},
    cache_seconds=30,
    cache_entries_max=3,
    timeout_seconds=1.0,
    allow_private=False,
    keep_token=False,
)


@dataclass
class Moving:
    """A clock that the test moves."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class World:
    """A desk, and the server that it asks: `says` by token, `gate` holds its answers back."""

    says: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    clock: Moving = field(default_factory=Moving)
    asked: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    is_down: bool = False

    def __post_init__(self) -> None:
        self.gate.set()
        self.desk = Desk(self._ask, self.clock)
        self.desk.keep([SERVER])

    async def _ask(self, server: IntrospectionServer, token: str) -> Mapping[str, Any]:
        self.asked.append(token)
        await self.gate.wait()
        if self.is_down:
            raise DependencyError("it is down", is_retryable=True)
        return self.says.get(token, {"active": False})

    async def answer(self, token: str, **headers: str) -> str:
        """The word that the access filter gets about a token."""
        sent = {"authorization": f"Bearer {token}", ASK_HEADER: SERVER.id}
        found = self.desk.question(sent | headers)
        raw = found if isinstance(found, bytes) else await found
        lines = raw.decode().split("\r\n")
        return next(line.split(": ")[1] for line in lines if line.startswith(FOUND_HEADER))


def good(**claims: Any) -> dict[str, Any]:
    return {"active": True, "client_id": "robot"} | claims


def run(story: Any) -> None:
    asyncio.run(story)


def test_concurrent_calls_with_one_token_ask_once() -> None:
    async def story() -> None:
        world = World({"t": good()})
        world.gate.clear()
        calls = [asyncio.ensure_future(world.answer("t")) for _ in range(50)]
        while not world.asked:
            await asyncio.sleep(0)
        world.gate.set()
        assert await asyncio.gather(*calls) == ["yes"] * 50
        assert world.asked == ["t"]

    run(story())


def test_a_caller_that_goes_away_takes_the_answer_from_nobody_else() -> None:
    async def story() -> None:
        world = World({"t": good()})
        world.gate.clear()
        found = world.desk.question({"authorization": "Bearer t", ASK_HEADER: SERVER.id})
        assert isinstance(found, asyncio.Future)
        leaving = asyncio.ensure_future(asyncio.wait_for(asyncio.shield(found), 10))
        staying = asyncio.ensure_future(world.answer("t"))
        await asyncio.sleep(0)
        leaving.cancel()
        world.gate.set()
        assert await staying == "yes"

    run(story())


def test_a_good_token_is_believed_for_the_cache_seconds_and_no_longer() -> None:
    async def story() -> None:
        world = World({"t": good()})
        for at, asked in ((0, 1), (29, 1), (31, 2)):
            world.clock.seconds = at
            assert await world.answer("t") == "yes"
            assert len(world.asked) == asked
        world.says = {}
        world.clock.seconds = 62
        assert await world.answer("t") == "no"

    run(story())


def test_a_token_is_not_believed_beyond_its_own_end() -> None:
    async def story() -> None:
        world = World({"t": good(exp=int(START.timestamp()) + 10)})
        assert await world.answer("t") == "yes"
        world.clock.seconds = 10
        assert await world.answer("t") == "no"
        assert len(world.asked) == 2

    run(story())


def test_a_refusal_is_remembered_for_a_moment_only() -> None:
    async def story() -> None:
        world = World()
        assert [await world.answer("t") for _ in range(3)] == ["no"] * 3
        assert len(world.asked) == 1
        world.says = {"t": good()}
        world.clock.seconds = BAD_SECONDS_MAX
        assert await world.answer("t") == "yes"

    run(story())


def test_a_silent_server_is_said_and_not_remembered() -> None:
    async def story() -> None:
        world = World({"t": good()}, is_down=True)
        assert await world.answer("t") == "unavailable"
        assert world.desk.readings()[0].error == "it is down"
        world.is_down = False
        assert await world.answer("t") == "yes"
        assert world.desk.readings()[0].error == ""
        assert world.desk.readings()[0].failed == 1

    run(story())


def test_a_server_that_never_answers_holds_nobody_longer_than_its_time() -> None:
    async def story() -> None:
        world = World({"t": good()})
        world.desk.keep([replace(SERVER, id="s2", timeout_seconds=0.01)])
        world.gate.clear()
        assert await world.answer("t", **{ASK_HEADER: "s2"}) == "unavailable"
        assert "0.01 seconds" in world.desk.readings()[0].error

    run(story())


def test_what_is_remembered_and_what_waits_is_bounded() -> None:
    async def story() -> None:
        world = World({"good": good()})
        assert await world.answer("good") == "yes"
        for number in range(10):
            assert await world.answer(f"wrong{number}") == "no"
        assert world.desk.readings()[0].forgotten == 7
        assert await world.answer("good") == "yes"
        assert world.asked.count("good") == 1
        world.gate.clear()
        waiting = [asyncio.ensure_future(world.answer(f"w{n}")) for n in range(WAITING_MAX + 1)]
        before = len(world.asked)
        for _ in range(5):
            await asyncio.sleep(0)
        assert len(world.asked) - before == ASKED_AT_ONCE_MAX
        assert waiting[-1].result() == "unavailable"
        assert world.desk.readings()[0].refused == 1
        world.gate.set()
        assert await asyncio.gather(*waiting[:-1]) == ["no"] * WAITING_MAX

    run(story())


@pytest.mark.parametrize(
    ("token", "more"),
    [
        (new_key().text, {}),
        ("a b", {}),
        ("", {}),
        ("x" * 5000, {}),
        ("aaa.bbb.ccc", {JWT_HEADER: "yes"}),
        ("t", {"authorization": "Basic dDp0"}),
    ],
    ids=["our key", "two words", "nothing", "too long", "a JSON Web Token", "Basic"],
)
def test_nobody_is_told_of_what_is_not_theirs(token: str, more: dict[str, str]) -> None:
    async def story() -> None:
        world = World()
        assert await world.answer(token, **more) == "no"
        assert world.asked == []

    run(story())


def test_a_server_that_is_not_known_is_said_to_be_silent() -> None:
    async def story() -> None:
        world = World({"t": good()})
        assert await world.answer("t", **{ASK_HEADER: "-"}) == "unavailable"
        assert world.asked == []

    run(story())


def test_what_is_known_of_a_server_that_stays_outlives_new_settings_of_others() -> None:
    async def story() -> None:
        world = World({"t": good()})
        assert await world.answer("t") == "yes"
        world.desk.keep([SERVER, replace(SERVER, id="s2")])
        assert await world.answer("t") == "yes"
        assert world.asked == ["t"]
        world.desk.keep([replace(SERVER, id="s2")])
        assert await world.answer("t") == "unavailable"

    run(story())


def test_tokens_are_kept_by_their_digest_alone() -> None:
    async def story() -> None:
        world = World({"clear-text": good()})
        assert await world.answer("clear-text") == "yes"
        counter = world.desk._counters[SERVER.id]
        assert list(counter._good._entries) == [hashlib.sha256(b"clear-text").digest()]
        assert "clear-text" not in repr(counter._good._entries)

    run(story())
