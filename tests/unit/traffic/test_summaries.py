"""Which summaries there are, and which question goes to which family of sums."""

import pytest

from headgate.traffic.compaction import Tier
from headgate.traffic.queries import GROUP_COLUMNS, GroupBy
from headgate.traffic.summaries import (
    FAMILIES,
    HOUR_FAMILIES,
    HOUR_RECORDS_MIN,
    NAMES,
    families_for,
    family_of,
)


def test_every_grouping_has_its_family_in_hours_and_days_alike() -> None:
    for by in GroupBy:
        family = family_of(GROUP_COLUMNS[by])
        assert family is not None
        assert family < HOUR_FAMILIES


@pytest.mark.parametrize(
    ("columns", "family"),
    [
        ({"api"}, ("api", "status", "verdict")),
        ({"api", "status"}, ("api", "status", "verdict")),
        ({"application"}, ("organization", "application", "plan")),
        ({"application", "api"}, ("organization", "application", "plan", "api")),
        ({"plan", "verdict"}, ("organization", "application", "plan", "status", "verdict")),
        ({"operation", "status"}, ("api", "version", "operation", "status", "verdict")),
    ],
)
def test_the_smallest_family_that_tells_the_columns_apart_is_read(
    columns: set[str], family: tuple[str, ...]
) -> None:
    found = family_of(columns)
    assert found is not None
    assert FAMILIES[found] == family


@pytest.mark.parametrize(
    "columns", [{"application", "operation"}, {"credential"}, {"api", "request_id"}]
)
def test_what_no_family_tells_apart_is_read_from_the_records(columns: set[str]) -> None:
    assert family_of(columns) is None


def test_names_are_those_of_the_families() -> None:
    assert {*NAMES} == {name for family in FAMILIES for name in family}


def test_days_and_large_hours_have_summaries_and_small_or_running_hours_none() -> None:
    assert families_for(Tier.DAY, 1) == len(FAMILIES)
    assert families_for(Tier.HOUR, HOUR_RECORDS_MIN) == HOUR_FAMILIES
    assert families_for(Tier.FINAL_HOUR, HOUR_RECORDS_MIN - 1) == 0
    assert families_for(Tier.PART, 10 * HOUR_RECORDS_MIN) == 0
