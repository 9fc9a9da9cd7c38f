"""Is what changed told place by place, and nothing else?"""

from headgate.web.site.differences import DIFFERENCES_MAX, Difference, differences


def test_only_what_differs_is_told() -> None:
    before = {"title": "Pets", "limits": {"rate": 10, "quota": 5}}
    after = {"title": "Pets", "limits": {"rate": 20, "quota": 5}}
    assert differences(before, after) == [Difference("limits.rate", "10", "20")]


def test_the_same_differs_nowhere() -> None:
    assert differences({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}) == []


def test_what_came_has_no_before_and_what_went_no_after() -> None:
    assert differences(None, {"name": "x"}) == [Difference("name", None, "x")]
    assert differences({"name": "x"}, None) == [Difference("name", "x", None)]


def test_lists_are_compared_place_by_place() -> None:
    found = differences({"apis": ["a", "b"]}, {"apis": ["a", "c", "d"]})
    assert found == [Difference("apis.2", "b", "c"), Difference("apis.3", None, "d")]


def test_yes_is_not_one() -> None:
    assert differences({"on": True}, {"on": 1}) == [Difference("on", "yes", "1")]


def test_a_value_that_became_an_object_is_told_whole() -> None:
    assert differences({"tls": "on"}, {"tls": {"name": "x"}}) == [
        Difference("tls", "on", "{'name': 'x'}")
    ]


def test_there_are_only_so_many() -> None:
    assert len(differences({}, {str(n): n for n in range(2000)})) == DIFFERENCES_MAX
