"""Is everything that keeps a node from starting said at once, with the next step?"""

import os
import socket
from pathlib import Path

import pytest

from headgate.core.problems import DependencyError, Problem
from headgate.node.durable import write_file
from headgate.node.main import check_port, control_plane_url
from headgate.node.paths import NodePaths
from headgate.node.settings import AgentSettings
from headgate.node.state import load_state, save_state
from headgate.node.troubles import SENTENCE_CHARACTERS_MAX, Topic, Troubles


def test_a_port_in_use_is_refused_by_its_number() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Problem, match=f"port {port}.*in use"):
            check_port("127.0.0.1", port)
    check_port("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(Problem, match=r"192\.0\.2\.1"):
        check_port("192.0.2.1", 8080)


@pytest.mark.parametrize(("name", "port"), [("a-b", 8080), ("", 0), ("", 70_000)])
def test_impossible_settings_cannot_be_built(tmp_path: Path, name: str, port: int) -> None:
    with pytest.raises(ValueError, match=r"hyphen|port"):
        AgentSettings(data=tmp_path, name=name, port=port)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Problem, match="cannot be written"):
        NodePaths(tmp_path / "file" / "node").create()


def test_the_folder_is_for_its_owner_alone(paths: NodePaths) -> None:
    assert paths.folder.stat().st_mode & 0o777 == 0o700


def test_the_control_plane_of_this_machine_is_found_anew_each_time(tmp_path: Path) -> None:
    settings = AgentSettings(data=tmp_path)
    with pytest.raises(DependencyError, match=r"web\.json"):
        control_plane_url(settings)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "web.json").write_text('{"url": "http://127.0.0.1:1/", "pid": 1}')
    assert control_plane_url(settings) == "http://127.0.0.1:1"
    (tmp_path / "run" / "web.json").write_text('{"url": "http://127.0.0.1:2", "pid": 1}')
    assert control_plane_url(settings) == "http://127.0.0.1:2"


def test_a_control_plane_that_is_set_goes_before(tmp_path: Path) -> None:
    settings = AgentSettings(data=tmp_path, control_plane="https://headgate.example.com/")
    assert control_plane_url(settings) == "https://headgate.example.com"


def test_a_node_keeps_its_name_and_a_damaged_state_is_made_anew(paths: NodePaths) -> None:
    state = load_state(paths.state)
    assert load_state(paths.state) == state
    assert "-" not in state.node
    save_state(paths.state, state.with_generation("g1"))
    assert load_state(paths.state).generation == "g1"
    assert load_state(paths.state, name="edge1").node == "edge1"
    paths.state.write_text("{")
    assert load_state(paths.state).node != "edge1"


def test_a_file_is_replaced_whole_and_kept_when_the_disk_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.json"
    write_file(path, b"old")
    write_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600

    def full(*_: object) -> int:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        write_file(path, b"newer")
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


def test_one_sentence_stands_for_each_trouble_until_it_is_over() -> None:
    troubles = Troubles()
    troubles.set(Topic.DISK, "full")
    troubles.set(Topic.SNAPSHOT, "refused")
    troubles.set(Topic.DISK, "x" * 2 * SENTENCE_CHARACTERS_MAX)
    assert [len(said) for said in troubles.sentences()] == [7, SENTENCE_CHARACTERS_MAX]
    troubles.clear(Topic.DISK)
    troubles.clear(Topic.DISK)
    assert troubles.sentences() == ("refused",)
    assert Topic.SNAPSHOT in troubles
