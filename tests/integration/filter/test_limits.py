"""Are limits exact, told to the caller, and never charged for a refused call?"""

import re
import threading
from array import array
from collections import Counter
from collections.abc import Callable

import pytest

from headgate.access.keys import new_key
from headgate.gateway import table_layout as layout
from headgate.model.access import LimitSubject, ScopedLimit
from headgate.model.limits import LimitKind, parse_limit
from headgate.model.node import CounterKind
from tests.support.filter_gateway import (
    Gateway,
    application,
    credential,
    fill,
    plan,
    subscription,
)

pytestmark = pytest.mark.integration
CLIENTS = 200


def rate(text: str) -> object:
    return parse_limit(LimitKind.RATE, text)


def quota(text: str) -> object:
    return parse_limit(LimitKind.QUOTA, text)


@pytest.mark.parametrize("workers", [1, 2])
def test_two_hundred_clients_get_a_quota_of_a_thousand_exactly(
    start_gateway: Callable[[int], Gateway], workers: int
) -> None:
    gateway = start_gateway(workers)
    key = fill(gateway, quota("1000/month")).text
    seen: Counter[int] = Counter()

    def client() -> None:
        mine = Counter(gateway.call("/direct/x", key=key).status for _ in range(7))
        with lock:
            seen.update(mine)

    lock = threading.Lock()
    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {200: 1000, 429: CLIENTS * 7 - 1000}
    counted = {r.kind: (r.allowed, r.rejected) for r in gateway.table.counters()}
    assert counted[CounterKind.APPLICATION] == (1000, 400)
    assert counted[CounterKind.OPERATION] == (1000, 400)


def test_a_rate_lets_its_burst_pass_and_says_when_to_come_back(gateway: Gateway) -> None:
    key = fill(gateway, rate("3/hour+5")).text
    answers = [gateway.call(key=key) for _ in range(7)]
    assert [answer.status for answer in answers] == [200] * 5 + [429] * 2
    assert answers[0].headers["ratelimit-policy"] == '"rate";q=3;w=3600'
    assert answers[0].headers["ratelimit"] == '"rate";r=4;t=1200'
    assert answers[6].headers["ratelimit"] == '"rate";r=0;t=6000'
    assert answers[6].headers["retry-after"] == "1200"
    assert answers[6].json["type"] == "urn:headgate:problem:rate-limited"


def test_the_answer_names_every_limit(gateway: Gateway) -> None:
    key = fill(
        gateway,
        rate("100/second"),
        None,
        quota("1000/day"),
        quota("5000/month"),
        api_limits=(ScopedLimit(rate("10/minute"), LimitSubject.EVERYONE),),
    ).text
    headers = gateway.call(key=key).headers
    names = re.findall(r'"([a-z0-9-]+)";q=(\d+);w=(\d+)', headers["ratelimit-policy"])
    assert names[:2] == [("rate", "100", "1"), ("api-rate", "10", "60")]
    assert names[2] == ("quota", "1000", "86400")
    assert names[3][:2] == ("quota-2", "5000")
    remaining = re.findall(r'"([a-z0-9-]+)";r=(\d+);t=\d+', headers["ratelimit"])
    assert remaining[1:] == [("api-rate", "9"), ("quota", "999"), ("quota-2", "4999")]


def test_a_call_without_limits_has_no_fields(gateway: Gateway) -> None:
    key = fill(gateway).text
    assert "ratelimit" not in gateway.call(key=key).headers


def test_a_call_that_a_later_limit_refuses_uses_up_nothing(gateway: Gateway) -> None:
    key = fill(
        gateway,
        rate("50/hour"),
        quota("20/month"),
        operation_limits=(ScopedLimit(quota("2/month"), LimitSubject.EVERYONE),),
    ).text
    for _ in range(10):
        last = gateway.call("/api/x", key=key)
    assert (last.status, last.json["type"]) == (429, "urn:headgate:problem:quota-exceeded")
    headers = gateway.call("/two/x", key=key).headers
    assert re.findall(r"r=(\d+)", headers["ratelimit"]) == ["47", "17"]


def test_a_call_refused_for_another_reason_uses_up_nothing(gateway: Gateway) -> None:
    key = fill(gateway, quota("2/month")).text
    assert [gateway.call(key="hg_wrong").status for _ in range(5)] == [401] * 5
    assert [gateway.call(key=key).status for _ in range(3)] == [200, 200, 429]


def test_an_edited_limit_holds_at_once_and_keeps_its_count(gateway: Gateway) -> None:
    key = fill(gateway, quota("2/month")).text
    assert [gateway.call(key=key).status for _ in range(3)] == [200, 200, 429]
    gateway.apply(plans=[plan(quota("3/month"))])
    assert [gateway.call(key=key).status for _ in range(2)] == [200, 429]


def test_limits_per_address_count_strangers_and_per_application_count_callers(
    gateway: Gateway,
) -> None:
    limits = (
        ScopedLimit(quota("3/month"), LimitSubject.ADDRESS),
        ScopedLimit(quota("5/month"), LimitSubject.APPLICATION),
    )
    fill(gateway, api_limits=limits)
    assert [gateway.call("/open/x").status for _ in range(4)] == [200] * 3 + [429]


def test_a_limit_per_application_counts_each_of_them_apart(gateway: Gateway) -> None:
    limit = ScopedLimit(quota("2/month"), LimitSubject.APPLICATION)
    one = fill(gateway, operation_limits=(limit,)).text
    other = new_key()
    gateway.apply(
        applications=[application(2)],
        subscriptions=[subscription(2, application=2)],
        credentials=[credential(other, 2, application=2)],
    )
    assert [gateway.call(key=one).status for _ in range(3)] == [200, 200, 429]
    assert [gateway.call(key=other.text).status for _ in range(3)] == [200, 200, 429]


def test_with_no_counter_free_a_new_caller_is_refused_and_that_is_counted(
    gateway: Gateway,
) -> None:
    limit = ScopedLimit(quota("2/month"), LimitSubject.APPLICATION)
    key = fill(gateway, operation_limits=(limit,)).text
    section = layout.SECTIONS["counter"]
    words = gateway.table._file.words[section.offset // 8 : (section.offset + section.size) // 8]
    in_use = array("Q", [1 << 40, (1 << 59)]) * layout.COUNTER_SLOTS
    words[:] = memoryview(in_use)
    answer = gateway.call(key=key)
    assert (answer.status, answer.json["type"]) == (429, "urn:headgate:problem:rate-limited")
    assert "no room" in answer.json["detail"]
    assert gateway.table.health().dropped == 1
    words[:] = memoryview(array("Q", [1 << 40, 1]) * layout.COUNTER_SLOTS)  # all have run out
    assert gateway.call(key=key).status == 200
    words.release()


def test_a_clock_that_stepped_back_is_counted_once(gateway: Gateway) -> None:
    key = fill(gateway, rate("5/second"), quota("1000/hour")).text
    assert gateway.call(key=key).status == 200
    now_ns = gateway.table._file.header("clock_ns")
    gateway.table._file.set_header("clock_ns", now_ns + 3600 * 10**9)
    assert [gateway.call(key=key).status for _ in range(3)] == [200] * 3
    assert gateway.table.health().clock_steps == 1


def test_counts_survive_a_restart_of_envoy(gateway: Gateway) -> None:
    key = fill(gateway, quota("3/month")).text
    assert [gateway.call(key=key).status for _ in range(2)] == [200, 200]
    gateway.stop()
    gateway.start()
    assert [gateway.call(key=key).status for _ in range(2)] == [200, 429]
