"""Is how an API is served changed by form and by YAML: upstream, keys, scopes, what is cached?"""

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from headgate.model.codec import as_json
from tests.support.console_world import ConsoleWorld, console_world
from tests.support.person import Person, words
from tests.support.store import REPORT
from tests.support.tree import eventually

pytestmark = pytest.mark.integration
PAGE = "/console/apis/pets/upstream"
INPUT = re.compile(r'<input (?:type="(\w+)" )?id="s\.[^"]*" name="([^"]+)" value="([^"]*)"([^>]*)>')
AREA = re.compile(r'(?s)<textarea id="s\.[^"]*" name="([^"]+)"[^>]*>(.*?)</textarea>')


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    with console_world(tmp_path_factory.mktemp("serving")) as running:
        yield running


def filled(person: Person) -> dict[str, str]:
    """What a browser would send of the upstream's form as it opens."""
    page = person.get(PAGE).text
    fields = {"mode": "form"}
    for kind, name, value, more in INPUT.findall(page):
        if kind != "checkbox" or "checked" in more:
            fields[name] = html.unescape(value)
    fields |= {name: html.unescape(value) for name, value in AREA.findall(page)}
    written = re.search(r'name="written" value="([^"]*)"', page)
    assert written
    return fields | {"written": written.group(1)}


def upstream(world: ConsoleWorld) -> dict[str, Any]:
    found: dict[str, Any] = world.api.get("/apis/pets").json()["upstream"]
    return found


def test_an_untouched_form_changes_nothing(world: ConsoleWorld) -> None:
    person, before = world.person("publisher"), upstream(world)
    assert "Saved" in words(person.send(PAGE, **filled(person), do="save"))
    assert upstream(world) == before


def test_hosts_weights_health_and_limits_are_set_by_form(world: ConsoleWorld) -> None:
    person, before = world.person("publisher"), upstream(world)
    changed = filled(person) | {
        "s.hosts.0.weight": "3",
        "s.hosts.1.host": "127.0.0.2",
        "s.hosts.1.port": "9001",
        "s.hosts.1.weight": "1",
        "s.timeout_seconds": "2.5",
        "s.retries_max": "0",
        "s.health_check": "on",
        "s.health_check.path": "/up",
    }
    looked_at = words(person.send(PAGE, **changed, do="preview"))
    assert "hosts.2.host" in looked_at
    assert "retries_max 1 0" in looked_at
    assert upstream(world) == before  # only looked at
    person.send(PAGE, **changed, do="save")
    after = upstream(world)
    assert [one["weight"] for one in after["hosts"]] == [3, 1]
    assert after["hosts"][1] == {"host": "127.0.0.2", "port": 9001, "weight": 1}
    assert (after["timeout_seconds"], after["retries_max"]) == (2.5, 0)
    assert after["health_check"]["path"] == "/up"
    assert after["outlier_ejection"] == before["outlier_ejection"]


def test_the_same_by_yaml_and_back(world: ConsoleWorld) -> None:
    person = world.person("publisher")
    shown = person.send(PAGE, **filled(person), do="yaml")
    area = re.search(r'(?s)<textarea id="yaml"[^>]*>(.*?)</textarea>', shown.text)
    assert area
    text = html.unescape(area.group(1)).replace("is_http2: false", "is_http2: true")
    back = person.send(PAGE, mode="yaml", yaml=text, do="form")
    assert re.search(r'name="s.is_http2" value="on" checked', back.text)
    person.send(PAGE, mode="yaml", yaml=text, do="save")
    assert upstream(world)["is_http2"] is True


def test_what_does_not_fit_is_told_at_its_field_and_nothing_is_changed(
    world: ConsoleWorld,
) -> None:
    person, before = world.person("publisher"), upstream(world)
    wrong = filled(person) | {"s.hosts.0.port": "70000", "s.timeout_seconds": "soon"}
    refused = person.send(PAGE, **wrong, do="save")
    assert refused.status_code == 422
    assert 'href="#s.timeout_seconds"' in refused.text
    refused = person.send(PAGE, **(wrong | {"s.timeout_seconds": "1"}), do="save")
    assert refused.status_code == 422
    assert 'href="#s.hosts"' in refused.text
    assert 'value="70000"' in refused.text  # what was typed is kept
    unknown = filled(person) | {"s.hosts.0.host": "no-such-host.invalid"}
    assert "does not resolve" in words(person.send(PAGE, **unknown, do="save"))
    assert upstream(world) == before


