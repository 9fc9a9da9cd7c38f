"""Do calls count as much as they cost, as long as they run, and in shadow without a refusal?"""

import http.client
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from headgate.access.keys import new_key
from headgate.model.access import LimitSubject, OperationRow, PublishedRows, ScopedLimit
from headgate.model.limits import Limit, LimitKind, parse_limit
from headgate.traffic.record import record_from
from tests.support.filter_gateway import Gateway, credential, fill
from tests.support.tree import eventually

pytestmark = pytest.mark.integration
CLIENTS = 60
APPLICATION = LimitSubject.APPLICATION


def rate(text: str) -> Limit:
    return parse_limit(LimitKind.RATE, text)


def quota(text: str) -> Limit:
    return parse_limit(LimitKind.QUOTA, text)


def running(text: str) -> Limit:
    return parse_limit(LimitKind.CONCURRENT, text)


def priced(gateway: Gateway, *limits: Limit, cost: int) -> str:
    """A caller with a plan of these limits; operation 1 has the cost, operation 2 costs one."""
    key = fill(gateway, *limits).text
    gateway.table.publish(
        PublishedRows((), (OperationRow(1, 1, (), cost), OperationRow(2, 1), OperationRow(3, 2)))
    )
    return key


def test_calls_of_many_clients_take_their_units_and_never_more_than_the_quota(
    start_gateway: Callable[[int], Gateway],
) -> None:
    gateway = start_gateway(2)
    key = priced(gateway, quota("1000/month"), cost=7)
    seen: Counter[int] = Counter()
    lock = threading.Lock()

    def client() -> None:
        mine = Counter(gateway.call("/direct/x", key=key).status for _ in range(4))
        with lock:
            seen.update(mine)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {200: 142, 429: CLIENTS * 4 - 142}
    assert [gateway.call("/two/x", key=key).status for _ in range(7)] == [200] * 6 + [429]


def test_a_call_that_does_not_fit_uses_up_nothing(gateway: Gateway) -> None:
    key = priced(gateway, rate("15/hour"), quota("100/month"), cost=10)
    answers = [gateway.call(key=key) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 429, 429]
    assert answers[2].headers["retry-after"] == "1200"  # five more at fifteen an hour
    assert answers[2].headers["ratelimit"].startswith('"rate";r=5;')
    assert [gateway.call("/two/x", key=key).status for _ in range(6)] == [200] * 5 + [429]


def test_a_call_that_can_never_pass_is_not_told_to_wait(gateway: Gateway) -> None:
    key = priced(gateway, quota("5/month"), cost=6)
    answer = gateway.call(key=key)
    assert answer.status == 429
    assert "retry-after" not in answer.headers
    assert gateway.call("/two/x", key=key).status == 200


def test_what_is_used_of_a_quota_is_told_in_steps_and_at_its_end(gateway: Gateway) -> None:
    key = priced(gateway, quota("1000/month"), quota("900/minute"), rate("9000/hour"), cost=7)
    read = gateway.table.quotas.readings
    gateway.call("/direct/x", key=key)
    assert read(9) == [], "less than a hundredth"
    gateway.call("/direct/x", key=key)
    (found,) = read(9)
    assert (found.row, found.slot, found.used, found.is_refused) == (1, 0, 14, False)
    gateway.table.quotas.accept([found])
    assert read(9) == [], "it was told"
    gateway.table.accept(gateway.table.counters())
    assert read(9) == []


def test_a_quota_that_refused_a_call_for_its_cost_says_so(gateway: Gateway) -> None:
    key = priced(gateway, quota("20/month"), cost=7)
    for _ in range(2):
        assert gateway.call("/direct/x", key=key).status == 200
    assert [(one.used, one.is_refused) for one in gateway.table.quotas.readings(9)] == [(14, False)]
    assert gateway.call("/direct/x", key=key).status == 429
    assert [(one.used, one.is_refused) for one in gateway.table.quotas.readings(9)] == [(14, True)]


def test_a_call_that_costs_more_than_the_whole_quota_says_nothing_of_it(gateway: Gateway) -> None:
    key = priced(gateway, quota("5/month"), cost=6)
    assert gateway.call("/direct/x", key=key).status == 429
    assert gateway.table.quotas.readings(9) == []


def test_a_call_that_costs_nothing_passes_when_all_is_used_up(gateway: Gateway) -> None:
    key = priced(gateway, quota("1/month"), rate("1/hour"), cost=0)
    assert [gateway.call("/two/x", key=key).status for _ in range(2)] == [200, 429]
    assert [gateway.call(key=key).status for _ in range(3)] == [200] * 3


def test_a_limit_in_shadow_lets_pass_and_the_record_says_what_it_would_have_done(
    gateway: Gateway,
) -> None:
    key = fill(
        gateway,
        quota("2/month shadow"),
        operation_limits=(ScopedLimit(rate("3/hour shadow"), LimitSubject.ADDRESS),),
    ).text
    answers = [gateway.call(key=key) for _ in range(4)]
    assert [answer.status for answer in answers] == [200] * 4
    assert not any("ratelimit" in name for answer in answers for name in answer.headers)
    records = [record_from(line, node="n", gateway="g") for line in gateway.log_lines(4)]
    assert [record.verdict for record in records] == ["allowed"] * 4
    found = [record.observed for record in records]
    assert found == ["", "", "quota_exceeded", "rate_limited"]
    assert {record.plan for record in records} == {"pln_000000000001"}
    assert records[0].limits == "or2/3h~,q1/2M~"
    assert re.fullmatch(r"or0/3h~!1\d{3},q0/2M~!\d+", records[3].limits)


