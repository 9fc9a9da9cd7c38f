"""Is an open API limited for each address, are addresses believed from nobody but our proxies, and
has a caller with a plan that plan?"""

import http.client
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from headgate.access.keys import Secret, new_key
from headgate.gateway.compile import check, published_rows
from headgate.gateway.filter.build import build
from headgate.gateway.table import AccessTable
from headgate.model.access import AccessDelta, APIRow
from headgate.model.limits import LimitKind, parse_limit
from headgate.model.snapshot import PolicyUse, Snapshot, SnapshotAPI
from tests.support.filter_gateway import application, credential, plan, subscription
from tests.support.peer import Peer
from tests.support.proxy import Answer, Proxy, api, proxy

pytestmark = pytest.mark.integration
PROXY, STRANGER = "127.0.0.1", "127.0.0.2"
PLAN = parse_limit(LimitKind.QUOTA, "100/day")


@dataclass(frozen=True)
class World:
    """API 1 is open, API 2 is not. `planned` has a subscription to both, `lonely` has none."""

    gateway: Proxy
    table: AccessTable
    port: int
    planned: Secret
    lonely: Secret

    def serve(self, *uses: PolicyUse, of_operation: tuple[PolicyUse, ...] = ()) -> None:
        lines = ("GET /echo", "GET /json")
        own = {"GET /json": of_operation}
        apis = tuple(
            _small(
                api(
                    *lines,
                    row=row,
                    base_path=base,
                    port=self.port,
                    policies=uses,
                    of_operation=own,
                )
            )
            for row, base in ((1, "/open"), (2, "/shut"))
        )
        self.table.publish(published_rows(Snapshot(1, "default", apis)))
        self.gateway.publish(*apis)

    def call(
        self,
        said: str = "",
        *,
        path: str = "/open/echo",
        key: Secret | str | None = None,
        source: str = PROXY,
    ) -> Answer:
        """A call from `source`, which says that it is for the address `said`."""
        headers = {"x-forwarded-for": said} if said else {}
        if key is not None:
            headers["x-api-key"] = key if isinstance(key, str) else key.text
        place = (source, 0)
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.gateway.port, timeout=20, source_address=place
        )
        with closing(connection):
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())

    def statuses(self, *said: str, source: str = PROXY) -> list[int]:
        return [self.call(one, source=source).status for one in said]


@pytest.fixture
def world(tmp_path: Path, upstream: Peer) -> Iterator[World]:
    build()
    with proxy(tmp_path, has_filter=True, trusted_proxies=(f"{PROXY}/32",)) as gateway:
        table = AccessTable.open(gateway.node.table_path, generation="g")
        planned, lonely = new_key(), new_key()
        table.apply(
            AccessDelta(
                "g",
                0,
                1,
                is_complete=True,
                apis=(APIRow(1, 1, (1,), is_open=True), APIRow(2, 1, (1,))),
                applications=(application(), application(2)),
                plans=(plan(PLAN),),
                subscriptions=(subscription(),),
                credentials=(credential(planned), credential(lonely, 2, application=2)),
            )
        )
        try:
            yield World(gateway, table, upstream.port, planned, lonely)
        finally:
            table.close()


def anonymous(**settings: object) -> PolicyUse:
    return PolicyUse("anonymous", settings)


def _small(one: SnapshotAPI) -> SnapshotAPI:
    """With rows that a table of a test holds."""
    operations = tuple(
        replace(operation, row=one.row * 10 + number)
        for number, operation in enumerate(one.operations)
    )
    return replace(one, operations=operations)


def test_each_address_has_the_quota_for_itself_and_reads_what_is_left(world: World) -> None:
    world.serve(anonymous(quotas=["2/month"]))
    first = world.call("198.51.100.7")
    assert first.headers["ratelimit-policy"].startswith('"api-quota";q=2;w=')
    assert first.headers["ratelimit"].startswith('"api-quota";r=1;t=')
    assert world.statuses("198.51.100.7", "198.51.100.7") == [200, 429]
    assert world.statuses("198.51.100.8", "198.51.100.8", "198.51.100.8") == [200, 200, 429]
    refused = world.call("198.51.100.7")
    assert refused.json["type"] == "urn:headgate:problem:quota-exceeded"
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["ratelimit"].startswith('"api-quota";r=0;t=')


