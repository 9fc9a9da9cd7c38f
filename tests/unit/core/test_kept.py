"""What is kept is given again for a while, and there is never more of it than said."""

from datetime import UTC, datetime, timedelta

from headgate.core.kept import Kept

AT = datetime(2030, 1, 1, tzinfo=UTC)


def test_it_is_made_once_within_its_time_and_anew_after_it() -> None:
    made: list[int] = []

    def make() -> int:
        made.append(1)
        return len(made)

    kept: Kept[str, int] = Kept(timedelta(minutes=1), keys_max=2)
    assert kept.get("a", AT, make) == kept.get("a", AT + timedelta(seconds=59), make) == 1
    assert kept.get("a", AT + timedelta(seconds=60), make) == 2
    assert kept.get("a", AT - timedelta(seconds=1), make) == 3  # a clock that was put back


def test_of_too_many_the_one_asked_for_longest_ago_goes() -> None:
    made: list[str] = []
    kept: Kept[str, None] = Kept(timedelta(minutes=1), keys_max=2)
    for key in ("a", "b", "a", "c", "a", "b"):
        kept.get(key, AT, lambda key=key: made.append(key))
    assert made == ["a", "b", "c", "b"]
