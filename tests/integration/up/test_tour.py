"""Does the README's tour work when it is typed line by line?

Its own lines are run by a shell, with other ports and another folder than a reader's.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from headgate.cli.up.answering import free_port
from tests.support.tree import Tree, environment, tree

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]
TOUR_SECONDS_MAX = 120


def _blocks() -> list[str]:
    section = (ROOT / "README.md").read_text().split("## Ten minutes")[1].split("\n## ")[0]
    return re.findall(r"^```\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


def _script(up: Tree, lines: str) -> str:
    """The tour for a shell that stops at the first line that fails."""
    upstream = str(free_port("127.0.0.1"))
    for given, here in {
        "$PWD/.venv/bin": str(Path(sys.executable).parent),
        "$PWD/.headgate-tour": str(up.data),
        "127.0.0.1:8080": f"127.0.0.1:{up.gateway_port}",
        "9000": upstream,
        "headgate key create demo": "KEY=$(headgate key create demo)",
        "hg_…": "$KEY",
    }.items():
        assert given in lines
        lines = lines.replace(given, here)
    before, started, after = lines.partition(f"--port {upstream} &\n")
    waiting = (
        "trap 'kill %1' EXIT\n"
        f"until curl -s http://127.0.0.1:{upstream}/get >/dev/null; do sleep 0.1; done\n"
    )
    return "set -eu\n" + before + started + waiting + after


def test_the_readmes_tour_can_be_typed(tmp_path: Path) -> None:
    start, tour = _blocks()
    assert start.split()[:2] == [".venv/bin/headgate", "up"]
    named = re.findall(r"--([a-z-]+) \S+", start)
    assert named == ["data", "gateway-port", "web-port"]
    with tree(tmp_path / "data") as up:
        ran = subprocess.run(
            ["bash", "-c", _script(up, tour)],
            cwd=tmp_path,
            env=environment(up.data) | {"PYTHONWARNINGS": "default"},
            capture_output=True,
            text=True,
            timeout=TOUR_SECONDS_MAX,
        )
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    for words in ("httpbin is live", "HTTP/1.1 200 OK", "GET /get", "0 changes"):
        assert words in ran.stdout
    assert "hg_" not in ran.stdout  # the key was taken by the shell, and is shown nowhere else
