"""Does every row of the conformance table name a test, and is it there?"""

import ast
import re

import pytest

from tests.project.tree import ROOT

TABLE = ROOT / "docs" / "conformance.md"
STANDARDS = ("RFC 9110", "RFC 9111", "RFC 6750", "RFC 7519", "RFC 7515", "RFC 9457", "ratelimit")
NAMED = re.compile(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)(?:\[([^\]]+)\])?`")


def rows(text: str) -> list[str]:
    """The last cell of each row of a table, its head aside."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [line.strip("| ").rpartition("|")[2] for line in lines if not _is_head(line)]


def _is_head(line: str) -> bool:
    return set(line) <= set("|-") or line == "| source | what | test |"


def missing(cell: str) -> str:
    """What is wrong with the test that a row names; empty when nothing is."""
    found = NAMED.fullmatch(cell.strip())
    if found is None:
        return f"names no test: {cell}"
    path, name, case = found.groups()
    if not (ROOT / path).is_file():
        return f"there is no {path}"
    text = (ROOT / path).read_text()
    functions = {one.name for one in ast.parse(text).body if isinstance(one, ast.FunctionDef)}
    if name not in functions:
        return f"{path} has no {name}"
    return f"{path} has no case {case}" if case and f'"{case}"' not in text else ""


def test_every_row_names_a_test_that_is_there() -> None:
    found = rows(TABLE.read_text())
    assert len(found) > 40
    assert [wrong for wrong in map(missing, found) if wrong] == []


def test_every_standard_that_callers_count_on_is_in_the_table() -> None:
    text = TABLE.read_text()
    assert [name for name in STANDARDS if name not in text] == []


@pytest.mark.parametrize(
    "cell",
    [
        "by hand",
        "`tests/project/test_nowhere.py::test_x`",
        "`tests/project/test_conformance.py::test_that_is_not_there`",
        "`tests/project/test_conformance.py::test_every_row_names_a_test_that_is_there[no case]`",
    ],
)
def test_a_row_without_a_test_is_found(cell: str) -> None:
    assert missing(cell)
