"""Where does a command look for the control plane, and what does it say when there is none?"""

import json
from pathlib import Path

import pytest

from headgate.cli.connection import find_connection
from headgate.core.problems import Problem, ProblemType
from tests.unit.cli.conftest import Run


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "web.json").write_text(json.dumps({"url": "http://127.0.0.1:8000"}))
    (tmp_path / "admin.token").write_text("hgt_folder\n")
    return tmp_path


def test_the_data_folder_says_address_and_token(data: Path) -> None:
    found = find_connection(None, None, None, {"HEADGATE_DATA": str(data)})
    assert (found.url, found.token) == ("http://127.0.0.1:8000", "hgt_folder")
    assert found.is_local


def test_the_environment_goes_before_the_folder_and_an_option_before_both(data: Path) -> None:
    environment = {
        "HEADGATE_DATA": str(data),
        "HEADGATE_URL": "https://a.example/",
        "HEADGATE_TOKEN": "hgt_environment",
    }
    found = find_connection(None, None, None, environment)
    assert (found.url, found.token) == ("https://a.example", "hgt_environment")
    assert not found.is_local
    found = find_connection("http://b.example", "hgt_option", None, environment)
    assert (found.url, found.token) == ("http://b.example", "hgt_option")


def test_a_folder_where_nothing_runs_is_named_with_the_command_to_start(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        find_connection(None, None, tmp_path, {})
    assert caught.value.type is ProblemType.UNAVAILABLE
    assert f"headgate up --data {tmp_path}" in caught.value.next_step


def test_an_unreadable_token_is_said(data: Path) -> None:
    (data / "admin.token").unlink()
    with pytest.raises(Problem) as caught:
        find_connection(None, None, data, {})
    assert caught.value.type is ProblemType.UNAUTHENTICATED


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://x", "http://"])
def test_what_is_not_an_address_is_refused(data: Path, url: str) -> None:
    with pytest.raises(Problem) as caught:
        find_connection(url, None, data, {})
    assert "not an address" in caught.value.detail


def test_a_server_that_is_gone_is_one_message_with_a_next_step(
    monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    monkeypatch.setenv("HEADGATE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("HEADGATE_TOKEN", "hgt_test")
    ran = run("product", "list")
    assert ran.code == 1
    assert len(ran.err.splitlines()) == 2
    assert "headgate up" in ran.err
