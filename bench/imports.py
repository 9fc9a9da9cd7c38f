"""How soon is the largest document that we know imported? GitHub's, 13 MB, 1,000 operations."""

import time
from collections.abc import Callable

import orjson
import yaml

from bench.measure import Measurement
from headgate.catalog.changes import changes
from headgate.core.problems import Problem
from tests.support import npm
from tests.support.documents import import_text

SECONDS_MAX = 10  # "in seconds"
OWNER = '"#/components/schemas/simple-user"'


def run(*, is_quick: bool) -> list[Measurement]:
    """As JSON, as YAML, with a hundred mistakes, and compared with itself."""
    folder = npm.package("@octokit/openapi") / "generated"
    text = (folder / "api.github.com.json").read_text(encoding="utf-8")
    cases: dict[str, Callable[[], object]] = {
        "import of 13 MB, JSON": lambda: import_text(text, "github.json")
    }
    if not is_quick:
        document = orjson.loads(text)
        as_yaml = yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False)
        wrong = text.replace(OWNER, '"#/components/schemas/nobody"')
        cases |= {
            "import of 13 MB, YAML": lambda: import_text(as_yaml, "github.yaml"),
            "13 MB with mistakes, refused with their lines": lambda: _refused(wrong),
            "changes between two documents of 13 MB": lambda: changes(document, document),
        }
    return [
        Measurement("imports", what, _seconds(case), "s", SECONDS_MAX)
        for what, case in cases.items()
    ]


def _seconds(case: Callable[[], object]) -> float:
    began = time.perf_counter()
    case()
    return time.perf_counter() - began


def _refused(text: str) -> None:
    try:
        import_text(text, "github.json")
    except Problem:
        return
    raise RuntimeError("a document with mistakes was imported")
