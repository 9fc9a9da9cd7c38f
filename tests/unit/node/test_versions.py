"""Does a resource file get another version without a change to anything else?"""

import orjson
import pytest

from headgate.core.problems import TYPE_PREFIX, Bug
from headgate.gateway.envoy import wire
from headgate.gateway.envoy.binary import discovery_file
from headgate.node.refusal import refusing_routes
from headgate.node.versions import digest, split, with_version

JSON_FILE = orjson.dumps(wire.discovery(wire.CLUSTER, 7, [{"name": "a"}]))
BINARY_FILE = discovery_file(
    wire.discovery(wire.ROUTES, 7, [wire.typed(wire.ROUTES, name="gateway")])
)


@pytest.mark.parametrize("data", [JSON_FILE, BINARY_FILE, refusing_routes(7, TYPE_PREFIX)])
def test_the_version_changes_and_the_rest_stays(data: bytes) -> None:
    assert split(data)[0] == "7"
    changed = with_version(data, "12.abcdef")
    assert split(changed) == ("12.abcdef", split(data)[1])
    assert with_version(changed, "7") == data
    assert digest(changed) == digest(data)


def test_other_resources_have_another_digest() -> None:
    assert digest(JSON_FILE) != digest(JSON_FILE.replace(b'"a"', b'"b"'))


@pytest.mark.parametrize("data", [b"", b'{"resources":[]}', b"\x0a", b"\x12\x01x"])
def test_what_does_not_begin_with_its_version_is_a_bug(data: bytes) -> None:
    with pytest.raises(Bug):
        split(data)