def test_where_keys_are_sent_is_a_setting(world: ConsoleWorld) -> None:
    person = world.person("publisher")
    page = "/console/apis/pets/settings"
    shown = re.search(r'name="upstream" value="([^"]+)"', person.get(page).text)
    assert shown
    fields = {"title": "Pets", "base_path": "/pets", "upstream": shown.group(1)}
    refused = person.send(page, **fields, key_sources="cookie:x", version_by="")
    assert refused.status_code == 422
    person.send(page, **fields, key_sources="header:X-Key\nbearer", version_by="header:X-Version")
    found = world.api.get("/apis/pets").json()
    assert [one["location"] for one in found["key_sources"]] == ["header", "bearer"]
    assert found["key_sources"][0]["name"] == "x-key"
    assert found["version_by"] == "header:x-version"


def test_scopes_and_roles_of_an_operation_are_set_and_given_back(world: ConsoleWorld) -> None:
    person = world.person("publisher")
    page = "/console/scopes/pets/listPets"
    refused = person.send(page, source="own", any_of='pets:"read"', roles="")
    assert refused.status_code == 422
    assert "visible ASCII" in words(refused)
    person.send(page, source="own", any_of="pets:read pets:list\nadmin", roles="clerk")
    policies = world.api.get("/apis/pets/operations/listPets/policies").json()
    settings = {"any_of": ["pets:read pets:list", "admin"], "roles": ["clerk"]}
    assert policies == [{"kind": "scopes", "settings": settings}]
    told = words(person.get("/console/apis/pets/operations/listPets"))
    assert "the scopes pets:read pets:list or admin; one of the roles clerk" in told
    person.send(page, source="document", any_of="", roles="")
    assert world.api.get("/apis/pets/operations/listPets/policies").json() == []


def test_a_cache_is_emptied_of_one_operation_or_all(world: ConsoleWorld) -> None:
    person = world.person("publisher")
    page = "/console/apis/pets/purge"
    before = world.api.get("/gateways/default").json()["revision"]
    assert "acme/demo" in words(person.get(page))  # who called in the last 30 days
    told = person.send(page, gateway="default", operation="listPets")
    assert "is on its way to the nodes" in words(told)
    assert world.api.get("/gateways/default").json()["revision"] == before + 1
    refused = person.send(page, gateway="default", operation="nothing")
    assert refused.status_code == 422
    eventually(lambda: world.up.call("/pets/pets", world.key).status_code == 200, 60.0)


def test_what_envoy_refuses_is_shown_in_its_own_words_until_it_is_mended(
    world: ConsoleWorld,
) -> None:
    person = world.person("operator")
    token = world.post("/nodes", name="edge", gateway="default")["token"]
    wanted = world.api.get("/gateways/default").json()["revision"]
    refused = "Duplicate entry of domain edge-only"

    def report(live: int, error: str) -> None:
        said = replace(
            REPORT,
            node="edge",
            reported_at=datetime.now(UTC),
            revision_seen=wanted,
            revision_live=live,
            revision_error=error,
            access_generation="",
        )
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        url = f"{world.up.web}/node/v1/report"
        answer = httpx2.post(url, content=as_json(said), headers=headers, trust_env=False)
        assert answer.status_code == 204, answer.text

    report(wanted - 1, refused)
    for page in ("/console", "/console/nodes", "/console/nodes/edge", "/console/gateways/default"):
        assert refused in words(person.get(page)), page
    rows = person.get("/console/nodes?format=json").json()["nodes"]
    edge = next(row for row in rows if "edge" in row.values())
    assert (edge["live"], edge["wanted"], edge["says"]) == (wanted - 1, wanted, refused)
    report(wanted, "")
    for page in ("/console", "/console/nodes", "/console/nodes/edge", "/console/gateways/default"):
        assert refused not in words(person.get(page)), page
    world.api.delete("/nodes/edge")