def test_the_record_says_what_was_left_and_which_limit_refused_until_when(
    gateway: Gateway,
) -> None:
    limits = (rate("60/hour+2"), quota("10/month@15"), running("4"))
    key = fill(gateway, *limits, operation_limits=(ScopedLimit(quota("9/day"), APPLICATION),)).text
    assert [gateway.call(key=key).status for _ in range(3)] == [200, 200, 429]
    assert gateway.call(key="hg_unknown").status == 401
    lines = gateway.log_lines(4)
    found = [record_from(line, node="n", gateway="g").limits for line in lines]
    assert found[:2] == ["c3/4,r1/60h+2,q9/10M@15,oq8/9d", "c3/4,r0/60h+2,q8/10M@15,oq7/9d"]
    assert re.fullmatch(r"c3/4,r0/60h\+2!(60|59)", found[2])
    assert found[3] == ""


def test_of_a_shared_rate_a_node_grants_its_part_and_of_another_all(gateway: Gateway) -> None:
    key = fill(gateway, rate("60/hour+6 shared"), rate("1000/hour+7")).text
    gateway.table.leases.share_rates(3)
    answers = [gateway.call(key=key) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert 170 <= int(answers[2].headers["retry-after"]) <= 180  # a third of one a minute
    assert answers[0].headers["ratelimit-policy"] == '"rate";q=60;w=3600, "rate-2";q=1000;w=3600'
    gateway.table.leases.share_rates(1)  # what has been taken stays taken, and grows back sooner
    assert 50 <= int(gateway.call(key=key).headers["retry-after"]) <= 60
    limits = record_from(gateway.log_lines(4)[0], node="n", gateway="g").limits
    assert limits == "r1/60h+6=,r6/1000h+7"


def test_the_same_limit_in_force_refuses(gateway: Gateway) -> None:
    key = fill(gateway, quota("2/month")).text
    assert [gateway.call(key=key).status for _ in range(3)] == [200, 200, 429]
    records = [record_from(line, node="n", gateway="g") for line in gateway.log_lines(3)]
    assert [record.observed for record in records] == ["", "", ""]


def test_a_burst_of_one_arrests_spikes(gateway: Gateway) -> None:
    key = fill(gateway, rate("60/hour+1")).text
    answers = [gateway.call(key=key) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 429, 429]
    assert answers[1].headers["retry-after"] == "60"
    assert answers[1].headers["ratelimit-policy"] == '"rate";q=60;w=3600'


def test_a_limit_per_credential_counts_each_key_of_an_application_apart(gateway: Gateway) -> None:
    limit = ScopedLimit(quota("2/month"), LimitSubject.CREDENTIAL)
    one, other = fill(gateway, operation_limits=(limit,)).text, new_key()
    gateway.apply(credentials=[credential(other, 2)])
    assert [gateway.call(key=one).status for _ in range(3)] == [200, 200, 429]
    assert [gateway.call(key=other.text).status for _ in range(3)] == [200, 200, 429]


@contextmanager
def echoing(folder: Path) -> Iterator[Gateway]:
    """A gateway before an upstream that keeps WebSockets open."""

    def echo(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    gateway = Gateway(folder)
    with serve(echo, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        gateway.upstream_port = server.socket.getsockname()[1]
        try:
            gateway.start()
            yield gateway
        finally:
            gateway.close()
            server.shutdown()
            thread.join()


def url(gateway: Gateway) -> str:
    return f"ws://127.0.0.1:{gateway.port}/api/x"


def is_free(gateway: Gateway, key: str) -> bool:
    """Whether one more may run; it ends at once."""
    try:
        with connect(url(gateway), additional_headers={"X-API-Key": key}):
            return True
    except InvalidStatus as refused:
        if refused.response.status_code != 429:
            raise
        return False


def test_an_open_websocket_counts_until_it_is_closed(tmp_path: Path) -> None:
    with echoing(tmp_path) as gateway:
        key = fill(gateway, running("2")).text
        headers = {"X-API-Key": key}
        first = connect(url(gateway), additional_headers=headers, legacy=True)
        with connect(url(gateway), additional_headers=headers):
            answer = gateway.call(key=key)
            assert (answer.status, answer.headers["retry-after"]) == (429, "1")
            assert answer.json["title"] == "Too many requests at one time"
            policy = '"concurrent";q=2;qu="concurrent-requests"'
            assert answer.headers["ratelimit-policy"] == policy
            assert not is_free(gateway, key)
        eventually(lambda: is_free(gateway, key), seconds=60)
        first.socket.close()  # a caller that goes without a word
        eventually(lambda: is_free(gateway, key), seconds=60)
        with (
            connect(url(gateway), additional_headers=headers),
            connect(url(gateway), additional_headers=headers),
        ):
            assert not is_free(gateway, key)


def test_what_a_killed_envoy_was_running_is_not_counted_by_the_next(tmp_path: Path) -> None:
    with echoing(tmp_path) as gateway:
        limit = (ScopedLimit(running("1"), LimitSubject.APPLICATION),)
        key = fill(gateway, operation_limits=limit).text
        held = connect(url(gateway), additional_headers={"X-API-Key": key}, legacy=True)
        assert not is_free(gateway, key)
        gateway.stop(with_signal=signal.SIGKILL)
        gateway.start()
        assert is_free(gateway, key)
        held.socket.close()


def test_calls_that_ended_or_were_refused_later_leave_no_count(gateway: Gateway) -> None:
    key = fill(gateway, running("1"), quota("3/month")).text
    with closing(http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)) as connection:
        seen = []
        for _ in range(8):  # over one connection: a call has ended when its answer is read
            connection.request("GET", "/api/x", headers={"x-api-key": key})
            answer = connection.getresponse()
            seen.append((answer.status, b"quota" in answer.read()))
    assert seen == [(200, False)] * 3 + [(429, True)] * 5
