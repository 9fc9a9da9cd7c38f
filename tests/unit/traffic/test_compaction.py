"""Small files become large ones, values go in time, and nothing is rewritten for ever."""

from datetime import UTC, datetime, timedelta

import pytest

from headgate.traffic.compaction import (
    HOUR_SETTLED,
    MERGE_BYTES_MAX,
    PART_FILES_MIN,
    VALUES_KEPT,
    ListedFile,
    Merge,
    Tier,
    plan,
)

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def file(
    number: int,
    at: datetime,
    tier: Tier = Tier.BATCH,
    *,
    size_bytes: int = 1000,
    created_at: datetime | None = None,
) -> ListedFile:
    return ListedFile(
        id=number,
        path=f"{number}.parquet",
        tier=tier,
        size_bytes=size_bytes,
        records=10,
        first_at=at - SECOND,
        last_at=at,
        created_at=created_at or at + SECOND,
        is_final=tier >= Tier.FINAL_HOUR,
    )


def run(files: list[ListedFile], now: datetime) -> list[ListedFile]:
    """The files after all merges of one pass."""
    for merge in plan(files, now):
        merged = ListedFile(
            id=max(f.id for f in files) + 1,
            path="m",
            tier=merge.tier,
            size_bytes=sum(f.size_bytes for f in merge.files),
            records=sum(f.records for f in merge.files),
            first_at=min(f.first_at for f in merge.files),
            last_at=max(f.last_at for f in merge.files),
            created_at=now,
            is_final=merge.is_final,
        )
        files = [f for f in files if f not in merge.files] + [merged]
    return files


def test_many_batches_of_the_running_hour_become_a_part() -> None:
    files = [file(n, NOON + n * SECOND) for n in range(PART_FILES_MIN)]
    assert plan(files, NOON + 60 * SECOND) == [Merge(tuple(files), Tier.PART, is_final=False)]


def test_few_batches_of_the_running_hour_stay() -> None:
    files = [file(n, NOON + n * SECOND) for n in range(PART_FILES_MIN - 1)]
    assert plan(files, NOON + 60 * SECOND) == []


def test_a_closed_hour_becomes_one_file_once() -> None:
    files = [file(1, NOON, Tier.PART), file(2, NOON + 60 * SECOND)]
    later = NOON + HOUR + HOUR_SETTLED + SECOND
    files = run(files, later)
    assert [f.tier for f in files] == [Tier.HOUR]
    assert plan(files, later + HOUR) == []


def test_a_late_batch_waits_until_no_more_come_before_the_hour_is_rewritten() -> None:
    later = NOON + 5 * HOUR
    hour = file(1, NOON, Tier.HOUR)
    late = file(2, NOON, created_at=later)
    assert plan([hour, late], later + SECOND) == []
    assert len(plan([hour, late], later + HOUR_SETTLED)) == 1


def test_values_are_replaced_within_a_day() -> None:
    files = [file(1, NOON, Tier.HOUR)]
    assert plan(files, NOON + VALUES_KEPT - SECOND) == []
    merges = plan(files, NOON + VALUES_KEPT)
    assert [(m.tier, m.is_final) for m in merges] == [(Tier.FINAL_HOUR, True)]
    assert timedelta(days=1) > VALUES_KEPT


def test_a_long_request_does_not_open_an_old_hour_again() -> None:
    stream = ListedFile(1, "s", Tier.BATCH, 1000, 10, NOON - 20 * HOUR, NOON, NOON, is_final=False)
    assert plan([stream], NOON + SECOND) == []


def test_the_final_hours_of_a_closed_day_become_one_file_and_rest() -> None:
    midnight = NOON.replace(hour=0)
    files = [file(n, midnight + n * HOUR + SECOND, Tier.FINAL_HOUR) for n in range(24)]
    later = midnight + timedelta(days=3)
    files = run(files, later)
    assert [f.tier for f in files] == [Tier.DAY]
    assert plan(files, later + timedelta(days=1)) == []


@pytest.mark.parametrize("tier", [Tier.HOUR, Tier.DAY])
def test_files_that_are_large_enough_are_left_alone(tier: Tier) -> None:
    size = MERGE_BYTES_MAX * 2 // 3
    files = [file(n, NOON + n * SECOND, tier, size_bytes=size) for n in range(3)]
    now = NOON + (2 * HOUR if tier is Tier.HOUR else timedelta(days=4))
    assert plan(files, now) == []


def test_a_week_of_traffic_ends_in_one_file_a_day() -> None:
    files: list[ListedFile] = []
    start = NOON.replace(hour=0)
    now = start
    for number in range(7 * 24 * 6):
        now = start + number * timedelta(minutes=10)
        files.append(file(100_000 + number, now))
        files = run(files, now + SECOND)
    days = {f.last_at.date() for f in files if f.tier is Tier.DAY}
    assert len(days) == 5
    assert sum(f.records for f in files) == 7 * 24 * 6 * 10
    assert len(files) < 100
    assert all(f.is_final or f.last_at > now - VALUES_KEPT for f in files)
