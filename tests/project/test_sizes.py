"""Is every module and function short enough to be read in one go?"""

import ast
from pathlib import Path

from tests.project.tree import ROOT, tracked

MODULE_LINES_MAX = 400
TEST_MODULE_LINES_MAX = 600
FUNCTION_LINES_MAX = 60
FILTER_CODE_LINES_MAX = 870  # without tests, comments and blank lines
TOKENS_CODE_LINES_MAX = 145  # what reads a token and its facts, beside the access filter proper
CALLERS_CODE_LINES_MAX = 120  # which route a call is on, and takes once its caller is known
LIMITS_CODE_LINES_MAX = 370  # how much a caller may use, and the counting of it
CACHE_CODE_LINES_MAX = 710  # with the part of Envoy's ABI that it shares with the next
JSON_CODE_LINES_MAX = 260
ERRORS_CODE_LINES_MAX = 170  # in which form refusals are written
SCOPES_CODE_LINES_MAX = 120  # what an operation needs and a token grants
GRANTS_CODE_LINES_MAX = 20  # who was granted sensitive data
TRIAL_CODE_LINES_MAX = 80  # what answers a trial in place of an upstream
SCHEMES_CODE_LINES_MAX = 110  # which credentials a request carries


def _lines(path: str) -> int:
    return len((ROOT / path).read_text().splitlines())


def test_no_module_is_longer_than_its_limit() -> None:
    long = []
    for path in tracked("src/*.py", "src/*.zig", "tests/*.py", "bench/*.py", "hatch_build.py"):
        name = str(path.relative_to(ROOT))
        limit = TEST_MODULE_LINES_MAX if name.startswith("tests/") else MODULE_LINES_MAX
        if _lines(name) > limit:
            long.append(f"{name}: {_lines(name)} lines, at most {limit}")
    assert long == []


def test_no_function_is_longer_than_its_limit() -> None:
    long = []
    for path in tracked("src/*.py", "bench/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length}")
    assert long == []


def _zig_code_lines(path: Path) -> int:
    code = path.read_text().partition("\nconst testing = std.testing;")[0].partition("\ntest ")[0]
    return sum(
        1 for line in code.splitlines() if line.strip() and not line.strip().startswith("//")
    )


def test_the_filter_stays_small_enough_to_audit() -> None:
    sources = [path for path in tracked("src/*.zig") if "tests" not in path.name]
    cache = [path for path in sources if path.name.startswith(("cache", "body"))]
    errors = [path for path in sources if path.name.startswith("error")]
    json = [path for path in sources if path.name.startswith("json")]
    written = {"layout.zig"}  # from Python's description, which is read instead
    tokens = [path for path in sources if path.name in {"tokens.zig", "jose.zig"}]
    scopes = [path for path in sources if path.name == "scopes.zig"]
    grants = [path for path in sources if path.name == "grants.zig"]
    schemes = [path for path in sources if path.name == "schemes.zig"]
    callers = [path for path in sources if path.name == "callers.zig"]
    trial = [path for path in sources if path.name == "trial.zig"]
    counting = {"limits.zig", "calendar.zig", "allowances.zig", "concurrent.zig"}
    limits = [path for path in sources if path.name in counting]
    apart = {*cache, *errors, *tokens, *json, *scopes, *schemes, *callers, *trial, *limits, *grants}
    access = [path for path in sources if path not in apart and path.name not in written]
    assert 0 < sum(_zig_code_lines(path) for path in access) <= FILTER_CODE_LINES_MAX
    assert 0 < sum(_zig_code_lines(path) for path in tokens) <= TOKENS_CODE_LINES_MAX
    assert 0 < sum(_zig_code_lines(path) for path in callers) <= CALLERS_CODE_LINES_MAX
    assert 0 < sum(_zig_code_lines(path) for path in limits) <= LIMITS_CODE_LINES_MAX
    assert 0 < sum(_zig_code_lines(path) for path in cache) <= CACHE_CODE_LINES_MAX
    assert 0 < sum(_zig_code_lines(path) for path in json) <= JSON_CODE_LINES_MAX
    assert 0 < sum(_zig_code_lines(path) for path in errors) <= ERRORS_CODE_LINES_MAX
    assert 0 < sum(_zig_code_lines(path) for path in scopes) <= SCOPES_CODE_LINES_MAX
    assert 0 < sum(_zig_code_lines(path) for path in grants) <= GRANTS_CODE_LINES_MAX
    assert 0 < sum(_zig_code_lines(path) for path in trial) <= TRIAL_CODE_LINES_MAX
    assert 0 < sum(_zig_code_lines(path) for path in schemes) <= SCHEMES_CODE_LINES_MAX
