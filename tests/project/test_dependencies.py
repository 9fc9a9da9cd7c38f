"""Is every dependency pinned, and does it say why it is there?"""

import json
import re
import tomllib

import pytest

from tests.project.tree import ROOT

PYPROJECT = (ROOT / "pyproject.toml").read_text()
NAME = re.compile(r"[A-Za-z0-9._-]+")


def _declared() -> dict[str, list[str]]:
    project = tomllib.loads(PYPROJECT)["project"]
    groups = {"run": project["dependencies"] + project["optional-dependencies"]["demo"]}
    return groups | {"dev": project["optional-dependencies"]["dev"]}


def _name(requirement: str) -> str:
    match = NAME.match(requirement)
    assert match is not None
    return match[0].lower().replace("_", "-")


def test_every_dependency_has_its_reason_beside_it() -> None:
    for requirement in [r for group in _declared().values() for r in group]:
        line = next(x for x in PYPROJECT.splitlines() if x.startswith(f'    "{requirement}",'))
        assert "#" in line, f"{requirement} has no reason in pyproject.toml"


@pytest.mark.parametrize("group", ["run", "dev"])
def test_the_lock_pins_every_dependency_with_a_hash(group: str) -> None:
    lock = (ROOT / "requirements" / f"{group}.lock").read_text()
    pinned = set(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==", lock, re.MULTILINE))
    missing = {_name(r) for r in _declared()[group]} - pinned
    assert missing == set(), f"run: make lock (missing {missing})"
    assert lock.count("--hash=sha256:") > len(pinned)


def test_the_packages_of_npm_are_pinned_with_a_hash_and_no_registry_is_named() -> None:
    folder = ROOT / "tests" / "npm"
    declared = json.loads((folder / "package.json").read_text())["dependencies"]
    lock = json.loads((folder / "package-lock.json").read_text())["packages"]
    for name, version in declared.items():
        assert lock[f"node_modules/{name}"]["version"] == version, f"run: make lock ({name})"
    packages = {place: given for place, given in lock.items() if place}
    assert all(given["integrity"].startswith("sha512-") for given in packages.values())
    assert [place for place, given in packages.items() if "resolved" in given] == []
