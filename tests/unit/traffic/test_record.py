"""A log line becomes the same record in SQL and in Python, and the verdict is right."""

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.model.logline import LINE_FIELDS, LineType
from headgate.model.record import RequestRecord, Verdict
from headgate.traffic.io.engine import Engine
from headgate.traffic.io.parquet import SegmentFile, at_us, write_batch
from headgate.traffic.record import (
    COLUMN_SQL,
    STARTED_US_MAX,
    line_error,
    record_from,
    verdict_of,
)
from tests.support.lines import access, line, objects

NUMBER = st.one_of(st.none(), st.integers(-5, 2**40), st.integers(0, 2**40).map(str))
TEXT = st.one_of(
    st.none(),
    st.just("-"),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.sampled_from(["/a/b?c=d&e=f", "/a?", "?", "UF,URX", "DC", "NR", "via_upstream", "allowed"]),
)
VERDICT = st.one_of(
    st.none(),
    st.sampled_from([*Verdict, "-", "odd", "", "allowed~rate_limited", "allowed~", "~-", "a~b~c"]),
    st.sampled_from(
        ["allowed;r9/10s", "allowed~rate_limited;r0/1s~!1", ";", "~;", "a;b~c;d", ";-"]
    ),
)
CALLER = st.one_of(st.text("ab-", min_size=80, max_size=80), st.just("-"), st.just("short"))
LINE = st.fixed_dictionaries(
    {
        name: NUMBER if kind is LineType.INTEGER else TEXT
        for name, kind in LINE_FIELDS.items()
        if name != "started_us"
    }
    | {
        "started_us": st.integers(1, STARTED_US_MAX - 1),
        "access": st.one_of(TEXT, st.builds(access, VERDICT, CALLER, TEXT)),
        "route": st.one_of(TEXT, st.just("17 pets v1 GET /pets/{id}"), st.just("no_route pets v1")),
        "details": st.sampled_from(
            [
                None,
                "via_upstream",
                "rbac_access_denied_matched_policy[x]",
                "csrf_origin_mismatch",
                "lua_response",
                "ext_authz_denied",
                "ext_authz_error",
                "fault_filter_abort",
                "downstream_local_reset",
            ]
        ),
    }
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = Engine(tmp_path_factory.mktemp("scratch"))
    yield made
    made.close()


def by_sql(engine: Engine, folder: Path, lines: list[dict[str, Any]]) -> list[RequestRecord]:
    """The records that the ingest writes, in the order of the lines."""
    source, target = folder / "s.jsonl", folder / "s.parquet"
    source.write_text("".join(json.dumps(item) + "\n" for item in lines), encoding="utf-8")
    segment = SegmentFile("s", source, 1)
    batch = write_batch(engine, [segment], target, scratch=folder, node="n", gateway="g")
    assert batch.segments[0].rejected == 0
    names = [field.name for field in fields(RequestRecord)]
    selected = ", ".join("epoch_us(started_at)" if name == "started_at" else name for name in names)
    rows = duckdb.execute(
        f"SELECT {selected} FROM read_parquet(?, file_row_number = true) ORDER BY file_row_number",
        [str(target)],
    ).fetchall()
    return [
        RequestRecord(
            **dict(zip(names, row, strict=True))
            | {"started_at": at_us(row[0]), "verdict": Verdict(row[names.index("verdict")])}
        )
        for row in rows
    ]


def test_every_column_of_a_record_has_its_sql() -> None:
    assert {*COLUMN_SQL, "node", "gateway"} == {field.name for field in fields(RequestRecord)}


def test_realistic_lines_become_the_same_records_in_both(engine: Engine, tmp_path: Path) -> None:
    lines = list(objects(2000))
    expected = [record_from(item, node="n", gateway="g") for item in lines]
    assert by_sql(engine, tmp_path, lines) == expected


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(LINE, min_size=1, max_size=30))
def test_odd_lines_become_the_same_records_in_both(
    engine: Engine, tmp_path: Path, lines: list[dict[str, Any]]
) -> None:
    assert not any(line_error(item) for item in lines)
    expected = [record_from(item, node="n", gateway="g") for item in lines]
    assert by_sql(engine, tmp_path, lines) == expected


