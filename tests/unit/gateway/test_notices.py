"""Header fields and words of deprecated and retired versions, as the standards write them."""

from dataclasses import replace
from datetime import UTC, datetime

from headgate.gateway.notices import notice_fields, retired_words
from headgate.model.lifecycle import Notice, joined

SAID = Notice(
    deprecated_at=datetime(2026, 1, 1, tzinfo=UTC),
    sunset_at=datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC),
    link="https://example.com/moving?a=1&b=2",
    successor="pets@v2",
    successor_path="/pets v2",
)


def test_the_fields_are_those_of_rfc_9745_8594_and_8288() -> None:
    assert notice_fields(SAID) == {
        "deprecation": "@1767225600",
        "sunset": "Tue, 30 Jun 2026 23:59:59 GMT",
        "link": '<https://example.com/moving?a=1&b=2>; rel="deprecation"; type="text/html", '
        '<https://example.com/moving?a=1&b=2>; rel="sunset"; type="text/html", '
        '</pets%20v2>; rel="successor-version"',
    }


def test_what_is_not_known_is_left_out() -> None:
    assert notice_fields(Notice(SAID.deprecated_at)) == {"deprecation": "@1767225600"}


def test_a_successor_at_the_root_is_a_slash() -> None:
    at_root = replace(SAID, link="", successor_path="")
    assert notice_fields(at_root)["link"] == '</>; rel="successor-version"'


def test_a_retired_version_says_where_to_go() -> None:
    words = retired_words(replace(SAID, is_retired=True))
    where = "Use pets@v2 at /pets%20v2. More: https://example.com/moving?a=1"
    assert words["where"] == f"{where}&b=2"
    by_header = replace(SAID, successor_choice="x-api-version: v2", link="")
    assert retired_words(by_header)["where"] == "Use pets@v2 at /pets%20v2 with x-api-version: v2."


def test_a_retired_version_without_a_successor_leads_to_the_provider() -> None:
    words = retired_words(Notice(SAID.deprecated_at, is_retired=True))
    assert words["where"] == "Ask the provider of this API."
    assert (words["sunset"], words["link"]) == ("", "")


def test_an_operation_of_a_deprecated_version_is_told_what_comes_first() -> None:
    own = Notice(datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    both = joined(SAID, own)
    assert both is not None
    assert (both.deprecated_at, both.sunset_at) == (own.deprecated_at, SAID.sunset_at)
    assert both.successor == "pets@v2"
    assert joined(None, own) == own
    assert joined(SAID, None) == SAID
    assert joined(None, None) is None
