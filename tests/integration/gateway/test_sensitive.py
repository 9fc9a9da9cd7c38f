"""Does the gateway let nobody near sensitive data without a grant that is in force?"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

import pytest

from headgate.gateway.sensitive import ASK_SOMEWHERE
from headgate.model.access import RowState
from headgate.model.logline import words
from headgate.model.scopes import ScopeNeeds
from headgate.model.sensitive import SensitiveMark
from headgate.model.snapshot import PolicyUse
from tests.support.callers import USER, Callers, basic, callers, issuer, token
from tests.support.peer import Peer
from tests.support.proxy import Answer
from tests.support.tree import eventually

pytestmark = pytest.mark.integration
ASK = "https://apis.example.com/apis/pets/access"
APIS = ("api1", "api2")  # the closed one and the open one
_numbers = count(1)


@dataclass
class World:
    """Callers, an upstream, and the mark of this test: nobody was granted it before."""

    callers: Callers
    upstream: Peer
    mark: int

    def publish(
        self, *policies: PolicyUse, needs: ScopeNeeds | None = None, ask_at: str = ASK
    ) -> None:
        marks = tuple(SensitiveMark(self.mark, name, ask_at=ask_at) for name in APIS)
        kinds = (issuer(), PolicyUse("basic", {}))
        self.callers.publish(self.upstream, *kinds, *policies, needs=needs, marks=marks)

    def give(self, seconds: float, state: RowState = RowState.ACTIVE, row: int = 0) -> datetime:
        """A grant for the mark; when it ends."""
        return self.callers.grant(self.mark, row=row or 2 * self.mark, seconds=seconds, state=state)

    def call(self, path: str = "/shop/echo") -> Answer:
        return self.callers.call(path, X_API_Key=self.callers.key.text)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callers]:
    with callers(tmp_path_factory.mktemp("sensitive")) as found:
        yield found


@pytest.fixture
def world(made: Callers, upstream: Peer) -> World:
    return World(made, upstream, next(_numbers))


def test_every_credential_of_an_application_needs_the_grant_and_has_it(world: World) -> None:
    world.publish()
    presented = {
        "key": {"X_API_Key": world.callers.key.text},
        "token": {"Authorization": f"Bearer {token()}"},
        "password": {"Authorization": basic(USER, world.callers.password.text)},
    }
    for kind, headers in presented.items():
        answer = world.callers.call(**headers)
        assert answer.status == 403, kind
        assert answer.json["type"] == "urn:headgate:problem:access-not-granted"
        assert answer.json["next_step"] == f"Ask for access at {ASK}."
        line = world.callers.gateway.line(answer.headers["x-request-id"])
        assert words(line["access"])[0] == "access_not_granted"
    world.give(3600)
    for kind, headers in presented.items():
        assert world.callers.call(**headers).status == 200, kind


def test_a_grant_ends_on_time_while_nobody_writes_to_the_table(world: World) -> None:
    world.publish()
    ends = world.give(3)
    sequence = world.callers.table.sequence
    assert world.call().status == 200
    eventually(lambda: world.call().status == 403, 60)
    assert datetime.now(UTC) >= ends
    assert world.callers.table.sequence == sequence


def test_a_revoked_grant_stops_the_next_call_and_a_new_one_opens_again(world: World) -> None:
    world.publish()
    world.give(3600)
    assert world.call().status == 200
    world.give(3600, RowState.REVOKED)
    assert world.call().status == 403
    world.give(3600, row=2 * world.mark + 1)
    assert world.call().status == 200


def test_what_is_wrong_with_the_caller_is_said_first(world: World) -> None:
    world.publish(needs=ScopeNeeds(("write",)))
    said = {
        "no-credential": world.callers.call(),
        "unknown-credential": world.callers.call(X_API_Key="hg_" + "0" * 38),
        "insufficient-scope": world.callers.call(X_API_Key=world.callers.reader_key.text),
        "access-not-granted": world.call(),
    }
    assert {name: answer.json["type"].rpartition(":")[2] for name, answer in said.items()} == {
        name: name for name in said
    }


def test_an_open_api_keeps_its_sensitive_operation_for_those_who_were_granted_it(
    world: World,
) -> None:
    world.publish()
    assert world.callers.call("/open/echo").status == 401
    assert world.call("/open/echo").status == 403
    world.give(3600)
    assert world.call("/open/echo").status == 200
    world.callers.publish(world.upstream)
    assert world.callers.call("/open/echo").status == 200


def test_a_token_whose_client_is_unknown_has_no_grant_where_it_may_come_in(world: World) -> None:
    lenient = issuer(unknown_clients=True)
    stranger = {"Authorization": f"Bearer {token(client_id='stranger')}"}
    world.callers.publish(world.upstream, lenient)
    assert world.callers.call("/open/echo", **stranger).status == 200
    marks = tuple(SensitiveMark(world.mark, name) for name in APIS)
    world.callers.publish(world.upstream, lenient, marks=marks)
    world.give(3600)
    assert world.callers.call("/open/echo", **stranger).status == 403


def test_without_a_mark_nothing_is_asked_and_a_grant_opens_no_other_mark(world: World) -> None:
    world.callers.publish(world.upstream)
    assert world.call().status == 200
    world.give(3600)
    world.mark = next(_numbers)
    world.publish(ask_at="")
    answer = world.call()
    assert answer.status == 403
    assert answer.json["next_step"] == f"Ask for access {ASK_SOMEWHERE}."


def test_a_refused_call_uses_up_nothing_and_reaches_no_upstream(world: World) -> None:
    world.publish(PolicyUse("rate_limit", {"quotas": ["2/month"], "per": "application"}))
    seen = sum(world.upstream.seen.values())
    for _ in range(5):
        assert world.call().status == 403
    assert sum(world.upstream.seen.values()) == seen
    world.give(3600)
    assert [world.call().status for _ in range(3)] == [200, 200, 429]
