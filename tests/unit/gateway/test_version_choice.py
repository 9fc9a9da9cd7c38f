"""Versions are chosen by a header or a query, where nothing else stands in the way."""

from dataclasses import replace

import pytest

from headgate.gateway.compile import check
from headgate.gateway.version_choice import chosen, parse_choice
from headgate.model.release import Release
from headgate.model.snapshot import KeyLocation, KeySource, Snapshot, SnapshotAPI
from tests.support.proxy import api

FIRST = replace(api("GET /x"), name="shop", version_by="header:x-api-version")
FURTHER = replace(api("GET /x", row=2), name="shop", version="v2", is_default=False)


def snapshot(*apis: SnapshotAPI, releases: tuple[Release, ...] = ()) -> Snapshot:
    return Snapshot(1, "default", apis, releases=releases)


@pytest.mark.parametrize(
    ("text", "stored", "said"),
    [
        ("header:X-API-Version", "header:x-api-version", "x-api-version: v2"),
        ("query:version", "query:version", "?version=v2"),
        ("query:apiVersion", "query:apiVersion", "?apiVersion=v2"),
    ],
)
def test_a_header_or_a_parameter_is_a_way_to_choose(text: str, stored: str, said: str) -> None:
    choice = parse_choice(text)
    assert str(choice) == stored
    assert choice.of("v2") == said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "path",
        "header:",
        "cookie:version",
        "header:x y",
        "header:host",
        "header:x-api-key",
        "header:authorization",
        "header:x-headgate-caller",
        "header:x-forwarded-host",
        "query:a b",
        "query:a&b",
        "query:ä",
        "header:" + "x" * 100,
    ],
)
def test_what_has_another_meaning_or_needs_encoding_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_choice(text)


def test_versions_at_the_base_path_of_the_default_one_can_be_chosen() -> None:
    elsewhere = replace(FURTHER, row=3, version="v3", base_path="/shop-v3")
    found = snapshot(FIRST, FURTHER, elsewhere)
    assert check(found) == []
    assert chosen(found) == {1: (FURTHER,)}
    assert chosen(snapshot(replace(FIRST, version_by=""), FURTHER)) == {}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (snapshot(replace(FIRST, version_by="cookie:x")), "no way to choose a version"),
        (snapshot(replace(FIRST, base_path=""), replace(FURTHER, base_path="")), "at the root"),
        (
            snapshot(FIRST, replace(api("GET /x", row=4), name="inner", base_path="/shop/in")),
            "lies within its own",
        ),
        (snapshot(FIRST, FURTHER, releases=(Release(1, 2, percent=5),)), "a release is under way"),
        (
            snapshot(replace(FIRST, key_sources=(KeySource(KeyLocation.HEADER, "x-api-version"),))),
            "the key is sent there",
        ),
    ],
)
def test_what_would_choose_otherwise_is_refused_with_the_reason(wrong: Snapshot, said: str) -> None:
    (mistake,) = check(wrong)
    assert said in mistake.message
    assert mistake.pointer == "/apis/0/version_by"


def test_an_api_around_one_with_versions_is_no_hindrance() -> None:
    around = replace(api("GET /y", row=4), name="around", base_path="")
    assert check(snapshot(FIRST, FURTHER, around)) == []
