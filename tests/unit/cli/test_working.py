"""Is something seen at a terminal while a command takes its time, and nowhere else?"""

import os
import pty
import subprocess
import sys

import pytest

CODE = """
import sys, time
from headgate.cli.output import Output
with Output(is_json=sys.argv[1] == "json").working("importing pets"):
    time.sleep(0.3)
"""


def _seen(form: str, *, has_terminal: bool) -> str:
    """What the standard error of a piece of work shows."""
    ours, theirs = pty.openpty() if has_terminal else os.pipe()
    environment = os.environ | {"TERM": "xterm"}
    command = [sys.executable, "-c", CODE, form]
    subprocess.run(command, stderr=theirs, env=environment, check=True, timeout=60)
    os.write(theirs, b"END")
    os.close(theirs)
    found = b""
    while not found.endswith(b"END"):
        found += os.read(ours, 65_536)
    os.close(ours)
    return found.removesuffix(b"END").decode()


def test_a_person_at_a_terminal_sees_what_is_under_way() -> None:
    assert "importing pets" in _seen("text", has_terminal=True)


@pytest.mark.parametrize(("form", "has_terminal"), [("json", True), ("text", False)])
def test_a_machine_sees_nothing_of_it(form: str, has_terminal: bool) -> None:
    assert _seen(form, has_terminal=has_terminal) == ""
