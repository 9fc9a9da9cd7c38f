"""Is Envoy started from the same things, found again, and kept from what it must not know?"""

import dataclasses
from pathlib import Path

import pytest

from headgate.gateway.filter import LIBRARIES
from headgate.node.launch import (
    EnvoyProcess,
    EnvoyRecord,
    Launcher,
    command,
    fingerprint,
    node_settings,
    rotate_log,
    tail,
)
from headgate.node.paths import NodePaths
from headgate.node.settings import AgentSettings


@pytest.fixture
def settings(paths: NodePaths) -> AgentSettings:
    return AgentSettings(data=paths.folder.parent, workers=1)


def test_the_same_settings_have_one_fingerprint_whatever_the_boot(settings: AgentSettings) -> None:
    assert fingerprint(settings, "nod1") == fingerprint(settings, "nod1")


@pytest.mark.parametrize("change", [{"workers": 2}, {"drain_seconds": 9.0}])
def test_what_a_running_envoy_cannot_change_changes_the_fingerprint(
    settings: AgentSettings, change: dict[str, float]
) -> None:
    changed = dataclasses.replace(settings, **change)  # type: ignore[arg-type]
    assert fingerprint(changed, "nod1") != fingerprint(settings, "nod1")


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_new_filter_changes_the_fingerprint(
    settings: AgentSettings, tmp_path: Path, library: str
) -> None:
    mine = dataclasses.replace(settings, filter_folder=tmp_path)
    before = fingerprint(mine, "nod1")
    (tmp_path / library).write_bytes(b"new")
    assert fingerprint(mine, "nod1") != before


def test_a_port_is_changed_without_another_envoy(settings: AgentSettings) -> None:
    moved = dataclasses.replace(settings, port=settings.port + 1)
    assert fingerprint(moved, "nod1") == fingerprint(settings, "nod1")


def test_every_boot_has_its_own_admin_socket_and_is_named_in_the_command(
    settings: AgentSettings,
) -> None:
    arguments = command(settings, node_settings(settings, "nod1"), "0123abcd")
    assert "0123abcd" in arguments
    assert any("admin-0123abcd.sock" in argument for argument in arguments)


def test_what_was_remembered_is_recalled_and_damage_is_nothing(settings: AgentSettings) -> None:
    launcher = Launcher(settings, "nod1")
    record = EnvoyRecord(EnvoyProcess("0123abcd", "f", 7, 8))
    launcher.remember(record)
    assert launcher.recall() == record
    settings.paths.process.write_text("{")
    assert launcher.recall() is None
    assert launcher.find() is None


def test_envoy_inherits_no_secret(settings: AgentSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE_TOKEN", "hgt_secret")
    program = settings.data / "envoy"
    program.write_text("#!/bin/sh\nenv\n")
    program.chmod(0o755)
    launcher = Launcher(dataclasses.replace(settings, envoy=program), "nod1")
    started = launcher.start("0123abcd")
    assert launcher.ending(started) == "ended with code 0"
    said = settings.paths.envoy_log.read_text()
    assert "ENVOY_DYNAMIC_MODULES_SEARCH_PATH" in said
    assert "hgt_secret" not in said


def test_a_large_log_is_set_aside_and_a_small_one_is_not(tmp_path: Path) -> None:
    log = tmp_path / "envoy.log"
    assert not rotate_log(log)
    log.write_text("one\n")
    assert not rotate_log(log)
    assert rotate_log(log, bytes_max=2)
    assert (tmp_path / "envoy.log.1").read_text() == "one\n"
    assert not log.exists()


def test_the_last_words_are_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "envoy.log"
    assert tail(log) == ""
    log.write_text("".join(f"{number}\n" for number in range(10)))
    assert tail(log, lines=2) == "8\n9"
