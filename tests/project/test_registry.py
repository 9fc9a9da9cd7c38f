"""Can an extension be added as one file and nothing else?"""

import json
import re

import pytest

from headgate.gateway.policy import policies
from tests.project.tree import ROOT, SOURCE, tracked

FOLDER = SOURCE / "gateway" / "policies"


def test_every_file_of_a_registry_registers_an_extension_of_its_own_name() -> None:
    files = {p.stem for p in FOLDER.glob("*.py") if not p.stem.startswith("_")}
    assert files == set(policies)


@pytest.mark.parametrize("kind", list(policies))
def test_an_extension_shows_a_valid_example_and_names_its_source(kind: str) -> None:
    policy = policies[kind]
    assert policy.model_validate(policy.example)
    assert "Source:" in (policy.__doc__ or "")
    assert all(f.description for f in policy.model_fields.values())
    json.dumps(policy.model_json_schema())


@pytest.mark.parametrize("kind", list(policies))
def test_nothing_else_names_an_extension(kind: str) -> None:
    naming = re.compile(rf"policies[./]{kind}\b|policies import {kind}\b")
    hits = [
        str(path.relative_to(ROOT))
        for path in tracked("src/*.py")
        if path.parent != FOLDER and naming.search(path.read_text())
    ]
    assert hits == []
