"""Commands as a person runs them, against a recording server."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from headgate.cli.main import main
from tests.support.rest_server import RestServer, serving


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def rest(monkeypatch: pytest.MonkeyPatch) -> Iterator[RestServer]:
    with serving() as server:
        monkeypatch.setenv("HEADGATE_URL", server.url)
        monkeypatch.setenv("HEADGATE_TOKEN", "hgt_test")
        yield server


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["headgate", *arguments])
        code = main()
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run
