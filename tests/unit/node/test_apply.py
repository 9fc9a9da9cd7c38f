"""Do files come into service in an order in which no route ever lacks its upstream?"""

from typing import Any, cast

import orjson
import pytest

from headgate.gateway.envoy.binary import discovery_file
from headgate.node.admin import EnvoyAdmin
from headgate.node.apply import Files, Refused
from headgate.node.paths import NodePaths
from tests.unit.node.envoy_admin import FileReader

pytestmark = pytest.mark.anyio
CHOICES = "headgate.shield.json"


class CountingBytes:
    """Random bytes that can be foretold."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, count: int, /) -> bytes:
        self._count += 1
        return self._count.to_bytes(count, "big")


@pytest.fixture
def files(paths: NodePaths) -> Files:
    return Files(paths, CountingBytes())


@pytest.fixture
def reader(paths: NodePaths) -> FileReader:
    return FileReader(paths)


def admin(reader: FileReader) -> EnvoyAdmin:
    return cast("EnvoyAdmin", cast("Any", reader))


def revision(
    number: int, *clusters: str, routes: str = "r", listener: str = "l"
) -> dict[str, bytes]:
    named = {"cds.json": clusters, "lds.json": (listener,), "rds.pb": (routes,)}
    return {
        name: orjson.dumps(
            {
                "version_info": str(number),
                "type_url": name,
                "resources": [{"name": one, "of": number} for one in resources],
            }
        )
        for name, resources in named.items()
    }


async def test_old_upstreams_stay_until_no_route_names_them(
    files: Files, reader: FileReader
) -> None:
    await files.replace(admin(reader), revision(1, "a", "b"))
    reader.history.clear()
    await files.replace(admin(reader), revision(2, "b", "c"))
    assert reader.history == [
        ("cds.json", ["b", "c", "a"]),
        ("lds.json", ["l"]),
        ("rds.pb", ["r"]),
        ("cds.json", ["b", "c"]),
    ]


def with_choices(files: dict[str, bytes], *names: str) -> dict[str, bytes]:
    """The files of a revision whose routes choose among these filters."""
    held = {name: {"filters": []} for name in names}
    resource = {"name": "shield", "typed_config": {"named_filter_chains": held}}
    made = {"version_info": "1", "type_url": "t", "resources": [resource]}
    routes = files.pop("rds.pb")
    return {**files, CHOICES: orjson.dumps(made), "rds.pb": routes}


async def test_filters_that_routes_choose_stay_until_no_route_names_them(
    files: Files, reader: FileReader
) -> None:
    await files.replace(admin(reader), with_choices(revision(1, "a"), "x", "y"))
    reader.history.clear()
    await files.replace(admin(reader), with_choices(revision(2, "a", routes="to z"), "y", "z"))
    assert reader.history == [
        ("cds.json", ["a"]),
        ("lds.json", ["l"]),
        (CHOICES, ["x", "y", "z"]),
        ("rds.pb", ["to z"]),
        (CHOICES, ["y", "z"]),
    ]


async def test_no_route_names_a_new_upstream_before_it_is_warm(
    files: Files, reader: FileReader
) -> None:
    await files.replace(admin(reader), revision(1, "a"))
    reader.history.clear()
    reader.slow = {"b": 2}
    await files.replace(admin(reader), revision(2, "a", "b", routes="to b"))
    assert reader.history == [
        ("cds.json", ["a", "b"]),
        ("warming", ["b"]),
        ("warming", ["b"]),
        ("lds.json", ["l"]),
        ("rds.pb", ["to b"]),
    ]
    assert files.cold == {}


async def test_an_upstream_that_does_not_get_ready_holds_nobody_up_for_ever(
    paths: NodePaths, reader: FileReader
) -> None:
    impatient = Files(paths, CountingBytes(), warm_seconds_max=0.0)
    reader.slow = {"b": 5}
    await impatient.replace(admin(reader), revision(1, "a", "b"))
    assert reader.history[-1] == ("rds.pb", ["r"])
    assert impatient.cold == {"b": ""}
    reader.history.clear()
    await impatient.replace(admin(reader), revision(2, "a", "b", routes="other"))
    assert reader.history[-1] == ("rds.pb", ["other"])
    assert impatient.cold == {"b": ""}
    reader.slow = {}
    await impatient.look_at_cold(admin(reader))
    assert impatient.cold == {}


async def test_a_file_that_did_not_change_is_not_written(files: Files, reader: FileReader) -> None:
    await files.replace(admin(reader), revision(1, "a"))
    reader.history.clear()
    again = {
        name: data.replace(b'"version_info":"1"', b'"version_info":"2"')
        for name, data in revision(1, "a").items()
    }
    await files.replace(admin(reader), again)
    assert reader.history == []
    files.forget()
    await files.replace(admin(reader), again)
    assert [name for name, _ in reader.history] == ["cds.json", "lds.json", "rds.pb"]


async def test_a_refusal_carries_envoys_words_and_the_last_good_files_come_back(
    files: Files, reader: FileReader, paths: NodePaths
) -> None:
    await files.replace(admin(reader), revision(1, "a"))
    files.keep()
    with pytest.raises(Refused, match=r"^no bad one please$"):
        await files.replace(admin(reader), revision(2, "b", routes="bad"))
    await files.restore(admin(reader))
    assert reader.history[-1] == ("cds.json", ["a"])
    routes = orjson.loads((paths.resources / "rds.pb").read_bytes())
    assert routes["resources"] == [{"name": "r", "of": 1}]


def test_a_binary_file_gets_a_version_of_its_own_too(files: Files, paths: NodePaths) -> None:
    response = {"version_info": "7", "resources": [], "type_url": "t"}
    files.prepare({"rds.pb": discovery_file(response)})
    version = b"7.000001"
    rest = discovery_file({"resources": [], "type_url": "t"})
    written = (paths.resources / "rds.pb").read_bytes()
    assert written == b"\x0a" + bytes([len(version)]) + version + rest


async def test_what_an_envoy_took_at_its_start_is_confirmed(
    files: Files, reader: FileReader
) -> None:
    files.prepare(revision(1, "a"))
    await files.confirm(admin(reader))
    files.prepare(revision(2, "a", listener="bad"))
    with pytest.raises(Refused):
        await files.confirm(admin(reader))


def test_keeping_twice_leaves_nothing_behind(files: Files, paths: NodePaths) -> None:
    files.prepare(revision(1, "a"))
    files.keep()
    files.keep()
    names = sorted(path.name for path in paths.last_resources.iterdir())
    assert names == ["cds.json", "lds.json", "rds.pb"]


def test_the_files_of_a_gone_envoy_fall_back_to_the_last_good_ones(
    files: Files, paths: NodePaths
) -> None:
    files.prepare(revision(1, "a"))
    files.keep()
    files.prepare(revision(2, "b"))
    files.fall_back()
    clusters = orjson.loads((paths.resources / "cds.json").read_bytes())
    assert clusters["resources"] == [{"name": "a", "of": 1}]