@pytest.mark.parametrize(
    ("verdict", "status", "flags", "details", "expected"),
    [
        ("allowed", 200, "", "via_upstream", Verdict.ALLOWED),
        ("allowed", 404, "", "via_upstream", Verdict.ALLOWED),
        ("allowed", 503, "UF,URX", "upstream_reset", Verdict.UPSTREAM_FAILED),
        ("allowed", 503, "UH", "no_healthy_upstream", Verdict.UPSTREAM_FAILED),
        ("allowed", 504, "UT", "response_timeout", Verdict.UPSTREAM_FAILED),
        ("allowed", 0, "DC", "downstream_remote_disconnect", Verdict.CLIENT_CLOSED),
        ("allowed", 413, "", "request_payload_too_large", Verdict.TOO_LARGE),
        ("allowed", 413, "", "via_upstream", Verdict.ALLOWED),
        ("allowed", 403, "", "rbac_access_denied_matched_policy[none]", Verdict.BLOCKED),
        ("rate_limited", 429, "", "", Verdict.RATE_LIMITED),
        ("blocked", 403, "", "", Verdict.BLOCKED),
        ("", 403, "", "csrf_origin_mismatch", Verdict.BLOCKED),
        ("", 503, "", "lua_response", Verdict.MAINTENANCE),
        ("allowed", 503, "", "lua_response", Verdict.ALLOWED),
        ("allowed", 400, "UAEX", "ext_authz_denied", Verdict.INVALID_REQUEST),
        ("allowed", 415, "UAEX", "ext_authz_denied", Verdict.INVALID_REQUEST),
        ("allowed", 413, "UAEX", "ext_authz_denied", Verdict.INVALID_REQUEST),
        ("allowed", 503, "UAEX", "ext_authz_error", Verdict.VALIDATOR_DOWN),
        ("allowed", 503, "FI", "fault_filter_abort", Verdict.FAULT),
        ("allowed", 200, "DI", "via_upstream", Verdict.ALLOWED),
        ("", 403, "", "rbac_access_denied_matched_policy[none]", Verdict.BLOCKED),
        ("", 400, "DPE", "http1.codec_error", Verdict.MALFORMED),
        ("", 400, "", "missing_host_header", Verdict.MALFORMED),
        ("", 431, "", "request_headers_too_large", Verdict.TOO_LARGE),
        ("", 404, "NR", "route_not_found", Verdict.NO_ROUTE),
        ("", 204, "", "cors_preflight", Verdict.ALLOWED),
        ("", 503, "", "overload", Verdict.UPSTREAM_FAILED),
        ("future_verdict", 200, "", "via_upstream", Verdict.ALLOWED),
    ],
)
def test_the_verdict_says_what_became_of_the_request(
    verdict: str, status: int, flags: str, details: str, expected: Verdict
) -> None:
    found = verdict_of(filter_verdict=verdict, status=status, flags=flags, details=details)
    assert found is expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"started_us": None},
        {"started_us": 0},
        {"started_us": "yesterday"},
        {"started_us": 10**18},
        {"status": "ok"},
        {"status": 1.5},
        {"duration_us": True},
        {"duration_us": [1]},
    ],
)
def test_a_line_of_wrong_types_is_no_record(wrong: dict[str, object]) -> None:
    assert line_error(line(**wrong)) is not None


def test_a_value_that_envoy_does_not_know_is_no_error() -> None:
    assert line_error(line(upstream_us="-", attempts=None, flags="-")) is None


def test_what_was_left_of_limits_is_read_and_a_line_without_it_has_none() -> None:
    found = record_from(line(access=access("allowed~rate_limited;r0/1s~!1")), node="", gateway="")
    assert (found.verdict, found.observed) == (Verdict.ALLOWED, "rate_limited")
    assert found.limits == "r0/1s~!1"
    for target in ("/a;b", "/a?b=;c"):
        before = record_from(line(access=access("allowed", target=target)), node="", gateway="")
        assert (before.limits, before.verdict) == ("", Verdict.ALLOWED)


def test_words_are_split_into_route_verdict_caller_and_query() -> None:
    ids = ["key_000000000001", "app_000000000002", "org_000000000003", "-" * 16, "pln_000000000005"]
    words = access("allowed", "".join(ids), "/a?b=c d?e")
    found = line(path="/rewritten", access=words, route="17 pets v1 GET /pets/{id}")
    record = record_from(found, node="n", gateway="g")
    assert (record.path, record.query) == ("/a", "b=c d?e")
    assert (record.api, record.version, record.operation) == ("pets", "v1", "GET /pets/{id}")
    assert (record.credential, record.application, record.organization) == tuple(ids[:3])
    assert (record.subscription, record.plan) == ("", ids[4])


def test_an_answer_from_the_cache_is_told_from_its_details() -> None:
    hit = line(details="cache_hit")
    assert record_from(hit, node="n", gateway="g").cache == "hit"
    assert record_from(line(), node="n", gateway="g").cache == ""


def test_a_request_that_did_not_reach_the_filter_has_its_path_and_no_query() -> None:
    record = record_from(line(path="/a", access=None), node="n", gateway="g")
    assert (record.path, record.query) == ("/a", "")
