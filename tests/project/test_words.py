"""Does the repository speak of itself alone, in the words it has agreed on?"""

import ast
import re

import pytest

from tests.project.tree import ROOT, SOURCE, tracked

VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
UNFINISHED = re.compile(
    "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error"])
)
HOSTS = re.compile("|".join(["pypi" + r"\.org", "npmjs" + r"\.(org|com)", "deb" + r"ian\.org"]))
MACHINE_PATHS = re.compile("/" + "(work|root|farm)/")
CONFLICT = re.compile("^(<{7} |={7}$|>{7} )")
TEXT = (
    "*.py",
    "*.zig",
    "*.md",
    "*.toml",
    "*.yaml",
    "*.yml",
    "Makefile",
    "*.sh",
    "scripts/*",
    ".ci/*",
)


def _found(pattern: re.Pattern[str], *globs: str) -> list[str]:
    hits = []
    for path in tracked(*globs):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if pattern.search(line):
                hits.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    return hits


def test_no_module_has_a_name_that_says_nothing() -> None:
    vague = [p for p in tracked("src/*.py") if VAGUE_NAMES & set(p.with_suffix("").parts)]
    assert vague == []


@pytest.mark.parametrize(
    "pattern",
    [UNFINISHED, HOSTS, MACHINE_PATHS, CONFLICT],
    ids=["unfinished", "hosts", "paths", "conflict"],
)
def test_nothing_unfinished_and_no_foreign_place_is_named(pattern: re.Pattern[str]) -> None:
    assert _found(pattern, *TEXT) == []


def test_every_module_opens_with_a_docstring() -> None:
    silent = []
    for path in tracked("src/*.py"):
        if not ast.get_docstring(ast.parse(path.read_text())):
            silent.append(str(path.relative_to(SOURCE)))
    assert silent == []


def test_every_ignored_rule_has_its_reason() -> None:
    bare = re.compile(r"#\s*(noqa(:\s*[A-Z0-9, ]+)?|type:\s*ignore(\[[a-z-, ]+\])?)\s*$")
    assert _found(bare, "src/*.py") == []
