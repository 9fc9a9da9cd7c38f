"""Can the name of a segment be read back, and only a real one?"""

import pytest

from headgate.core.registry import Registry
from headgate.model.logline import CALLER_IDS, LINE_FIELDS
from headgate.model.node import SegmentName, parse_segment_name


def test_a_segment_name_reads_back() -> None:
    name = SegmentName("node_0123456789ab"[:16], "00c0ffee", 12)
    assert parse_segment_name(str(name)) == name


@pytest.mark.parametrize("text", ["", "a-b-c", "n-00c0ffe-1", "n-00c0ffee-", "-00c0ffee-1", "../x"])
def test_what_is_no_segment_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        parse_segment_name(text)


def test_the_line_carries_the_caller_in_one_field() -> None:
    assert "access" in LINE_FIELDS
    assert not set(CALLER_IDS) & set(LINE_FIELDS)


def test_two_extensions_of_one_name_are_refused() -> None:
    registry: Registry[object] = Registry("headgate.model")
    registry.register("same")(object)
    with pytest.raises(ValueError, match="two extensions"):
        registry.register("same")(int)
