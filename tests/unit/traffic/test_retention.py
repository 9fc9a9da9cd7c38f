"""Old records go, and the oldest go when there is no room; the rest stays."""

from datetime import timedelta

from headgate.traffic.retention import Aged, Keeping, to_remove

DAY = 86_400.0
KEEPING = Keeping(records=timedelta(days=10), records_bytes_max=1000)


def test_files_beyond_their_age_go_and_younger_ones_stay() -> None:
    files = [Aged(1, 11 * DAY, 10), Aged(2, 9 * DAY, 10)]
    assert to_remove(files, KEEPING) == [1]


def test_the_oldest_go_when_there_is_no_room() -> None:
    files = [Aged(1, 1 * DAY, 600), Aged(2, 3 * DAY, 300), Aged(3, 2 * DAY, 300)]
    assert to_remove(files, KEEPING) == [2]


def test_nothing_goes_while_there_is_room() -> None:
    assert to_remove([Aged(1, DAY, 1000)], KEEPING) == []
