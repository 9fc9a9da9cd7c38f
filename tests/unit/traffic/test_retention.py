"""Old records go, and the oldest go when there is no room; the rest stays."""

from datetime import timedelta

from headgate.traffic.retention import Aged, Keeping, summaries_to_remove, to_remove

DAY = timedelta(days=1)
KEEPING = Keeping(records=timedelta(days=10), records_bytes_max=1000)


def test_files_beyond_their_age_go_and_younger_ones_stay() -> None:
    files = [Aged(1, 11 * DAY, 10), Aged(2, 9 * DAY, 10)]
    assert to_remove(files, KEEPING) == [1]


def test_the_oldest_go_when_there_is_no_room() -> None:
    files = [Aged(1, 1 * DAY, 600), Aged(2, 3 * DAY, 300), Aged(3, 2 * DAY, 300)]
    assert to_remove(files, KEEPING) == [2]


def test_nothing_goes_while_there_is_room() -> None:
    assert to_remove([Aged(1, DAY, 1000)], KEEPING) == []


def test_a_file_without_its_summary_is_kept_until_it_must_have_got_one() -> None:
    files = [Aged(n, n * DAY, 10, has_summary=False) for n in (9, 11, 13)]
    assert to_remove(files, KEEPING) == [13]


def test_summaries_outlive_their_records_but_not_for_ever() -> None:
    keeping = Keeping(summaries=timedelta(days=30), summaries_bytes_max=1000)
    files = [Aged(1, 11 * DAY, 10), Aged(2, 31 * DAY, 10)]
    assert to_remove(files, KEEPING) == [1, 2]
    assert summaries_to_remove(files, keeping) == [2]
    crowded = [Aged(1, 3 * DAY, 600), Aged(2, 5 * DAY, 600)]
    assert summaries_to_remove(crowded, keeping) == [2]
