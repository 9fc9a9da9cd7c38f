"""When is a release taken back, and which releases can a snapshot not have?"""

from dataclasses import replace

import pytest

from headgate.gateway.compile import check
from headgate.gateway.release import (
    REQUESTS_MIN,
    Metric,
    parse_conditions,
    reason_to_abort,
)
from headgate.model.release import Release
from headgate.model.snapshot import KeyLocation, KeySource, PolicyUse, Snapshot, SnapshotAPI
from tests.support.proxy import api

GOOD = {Metric.ERROR_RATIO: 0.01, Metric.LATENCY_MS_P99: 100.0}


@pytest.mark.parametrize(
    ("text", "candidate", "said"),
    [
        ("error_ratio > 0.02", {Metric.ERROR_RATIO: 0.03}, "error_ratio > 0.02 (error_ratio is"),
        ("error_ratio > 2x", {Metric.ERROR_RATIO: 0.021}, "error_ratio > 2x"),
        ("latency_ms_p99 >= 1.5x", {Metric.LATENCY_MS_P99: 150.0}, "latency_ms_p99 >= 1.5x"),
        (
            "error_ratio > 0.5 or latency_ms_p99 > 90",
            {Metric.ERROR_RATIO: 0.0, Metric.LATENCY_MS_P99: 91.0},
            "latency_ms_p99 > 90",
        ),
    ],
)
def test_numbers_that_meet_a_condition_are_a_reason(
    text: str, candidate: dict[Metric, float], said: str
) -> None:
    reason = reason_to_abort(parse_conditions(text), candidate, GOOD, requests=REQUESTS_MIN)
    assert reason is not None
    assert reason.startswith(said)


@pytest.mark.parametrize(
    ("text", "candidate"),
    [
        ("error_ratio > 0.02", {Metric.ERROR_RATIO: 0.02}),
        ("error_ratio > 2x", {Metric.ERROR_RATIO: 0.02}),
        ("latency_ms_p50 > 1x", {Metric.LATENCY_MS_P50: 500.0}),  # nothing to compare with
        ("latency_ms_p95 > 1", {Metric.ERROR_RATIO: 1.0}),  # not measured
        ("", {Metric.ERROR_RATIO: 1.0}),
    ],
)
def test_numbers_that_meet_none_are_no_reason(text: str, candidate: dict[Metric, float]) -> None:
    assert reason_to_abort(parse_conditions(text), candidate, GOOD, requests=1000) is None


def test_few_requests_prove_nothing() -> None:
    conditions = parse_conditions("error_ratio > 0.02")
    bad = {Metric.ERROR_RATIO: 1.0}
    assert reason_to_abort(conditions, bad, GOOD, requests=REQUESTS_MIN - 1) is None


@pytest.mark.parametrize("text", ["errors > 1", "error_ratio => 1", "error_ratio > many", "or"])
def test_what_is_no_condition_is_answered_with_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"error_ratio > 0\.02"):
        parse_conditions(text)


def test_a_condition_is_written_as_it_is_read() -> None:
    text = "error_ratio > 0.02 or latency_ms_p99 >= 1.5x"
    assert " or ".join(str(one) for one in parse_conditions(text)) == text


def version(name: str, row: int, *, is_default: bool, base_path: str = "/pets") -> SnapshotAPI:
    made = api("GET /x")
    return SnapshotAPI(
        row, "pets", name, base_path, made.upstream, made.operations, is_default=is_default
    )


STABLE, CANDIDATE = version("v1", 1, is_default=True), version("v2", 2, is_default=False)


def said(*releases: Release, candidate: SnapshotAPI = CANDIDATE) -> list[str]:
    snapshot = Snapshot(1, "default", (STABLE, candidate), releases=releases)
    return [detail.message for detail in check(snapshot)]


def test_a_release_of_a_further_version_at_the_same_path_passes() -> None:
    assert said(Release(1, 2, 5.0, "x-beta", "1", 10.0)) == []


@pytest.mark.parametrize(
    ("release", "message"),
    [
        (Release(1, 9), "not published"),
        (Release(2, 1), "not one of a further version"),
        (Release(1, 2, 101.0), "0 to 100"),
        (Release(1, 2, 1.0, "x-beta"), "a name and a value"),
        (Release(1, 2, 1.0, "x beta", "1"), "a name and a value"),
    ],
)
def test_a_release_that_cannot_be_is_named(release: Release, message: str) -> None:
    (found,) = said(release)
    assert message in found


def test_two_releases_of_one_api_are_refused() -> None:
    (found,) = said(Release(1, 2, 5.0), Release(1, 2, 6.0))
    assert "two releases at once" in found


def test_a_version_at_another_path_cannot_be_released() -> None:
    elsewhere = version("v2", 2, is_default=False, base_path="/pets-v2")
    (found,) = said(Release(1, 2, 5.0), candidate=elsewhere)
    assert "its base path '/pets-v2' is not '/pets'" in found


def divided(old: SnapshotAPI, new: SnapshotAPI, *general: PolicyUse) -> list[str]:
    """What is wrong with a release of `new` to one application, beside the default `old`."""
    both = (
        replace(old, name="shop"),
        replace(new, row=2, name="shop", version="v2", is_default=False),
    )
    share = Release(1, 2, applications=("app_000000000001",))
    found = check(Snapshot(1, "default", both, general, releases=(share,)))
    return [one.message for one in found]


CORS = PolicyUse("cors", {"allow_origins": ["https://a.example"]})
SHIELD = PolicyUse("shield", {"name": "orders"})


def test_versions_that_agree_on_what_acts_early_may_be_divided_by_application() -> None:
    late = PolicyUse("timeout", {"seconds": 2})
    limit = PolicyUse("rate_limit", {"rates": ["5/second"]})
    old, new = api("GET /x", policies=[CORS]), api("GET /x", policies=[CORS, late, limit])
    assert divided(old, new) == []
    assert divided(api("GET /x"), api("GET /x", "GET /y"), CORS, SHIELD) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (api("GET /x", policies=[CORS]), api("GET /x"), "'cors' acts before the caller is known"),
        (api("GET /x"), api("GET /x", of_operation={"GET /x": (CORS,)}), "attach it to both"),
        (api("GET /x"), api("GET /x", policies=[SHIELD]), "'shield' must be the same"),
        (
            api("GET /x"),
            replace(api("GET /x"), key_sources=(KeySource(KeyLocation.BEARER),)),
            "at the same places",
        ),
    ],
)
def test_versions_that_differ_in_what_acts_early_are_not_divided_by_application(
    old: SnapshotAPI, new: SnapshotAPI, said: str
) -> None:
    (found,) = divided(old, new)
    assert found.startswith("the release of shop v2 to applications: ")
    assert said in found
