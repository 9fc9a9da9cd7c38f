"""A setting names a secret; the value takes its place on a node, and only there."""

from dataclasses import replace
from typing import Any

import pytest

from headgate.gateway.compile import check
from headgate.gateway.policy import mistakes, parse
from headgate.gateway.secrets import fill, redact, reference_mistakes, references
from headgate.model.snapshot import (
    PolicyUse,
    Snapshot,
    SnapshotAPI,
    SnapshotOperation,
    Upstream,
    UpstreamHost,
)

VALUES = {"billing": "s3cr%t-1", "partner": "p-2"}
AUTH = PolicyUse("upstream_auth", {"scheme": "bearer", "secret": "${secret:billing}"})
HEADERS = PolicyUse(
    "headers", {"request": {"set": {"X-Both": "${secret:partner}/${secret:billing}"}}}
)


def snapshot(**secrets: str) -> Snapshot:
    upstream = Upstream((UpstreamHost("127.0.0.1", 9000),), path_prefix="/v1/${secret:partner}")
    operations = (
        SnapshotOperation(2, "a", "GET", "/a", (HEADERS,)),
        SnapshotOperation(3, "b", "GET", "/b"),
    )
    api = SnapshotAPI(1, "pets", "v1", "/pets", upstream, operations)
    return Snapshot(1, "default", (api,), (AUTH,), secrets=secrets)


def test_every_place_that_names_a_secret_is_found_with_its_owner() -> None:
    assert [(one.owner, one.name, one.pointer) for one in references(snapshot())] == [
        ("the gateway", "billing", "/policies/0/settings/secret"),
        ("API pets", "partner", "/apis/0/upstream/path_prefix"),
        ("API pets, a", "partner", "/apis/0/operations/0/policies/0/settings/request/set/X-Both"),
        ("API pets, a", "billing", "/apis/0/operations/0/policies/0/settings/request/set/X-Both"),
    ]
    assert check(snapshot()) == []


def test_values_take_their_places_and_nothing_else_changes() -> None:
    before = snapshot(**VALUES)
    filled = fill(before)
    (api,) = filled.apis
    assert api.upstream.path_prefix == "/v1/p-2"
    assert api.operations[0].policies[0].settings["request"]["set"]["X-Both"] == "p-2/s3cr%t-1"
    assert api.operations[1] is before.apis[0].operations[1]
    assert parse(filled.policies[0])
    (used,) = parse(filled.policies[0]).filters()
    assert "Bearer s3cr%%t-1" in str(used.route)
    assert references(filled) == []
    assert check(filled) == []


def test_without_values_references_stay() -> None:
    assert fill(snapshot()) == snapshot()
    half = fill(snapshot(partner="p-2"))
    assert {one.name for one in references(half)} == {"billing"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("${secret:billing}", "no secret 'billing'"),
        ("${secret:}", "cannot name a secret"),
        ("${secret:Bad Name}", "cannot name a secret"),
        ("x ${secret:torn", "cannot name a secret"),
    ],
)
def test_a_reference_that_leads_nowhere_is_a_mistake_with_its_place(text: str, words: str) -> None:
    use = PolicyUse("headers", {"request": {"set": {"X": text}}})
    found = references(replace(snapshot(), apis=(), policies=(use,)))
    (mistake,) = reference_mistakes(found, {"other": 1})
    assert words in mistake.message
    assert mistake.pointer == "/policies/0/settings/request/set/X"


def test_what_is_no_reference_is_left_alone() -> None:
    use = PolicyUse("headers", {"request": {"set": {"X": "$secret:x {secret:x} ${other:x}"}}})
    assert references(replace(snapshot(), apis=(), policies=(use,))) == []


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("upstream_auth", {"scheme": "bearer", "secret": "in-the-clear"}),
        ("upstream_auth", {"scheme": "bearer", "secret": "Bearer ${secret:x}"}),
        ("headers", {"request": {"set": {"Authorization": "Bearer in-the-clear"}}}),
        ("headers", {"request": {"append": {"x-API-key": "in-the-clear"}}}),
    ],
)
def test_a_secret_in_clear_text_is_refused_with_the_next_step(
    kind: str, settings: dict[str, Any]
) -> None:
    (mistake,) = mistakes(PolicyUse(kind, settings), "")
    assert "headgate secret set NAME" in mistake.message
    assert "in-the-clear" not in mistake.message


def test_a_reference_in_its_place_is_taken() -> None:
    settings = {"request": {"set": {"Authorization": "Bearer ${secret:x}"}}}
    assert mistakes(PolicyUse("headers", settings), "") == []
    assert mistakes(AUTH, "") == []


@pytest.mark.parametrize(
    "settings",
    [
        {"scheme": "basic", "secret": "${secret:x}"},
        {"scheme": "basic", "secret": "${secret:x}", "username": "a:b"},
        {"scheme": "bearer", "secret": "${secret:x}", "username": "a"},
        {"scheme": "header", "secret": "${secret:x}"},
        {"scheme": "header", "secret": "${secret:x}", "header": "not a name"},
        {"scheme": "header", "secret": "${secret:x}", "header": "Host"},
    ],
)
def test_upstream_auth_refuses_what_does_not_fit_its_scheme(settings: dict[str, Any]) -> None:
    assert mistakes(PolicyUse("upstream_auth", settings), "")


def test_values_are_taken_out_of_what_is_said() -> None:
    values = {"a": 's3"cr%t', "short": "ab"}
    said = 'Envoy: s3"cr%t and s3\\"cr%%t and ab'
    assert redact(said, values) == "Envoy: ${secret:a} and ${secret:a} and ab"
    assert redact("nothing of it", values) == "nothing of it"
    assert "s3" not in repr(snapshot(a='s3"cr%t'))
