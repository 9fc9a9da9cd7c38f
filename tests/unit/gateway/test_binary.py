"""Are routes encoded as Protocol Buffers say? Bytes by hand from the specification."""

import struct

import pytest

from headgate.core.problems import Bug
from headgate.gateway.envoy.binary import Constant, Encoded, discovery_file, map_entries
from headgate.gateway.envoy.wire import TYPE

INPUT = TYPE + "envoy.type.matcher.v3.HttpRequestHeaderMatchInput"
ROUTE_LIST = TYPE + "envoy.config.route.v3.RouteList"


def sized(number: int, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def routes(*values: object) -> bytes:
    """What stands in a `RouteList` of these routes, without the `Any` around it."""
    whole = discovery_file({"resources": [{"@type": ROUTE_LIST, "routes": list(values)}]})
    start = whole.index(ROUTE_LIST.encode()) + len(ROUTE_LIST)
    assert whole[start] == 0x12
    skipped = 2 if whole[start + 1] < 0x80 else 3
    return whole[start + skipped :]


def test_text_and_any_have_tag_length_and_content() -> None:
    made = discovery_file(
        {"version_info": "7", "resources": [{"@type": INPUT, "header_name": "a"}]}
    )
    assert made == sized(1, b"7") + sized(2, sized(1, INPUT.encode()) + sized(2, sized(1, b"a")))


def test_lengths_and_numbers_above_127_take_further_bytes() -> None:
    assert discovery_file({"version_info": "x" * 300})[:3] == b"\x0a\xac\x02"
    assert routes({"direct_response": {"status": 404}}) == sized(1, sized(7, b"\x08\x94\x03"))
    assert discovery_file({"version_info": "x" * 20_000})[:4] == b"\x0a\xa0\x9c\x01"


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("0s", b""),
        ("60s", b"\x08\x3c"),
        ("0.001s", b"\x10\xc0\x84\x3d"),
        ("1.5s", b"\x08\x01\x10\x80\xca\xb5\xee\x01"),
    ],
)
def test_durations_are_seconds_and_nanoseconds(text: str, content: bytes) -> None:
    assert routes({"route": {"timeout": text}}) == sized(1, sized(2, sized(8, content)))


def test_flags_and_wrapped_values_differ() -> None:
    made = routes({"route": {"append_x_forwarded_host": True, "auto_host_rewrite": True}})
    assert made == sized(1, sized(2, b"\xb0\x02\x01" + sized(7, b"\x08\x01")))
    assert routes({"route": {"retry_policy": {"num_retries": 0}}}).endswith(b"\x12\x00")


def test_metadata_is_a_struct_of_numbers_and_text() -> None:
    made = routes({"metadata": {"filter_metadata": {"n": {"op": 3, "on": True, "t": "x"}}}})
    values = (("op", b"\x11" + struct.pack("<d", 3)), ("on", b"\x20\x01"), ("t", sized(3, b"x")))
    fields = b"".join(sized(1, sized(1, k.encode()) + sized(2, v)) for k, v in values)
    assert made == sized(1, sized(4, sized(1, sized(1, b"n") + sized(2, fields))))


def test_a_message_of_an_unlisted_type_travels_as_a_typed_struct() -> None:
    made = routes({"typed_per_filter_config": {"f": {"@type": TYPE + "a.B", "x": ["y"]}}})
    assert b"xds.type.v3.TypedStruct" in made
    values = sized(6, sized(1, sized(3, b"y")))
    content = sized(1, sized(1, b"x") + sized(2, values))
    assert made.endswith(sized(1, TYPE.encode() + b"a.B") + sized(2, content))


def test_entries_put_together_are_those_of_the_whole() -> None:
    one, two = {"/a": {"matcher": {}}}, {"/b": {"matcher": {}}}
    assert map_entries(one) + map_entries(two) == map_entries(one | two)
    assert isinstance(map_entries(one), Encoded)


def test_a_constant_is_encoded_as_any_other_message() -> None:
    policy = {"retry_on": "reset"}
    first = routes({"route": {"retry_policy": Constant(policy)}})
    assert first == routes({"route": {"retry_policy": policy}})


def test_a_field_that_is_not_listed_is_a_bug_and_never_left_out() -> None:
    with pytest.raises(Bug, match="no_such"):
        discovery_file({"no_such": 1})