def test_a_rate_for_each_address_lets_its_burst_pass(world: World) -> None:
    world.serve(anonymous(rates=["1/hour+3"]))
    assert world.statuses(*["198.51.100.7"] * 4) == [200, 200, 200, 429]
    assert world.statuses("198.51.100.8") == [200]


def test_addresses_of_one_ipv6_network_of_64_bits_count_together(world: World) -> None:
    world.serve(anonymous(quotas=["2/month"]))
    one, same, other = "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1"
    assert world.statuses(one, same, one) == [200, 200, 429]
    assert world.statuses(other) == [200]


def test_who_is_no_proxy_of_ours_cannot_call_under_other_addresses(world: World) -> None:
    world.serve(anonymous(quotas=["2/month"]))
    said = ("198.51.100.1", "198.51.100.2", "198.51.100.3")
    assert world.statuses(*said, source=STRANGER) == [200, 200, 429]
    assert world.statuses(*said) == [200, 200, 200]
    answer = world.call("198.51.100.1", source=STRANGER)
    assert world.gateway.line(answer.headers["x-request-id"])["client_ip"] == STRANGER
    answer = world.call("198.51.100.1")
    assert world.gateway.line(answer.headers["x-request-id"])["client_ip"] == "198.51.100.1"


def test_behind_a_proxy_only_the_address_that_it_wrote_counts(world: World) -> None:
    world.serve(anonymous(quotas=["2/month"]))
    lies = ("203.0.113.1, 198.51.100.7", "203.0.113.2, 198.51.100.7", "203.0.113.3, 198.51.100.7")
    assert world.statuses(*lies) == [200, 200, 429]


def test_who_has_a_plan_gets_that_and_not_what_strangers_have(world: World) -> None:
    world.serve(anonymous(quotas=["1/month"]))
    assert world.statuses("198.51.100.7", "198.51.100.7") == [200, 429]
    for left in (99, 98, 97):
        answer = world.call("198.51.100.7", key=world.planned)
        assert answer.status == 200
        assert answer.headers["ratelimit"].startswith(f'"quota";r={left};t=')
        assert "api-quota" not in answer.headers["ratelimit-policy"]


def test_a_key_without_a_subscription_counts_by_its_address(world: World) -> None:
    world.serve(anonymous(quotas=["2/month"]))
    answers = [world.call("198.51.100.7", key=world.lonely) for _ in range(3)]
    assert [one.status for one in answers] == [200, 200, 429]
    assert world.statuses("198.51.100.7") == [429]


def test_a_wrong_key_is_no_way_to_be_a_stranger_and_uses_up_nothing(world: World) -> None:
    world.serve(anonymous(quotas=["1/month"]))
    assert world.call("198.51.100.7", key="hg_wrong").status == 401
    assert world.statuses("198.51.100.7", "198.51.100.7") == [200, 429]


def test_what_is_not_open_stays_shut(world: World) -> None:
    world.serve(anonymous(quotas=["5/month"]))
    assert world.call("198.51.100.7", path="/shut/echo").status == 401
    assert world.call("198.51.100.7", path="/shut/echo", key=world.lonely).status == 403
    assert world.call("198.51.100.7", path="/shut/echo", key=world.planned).status == 200


def test_an_operations_limits_stand_beside_the_apis_and_everyones(world: World) -> None:
    everyone = PolicyUse("rate_limit", {"quotas": ["4/month"]})
    world.serve(
        anonymous(quotas=["3/month"]), everyone, of_operation=(anonymous(quotas=["1/month"]),)
    )
    path = "/open/json"
    assert [world.call("198.51.100.7", path=path).status for _ in range(2)] == [200, 429]
    assert world.statuses(*["198.51.100.7"] * 3) == [200, 200, 429]
    assert world.call(path=path, key=world.planned).status == 200
    assert world.call(path=path, key=world.planned).status == 429  # everyone's four


def test_more_limits_at_one_place_than_it_holds_are_refused() -> None:
    uses = [
        anonymous(rates=["1/second", "9/minute"], quotas=["20/day"]),
        PolicyUse("rate_limit", {"rates": ["5/second"], "quotas": ["50/day"]}),
    ]
    [found] = check(Snapshot(1, "default", (api("GET /echo", policies=uses),)))
    assert "5 limits; at most 4 together" in found.message
    assert check(Snapshot(1, "default", (api("GET /echo", policies=uses[:1]),))) == []
