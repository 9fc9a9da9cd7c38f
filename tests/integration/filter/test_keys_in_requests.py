"""Is the caller's key gone from the request, wherever it stood and whatever came of it?"""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from headgate.access.keys import new_key
from headgate.model.snapshot import KeyLocation, KeySource
from tests.support.filter_gateway import Gateway, fill

pytestmark = pytest.mark.integration
HEADER = KeySource(KeyLocation.HEADER, "x-api-key")
BEARER = KeySource(KeyLocation.BEARER)
QUERY = KeySource(KeyLocation.QUERY, "api_key")


def _assert_nowhere(gateway: Gateway, key: str, lines: int) -> None:
    gateway.log_lines(lines)
    assert key not in (gateway.folder / "access.log").read_text()


def test_the_header_does_not_reach_the_upstream(gateway: Gateway) -> None:
    key = fill(gateway).text
    echoed = gateway.call(key=key, headers={"x-other": "stays"}).json
    assert key not in str(echoed)
    assert echoed["headers"]["x-other"] == "stays"
    _assert_nowhere(gateway, key, 1)


def test_a_bearer_token_is_taken_and_basic_is_left_alone(
    start_gateway: Callable[..., Gateway],
) -> None:
    gateway = start_gateway(sources=(BEARER,))
    key = fill(gateway, sources=(BEARER,)).text
    answer = gateway.call(headers={"authorization": f"bearer {key}"})
    assert answer.status == 200
    assert key not in str(answer.json)
    basic = "Basic " + base64.b64encode(b"a:b").decode()
    refused = gateway.call(headers={"authorization": basic})
    assert refused.status == 401
    assert refused.headers["www-authenticate"] == 'Bearer realm="headgate"'
    wrong = gateway.call(headers={"authorization": "Bearer nonsense"})
    assert 'error="invalid_token"' in wrong.headers["www-authenticate"]
    passed = gateway.call("/open/x", headers={"authorization": basic}).json
    assert passed["headers"]["authorization"] == basic


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        ("/api/x?api_key={}", "/api/x"),
        ("/api/x?a=1&api_key={}&b=%20", "/api/x?a=1&b=%20"),
        ("/api/x?api%5Fkey={}&b", "/api/x?b"),
    ],
)
def test_a_query_parameter_is_cut_out(gateway: Gateway, sent: str, received: str) -> None:
    key = fill(gateway, sources=(QUERY,)).text
    answer = gateway.call(sent.format(key))
    assert (answer.status, answer.json["path"]) == (200, received)
    escaped = gateway.call(sent.format(f"%{ord(key[0]):02X}" + key[1:]))
    assert escaped.status == 200
    _assert_nowhere(gateway, key[1:], 2)


def test_the_first_source_that_carries_something_decides(gateway: Gateway) -> None:
    key = fill(gateway, sources=(HEADER, BEARER, QUERY)).text
    both = gateway.call("/api/x?api_key=wrong", key=key)
    assert (both.status, both.json["path"]) == (200, "/api/x")
    assert gateway.call(f"/api/x?api_key={key}", key="wrong").status == 401
    token = gateway.call(key=key, headers={"authorization": "Bearer of.the.upstream"})
    assert token.json["headers"]["authorization"] == "Bearer of.the.upstream"
    twice = gateway.call(key=key, headers={"authorization": f"Bearer {key}"})
    assert "authorization" not in twice.json["headers"]
    _assert_nowhere(gateway, key, 4)


def test_a_refused_key_is_in_no_log_either(gateway: Gateway) -> None:
    fill(gateway, sources=(HEADER, QUERY))
    stranger = new_key().text
    assert gateway.call(key=stranger).status == 401
    assert gateway.call(f"/api/x?api_key={stranger}").status == 401
    assert gateway.call(f"/nowhere?q={stranger}").status == 404
    assert gateway.call(f"/method/x?api_key={stranger}").status == 405
    _assert_nowhere(gateway, stranger, 4)


def test_without_a_table_the_key_is_taken_out_all_the_same(gateway: Gateway) -> None:
    key = fill(gateway).text
    with Path(gateway.table_path).open("r+b") as file:
        file.write(b"nonsense")
    answer = gateway.call(key=key)
    assert (answer.status, answer.json["type"]) == (503, "urn:headgate:problem:table-damaged")
    _assert_nowhere(gateway, key, 1)
