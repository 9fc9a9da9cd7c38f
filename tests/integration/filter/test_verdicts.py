"""Does the filter in a real Envoy say the right thing to every kind of caller?"""

import time

import pytest

from headgate.access.keys import new_key
from headgate.model.access import APIRow, BlockKind, BlockRow, RowState
from headgate.model.limits import LimitKind, parse_limit
from tests.support.filter_gateway import (
    Gateway,
    application,
    credential,
    fill,
    identity,
    soon,
    subscription,
)

pytestmark = pytest.mark.integration


def test_a_subscribed_caller_passes_and_is_named_in_the_log(gateway: Gateway) -> None:
    key = fill(gateway).text
    assert gateway.call(key=key).status == 200
    line = gateway.log_lines(1)[0]
    assert (line["verdict"], line["refused"]) == ("allowed", None)
    assert [line[field] for field in ("api", "version", "operation")] == ["pets", "v1", "op"]
    ids = [identity(kind, 1) for kind in ("key", "app", "org", "sub", "pln")]
    assert line["caller"] == "".join(ids)


def test_a_caller_without_a_key_is_told_where_to_put_it(gateway: Gateway) -> None:
    fill(gateway)
    answer = gateway.call()
    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == 'ApiKey in="header", name="x-api-key"'
    problem = answer.json
    assert problem["type"] == "urn:headgate:problem:no-credential"
    assert problem["status"] == 401
    assert problem["next_step"] == "Send your key in the header x-api-key."
    assert problem["request_id"]
    line = gateway.log_lines(1)[0]
    assert (line["verdict"], line["caller"]) == ("no_credential", "")


@pytest.mark.parametrize(
    "text",
    ["garbage", new_key().text, "hg_" + "0" * 38, "x" * 5000],
    ids=["garbage", "another", "wrong checksum", "long"],
)
def test_a_key_that_nobody_has_is_unknown(gateway: Gateway, text: str) -> None:
    fill(gateway)
    answer = gateway.call(key=text)
    assert (answer.status, answer.json["type"]) == (401, "urn:headgate:problem:unknown-credential")
    assert gateway.log_lines(1)[0]["verdict"] == "unknown_credential"


def test_revoked_removed_and_expired_keys_say_so(gateway: Gateway) -> None:
    fill(gateway)
    revoked, removed, expired, live = new_key(), new_key(), new_key(), new_key()
    gateway.apply(
        credentials=[
            credential(revoked, 2, RowState.REVOKED),
            credential(removed, 3, RowState.REMOVED),
            credential(expired, 4, expires_at=soon(-1)),
            credential(live, 5, expires_at=soon(60)),
        ]
    )
    found = {key.text: gateway.call(key=key.text) for key in (revoked, removed, expired, live)}
    assert [answer.status for answer in found.values()] == [401, 401, 401, 200]
    verdicts = [line["verdict"] for line in gateway.log_lines(4)]
    assert verdicts == ["revoked", "unknown_credential", "expired", "allowed"]
    assert gateway.log_lines(4)[0]["caller"].startswith(identity("key", 2) + identity("app", 1))


def test_who_is_not_subscribed_reads_why(gateway: Gateway) -> None:
    key = fill(gateway).text
    details = []
    for change in (
        {"subscriptions": [subscription(state=RowState.SUSPENDED)]},
        {"subscriptions": [subscription(expires_at=soon(-1))]},
        {"subscriptions": [subscription(state=RowState.REMOVED)]},
        {"subscriptions": [subscription()], "applications": [application(1, RowState.SUSPENDED)]},
    ):
        gateway.apply(**change)
        answer = gateway.call(key=key)
        assert answer.status == 403
        assert answer.json["type"] == "urn:headgate:problem:not-subscribed"
        details.append(answer.json["detail"])
    assert len(set(details)) == 4
    gateway.apply(applications=[application(1)])
    assert gateway.call(key=key).status == 200


def test_subscribing_again_after_leaving_works(gateway: Gateway) -> None:
    key = fill(gateway).text
    gateway.apply(subscriptions=[subscription(1, RowState.REMOVED)])
    assert gateway.call(key=key).status == 403
    gateway.apply(subscriptions=[subscription(2)])
    assert gateway.call(key=key).status == 200
    assert identity("sub", 2) in gateway.log_lines(2)[1]["caller"]


