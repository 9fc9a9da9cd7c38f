"""Which settings of policies are refused before anything is published, and with which words?"""

from typing import Any

import pytest

from headgate.gateway.compile import check
from headgate.gateway.policy import mistakes, policies
from headgate.gateway.values import Value, lua_pattern, pieces
from headgate.model.snapshot import PolicyUse, Snapshot
from tests.support.proxy import api


@pytest.mark.parametrize(
    ("kind", "settings", "why"),
    [
        ("fault", {}, "delay_percent or abort_percent"),
        ("fault", {"abort_percent": 101}, "less than or equal to 100"),
        ("fault", {"abort_percent": 1, "abort_status": 200}, "greater than or equal to 400"),
        ("fault", {"abort_percent": 1, "when": {"a b": "c"}}, "not the name of a header"),
        ("csrf", {"allow_hosts": ["https://app.example.com"]}, "not a host"),
        ("timeout", {}, "set seconds"),
        ("timeout", {"seconds": 0}, "greater than 0"),
        ("retry", {"hedge": True}, "needs per_try_seconds"),
        ("retry", {"on_statuses": [200]}, "400 to 599"),
        ("retry", {"on": ["everything"]}, "connect_failure"),
        ("affinity", {"cookie": "a;b"}, "not a name"),
        ("shield", {"name": "Orders of all"}, "not a name"),
        ("maintenance", {"status": 200}, "greater than or equal to 400"),
        ("mock", {"body": "{{path}}"}, "names no value"),
        ("mock", {"body": "{{secret.x}}"}, "names no value"),
        ("mock", {"body": "{{path.id}"}, "not closed"),
        ("mock", {"body": "{{method}}" * 51}, "at most 50"),
        ("mock", {"headers": {"X-A": "a\r\nSet-Cookie: b"}}, "not that of a header"),
        ("mock", {"headers": {"Content-Length": "3"}}, "can be set"),
        ("mock", {"content_type": "text"}, "not a content type"),
        ("mock", {"status": 204, "body": "x"}, "has no body"),
        ("rewrite", {"path": "v2"}, "not a path"),
        ("rewrite", {"path": "/v2/../x"}, "not a path"),
        ("rewrite", {"path": "/v2?x=1"}, "not a path"),
        ("rewrite", {"set_headers": {"Host": "a"}}, "begins with X-"),
        ("rewrite", {"set_headers": {"X-Forwarded-For": "a"}}, "begins with X-"),
        ("rewrite", {"set_query": {"a&b": "c"}}, "not the name of a query parameter"),
        ("rewrite", {"set_query": {"a": "{{path.id}}"}}, "in `path` only"),
        ("rewrite", {"set_query": {"a": "{{header.x%y}}"}}, "can be looked up"),
        ("json_body", {"request": {"remove": ["owner"]}}, "not a JSON pointer"),
        ("json_body", {"request": {"remove": ["/a~2"]}}, "~ is written ~0"),
        ("json_body", {"request": {"set": {"/a/*": 1}}}, "name of a member"),
        ("json_body", {"response": {"rename": {"/a": ""}}}, "new name of a member"),
        ("json_body", {"response": {"remove": ["/a" * 17]}}, "deeper than 16"),
        ("json_body", {"body_max": "2MiB"}, "1 MiB"),
        ("request_size", {}, "body_max"),
        ("request_size", {"url_max": "65kiB"}, "64 KiB"),
        ("request_size", {"url_max": 0}, "64 KiB"),
        ("request_size", {"body_max": "2GB", "url_max": "long"}, "not a size"),
        ("cache", {"vary": ["a b"]}, "not the name of a header"),
        ("cache", {"query": ["a=b"]}, "not the name of a query parameter"),
        ("cache", {"body_max": "17MiB"}, "16 MiB"),
        ("cache", {"ttl_seconds": -1}, "greater than or equal to 0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(
    kind: str, settings: dict[str, Any], why: str
) -> None:
    found = [one.message for one in mistakes(PolicyUse(kind, settings), "/policies/0")]
    assert any(why in message for message in found), found


@pytest.mark.parametrize("kind", list(policies))
def test_the_example_of_every_policy_is_taken(kind: str) -> None:
    assert mistakes(PolicyUse(kind, policies[kind].example), "") == []


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("mock", {"body": "{{path.pet}}"}), ("rewrite", {"path": "/v2/{pet}"})],
)
def test_a_parameter_that_the_operation_has_not_is_refused_by_its_name(
    kind: str, settings: dict[str, Any]
) -> None:
    use = PolicyUse(kind, settings)
    good = api("GET /pets/{pet}", policies=[use])
    assert check(Snapshot(1, "default", (good,))) == []
    bad = api("GET /pets/{pet}", "GET /shops/{shop}", policies=[use])
    (found,) = check(Snapshot(1, "default", (bad,)))
    assert "GET /shops/{shop}" in found.message
    assert "no parameter 'pet'" in found.message


def test_a_text_is_taken_apart_at_its_placeholders() -> None:
    found = pieces("a {{path.id}}{{ method }} b")
    assert found == ["a ", Value("path", "id"), Value("method"), " b"]
    assert pieces("") == []


def test_a_template_becomes_a_pattern_that_takes_nothing_for_magic() -> None:
    pattern, names = lua_pattern("/a.b/{id}-{+rest}/c%d")
    assert pattern == "^/a%.b/([^/]+)%-(.+)/c%%d$"
    assert names == ["id", "rest"]
