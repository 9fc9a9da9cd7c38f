"""Do the documented commands exist, and does CI run them?"""

import re

from tests.project.tree import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()


def test_the_rituals_exist_and_are_explained() -> None:
    explained = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))
    assert {"help", "run", "test", "check", "bench"} <= explained


def test_ci_runs_the_two_rituals_and_nothing_else() -> None:
    commands = re.findall(r"^make .*", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert commands == ["make check", "make test"]


def test_every_make_command_that_the_documents_name_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    for document in ("README.md", "CONTRIBUTING.md"):
        named = set(
            re.findall(
                r"`make ([a-z-]+)`|^make ([a-z-]+)", (ROOT / document).read_text(), re.MULTILINE
            )
        )
        assert {a or b for a, b in named} <= targets