def test_the_first_product_with_an_active_subscription_counts(gateway: Gateway) -> None:
    key = fill(gateway).text
    gateway.apply(
        apis=[APIRow(1, 2, (7, 1))],
        subscriptions=[subscription(2, product=7), subscription(3, product=9)],
    )
    assert gateway.call(key=key).status == 200
    gateway.apply(subscriptions=[subscription(2, RowState.SUSPENDED, product=7)])
    assert gateway.call(key=key).status == 200
    gateway.apply(apis=[APIRow(1, 3, (7,))])
    assert gateway.call(key=key).status == 403
    callers = [line["caller"] or "" for line in gateway.log_lines(3)]
    assert [caller[48:64] for caller in callers] == [
        identity("sub", 2),
        identity("sub", 1),
        "-" * 16,
    ]


def test_an_open_api_lets_strangers_in_but_never_overlooks_a_wrong_key(gateway: Gateway) -> None:
    key = fill(gateway).text
    assert gateway.call("/open/x").status == 200
    assert gateway.call("/open/x", key=key).status == 200
    assert gateway.call("/open/x", key=new_key().text).status == 401
    lines = gateway.log_lines(3)
    assert lines[0]["caller"] == ""
    assert identity("app", 1) in lines[1]["caller"]


def test_paths_and_methods_that_do_not_exist_need_no_key(gateway: Gateway) -> None:
    fill(gateway)
    missing = gateway.call("/nowhere")
    assert (missing.status, missing.json["type"]) == (404, "urn:headgate:problem:no-route")
    assert gateway.call("/none/x").status == 404
    method = gateway.call("/method/x", method="DELETE")
    assert (method.status, method.headers["allow"]) == (405, "GET, POST")
    verdicts = [line["verdict"] for line in gateway.log_lines(3)]
    assert verdicts == ["no_route", "no_route", "method_not_allowed"]


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        (BlockKind.ADDRESS, "127.0.0.1"),
        (BlockKind.ADDRESS, "127.0.0.0/8"),
        (BlockKind.ADDRESS, "0.0.0.0/0"),
        (BlockKind.CREDENTIAL, identity("key", 1)),
        (BlockKind.APPLICATION, identity("app", 1)),
    ],
)
def test_a_block_refuses_until_it_is_lifted(
    gateway: Gateway, kind: BlockKind, subject: str
) -> None:
    key = fill(gateway).text
    block = BlockRow(1, 1, kind, subject, soon(60))
    gateway.apply(blocks=[block])
    answer = gateway.call(key=key)
    assert (answer.status, answer.json["type"]) == (403, "urn:headgate:problem:blocked")
    gateway.apply(blocks=[BlockRow(1, 2, kind, subject, soon(60), RowState.REMOVED)])
    assert gateway.call(key=key).status == 200


def test_a_block_of_others_refuses_nobody_else_and_ends_by_itself(gateway: Gateway) -> None:
    key = fill(gateway).text
    gateway.apply(
        blocks=[
            BlockRow(1, 1, BlockKind.ADDRESS, "10.0.0.0/8", soon(60)),
            BlockRow(2, 1, BlockKind.ADDRESS, "2001:db8::/32", soon(60)),
            BlockRow(3, 1, BlockKind.APPLICATION, identity("app", 2), soon(60)),
            BlockRow(4, 1, BlockKind.ADDRESS, "127.0.0.1", soon(0.3)),
        ]
    )
    assert gateway.call(key=key).status == 403
    time.sleep(0.4)
    assert gateway.call(key=key).status == 200


def test_a_key_is_live_and_dead_as_soon_as_it_is_written(gateway: Gateway) -> None:
    fill(gateway)
    for row in range(10, 40):
        secret = new_key()
        gateway.apply(credentials=[credential(secret, row)])
        assert gateway.call(key=secret.text).status == 200
        gateway.apply(credentials=[credential(secret, row, RowState.REVOKED)])
        assert gateway.call(key=secret.text).status == 401


def test_head_requests_pass_and_are_refused_without_a_body(gateway: Gateway) -> None:
    key = fill(gateway, parse_limit(LimitKind.RATE, "100/second")).text
    assert gateway.call(key=key, method="HEAD").status == 200
    refused = gateway.call(method="HEAD")
    assert (refused.status, refused.body) == (401, b"")
