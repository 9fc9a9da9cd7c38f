"""Do imports, policies and what is sold change as their pages say before they are changed?"""

import html
import re
from collections.abc import Iterator

import pytest

from headgate.web.site.choosing import CHOICES_MAX
from tests.support.console_world import DOCUMENT, ConsoleWorld, console_world
from tests.support.person import Person, words
from tests.support.tree import eventually

pytestmark = pytest.mark.integration
WITHOUT_ADD = DOCUMENT.replace(
    """    post:
      operationId: addPet
      responses: {"201": {description: Added}}
""",
    "",
)
BROKEN = DOCUMENT.replace('responses: {"200": {description: One pet}}', "responses: 7")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    with console_world(tmp_path_factory.mktemp("imports")) as running:
        yield running


def hidden(page: str) -> dict[str, str]:
    """What the page of differences carries to the confirmation."""
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    source = re.search(r'(?s)<textarea name="source"[^>]*>(.*?)</textarea>', page)
    assert source
    return {
        name: html.unescape(value)
        for name, value in (fields | {"source": source.group(1)}).items()
        if name not in {"csrfmiddlewaretoken", "next"}
    }


def looked_at(person: Person, **fields: str) -> str:
    page = person.send("/console/import", **fields)
    assert page.status_code == 200, words(page)
    return page.text


def test_a_new_api_is_looked_at_imported_and_published(world: ConsoleWorld) -> None:
    person = world.person("publisher")
    page = looked_at(person, name="birds", text=DOCUMENT, upstream=world.upstream)
    assert "A new API is made" in page
    assert world.api.get("/apis/birds").status_code == 404  # nothing is stored yet
    done = person.send("/console/import", **hidden(page), gateway="default", publish="1")
    assert "birds is imported" in words(done)
    assert [one["gateway"] for one in world.api.get("/apis/birds").json()["published"]] == [
        "default"
    ]
    eventually(lambda: world.up.call("/birds/pets").status_code == 401, 60.0)


def test_a_new_document_tells_what_breaks_whom_and_what_is_lost(world: ConsoleWorld) -> None:
    person = world.person("publisher")
    policy = [{"kind": "timeout", "settings": {"seconds": 5}}]
    world.api.put("/apis/pets/operations/addPet/policies", json=policy).raise_for_status()
    page = looked_at(person, name="pets", text=WITHOUT_ADD)
    seen = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())
    assert "Changes that break callers: 1" in seen
    assert "addPet removed breaking" in seen
    assert "acme/demo" in seen  # who called in the last 30 days
    assert "lost: no such operation" in seen
    before = world.api.get("/apis/pets").json()["document_sha256"]
    person.send("/console/import", **hidden(page), confirm="1")
    after = world.api.get("/apis/pets").json()
    assert after["document_sha256"] != before
    assert after["operations"] == 2


def test_mistakes_are_told_with_their_places_and_nothing_is_stored(world: ConsoleWorld) -> None:
    person = world.person("publisher")
    page = person.send("/console/import", name="wrong", text=BROKEN, upstream=world.upstream)
    assert page.status_code == 422
    assert "/paths/~1pets~1{id}/get/responses" in html.unescape(page.text)
    assert "line " in words(page)
    assert "operationId: getPet" in page.text  # what was typed is kept
    assert world.api.get("/apis/wrong").status_code == 404


def test_without_a_document_nothing_is_looked_at(world: ConsoleWorld) -> None:
    page = world.person("publisher").send("/console/import", name="nothing")
    assert page.status_code == 422
    assert "There is no document" in words(page)


def test_a_private_address_is_for_administrators(world: ConsoleWorld) -> None:
    page = world.person("publisher").send(
        "/console/import", name="inner", url=f"{world.upstream}/x.yaml", allow_private="on"
    )
    assert page.status_code == 403


def test_who_may_not_write_imports_nothing(world: ConsoleWorld) -> None:
    answer = world.person("operator").send(
        "/console", to="/console/import", name="mine", text=DOCUMENT, confirm="1"
    )
    assert answer.status_code == 403
    assert world.api.get("/apis/mine").status_code == 404


def settings(world: ConsoleWorld, path: str) -> dict[str, object]:
    """The attached policies by kind."""
    return {one["kind"]: one["settings"] for one in world.api.get(path).json()}


def test_a_policy_is_attached_by_its_form_and_read_back_as_yaml(world: ConsoleWorld) -> None:
    person = world.person("publisher")
    page = "/console/policy/api/pets?kind=timeout"
    told = person.send(page, to=page, mode="form", do="preview", **{"s.seconds": "7"})
    assert "What changes in force" in words(told)
    assert "timeout" not in settings(world, "/apis/pets/policies")  # only looked at
    switched = person.send(page, to=page, mode="form", do="yaml", **{"s.seconds": "7"})
    assert "seconds: 7" in switched.text
    back = person.send(page, to=page, mode="yaml", do="form", yaml="seconds: 7\n")
    assert re.search(r'name="s.seconds" value="7(\.0)?"', back.text)
    person.send(page, to=page, mode="yaml", do="save", yaml="seconds: 7\n")
    assert settings(world, "/apis/pets/policies")["timeout"] == {"seconds": 7}


def test_what_does_not_fit_is_told_at_its_field_and_nothing_is_attached(
    world: ConsoleWorld,
) -> None:
    person = world.person("publisher")
    page = "/console/policy/api/pets?kind=cors"
    refused = person.send(page, to=page, mode="form", do="save", **{"s.allow_origins": "nonsense"})
    assert refused.status_code == 422
    assert 'href="#s.allow_origins"' in refused.text
    assert "nonsense" in refused.text  # what was typed is kept
    refused = person.send(page, to=page, mode="yaml", do="save", yaml="a: [")
    assert refused.status_code == 422
    assert "line 1" in words(refused)
    assert "cors" not in settings(world, "/apis/pets/policies")


def test_all_policies_of_a_place_are_one_text(world: ConsoleWorld) -> None:
    person = world.person("publisher")
    page = "/console/policy/gateway/default?as=yaml"
    text = "- kind: ip_filter\n  settings:\n    deny: [203.0.113.0/24]\n"
    person.send(page, to=page, do="save", yaml=text)
    found = settings(world, "/gateways/default/policies")
    assert found == {"ip_filter": {"deny": ["203.0.113.0/24"]}}
    refused = person.send(page, to=page, do="save", yaml="- kind: nothing\n")
    assert refused.status_code == 422
    assert settings(world, "/gateways/default/policies") == found
    removed = person.send("/console/remove-policy/gateway/ip_filter/default")
    assert "It is removed" in words(removed)
    assert settings(world, "/gateways/default/policies") == {}


def test_what_cannot_be_undone_needs_its_name_typed(world: ConsoleWorld) -> None:
    person = world.person("publisher")
    world.post("/products", name="short", apis=["pets"])
    page = "/console/products/short/delete"
    refused = person.send(page, typed="shor")
    assert refused.status_code == 422
    assert world.api.get("/products/short").status_code == 200
    assert "was deleted" in words(person.send(page, typed="short"))
    assert world.api.get("/products/short").status_code == 404


def test_revoking_a_key_tells_who_called_and_stops_it(world: ConsoleWorld) -> None:
    person = world.person("operator")
    made = person.send("/console/applications/acme/demo/new-key", name="second", kind="key")
    found = re.search(r'<code id="secret">(hg_\w+)</code>', made.text)
    assert found
    assert made.headers["cache-control"] == "no-store"
    assert found.group(1) not in person.get("/console/keys").text  # never again
    page = f"/console/keys/{world.ids['key']}/revoke"
    assert "acme/demo" in words(person.get(page))
    assert "is revoked" in words(person.send(page, typed="first"))
    eventually(lambda: world.up.call("/pets/pets", world.key).status_code == 401, 60.0)
    assert world.up.call("/pets/pets", found.group(1)).status_code == 200


def test_a_plan_is_made_with_its_limits_and_a_wrong_limit_is_told(world: ConsoleWorld) -> None:
    person = world.person("publisher")
    page = "/console/products/basic/new-plan"
    refused = person.send(page, name="gold", rates="fast", quotas="", concurrent="")
    assert refused.status_code == 422
    assert "fast" in words(refused)
    done = person.send(page, name="gold", rates="5/second+10", quotas="", concurrent="2")
    assert "The plan was made" in words(done)
    plan = world.api.get("/products/basic/plans/gold").json()
    assert (plan["rates"], plan["concurrent"]) == (["5/second+10"], "2")


def test_of_many_plans_one_is_searched_and_of_many_apis_names_are_written(
    world: ConsoleWorld,
) -> None:
    apis = ["pets", *(f"copy-{n:02}" for n in range(CHOICES_MAX))]
    for name in apis[1:]:
        document = {"files": {"openapi.yaml": DOCUMENT}, "entry": "openapi.yaml"}
        world.post("/apis", name=name, document=document, upstream=world.upstream)
    for number in range(CHOICES_MAX):
        world.post("/products/basic/plans", name=f"plan-{number:02}")
    publisher, operator = world.person("publisher"), world.person("operator")
    page = "/console/products/basic/edit"
    assert 'type="checkbox"' not in publisher.get(page).text
    refused = publisher.send(page, title="Basic", apis="pets\nnowhere")
    assert (refused.status_code, "nowhere" in refused.text) == (422, True)
    assert "Saved" in words(publisher.send(page, title="Basic", apis="pets\ncopy-49"))
    assert world.api.get("/products/basic").json()["apis"] == ["copy-49", "pets"]
    world.post("/applications", organization="acme", name="buyer")
    page = "/console/applications/acme/buyer/subscribe"
    assert "plan-49" not in operator.get(page).text
    assert operator.get(f"{page}?q=plan-49").text.count('<option value="basic/') == 1
    assert operator.send(page, plan="basic/none", until="").status_code == 404
    done = operator.send(f"{page}?q=plan-0", plan="basic/plan-49", until="")
    assert "It is subscribed to basic/plan-49" in words(done)


def test_lists_are_also_csv_and_json_and_are_searched(world: ConsoleWorld) -> None:
    person = world.person("auditor")
    assert person.get("/console/apis?format=json").json()["apis"][0]["name"] == "birds"
    assert person.get("/console/keys?format=csv").text.startswith("key,prefix,application")
    assert "No API" not in words(person.get("/console/apis?q=pets"))
    assert "Nothing fits" in words(person.get("/console/apis?q=nowhere"))
    entries = person.get("/console/audit?action=credential.revoked&format=json").json()["audit"]
    assert {one["action"] for one in entries} == {"credential.revoked"}


def test_traffic_is_filtered_and_each_request_explained(world: ConsoleWorld) -> None:
    person = world.person("security")
    world.up.call("/pets/pets/wanted")

    def is_there() -> bool:
        return "/pets/pets/wanted" in person.get("/console/traffic?text=WANTED&status=4xx").text

    eventually(is_there, 60.0)
    assert "/pets/pets/wanted" not in person.get("/console/traffic?text=unwanted").text
    assert person.get("/console/traffic?status=abc").status_code == 422
    items = person.get("/console/traffic?text=wanted&format=json").json()["requests"]
    page = words(person.get(f"/console/requests/{items[0]['request_id']}"))
    assert "no_credential" in page
    by = person.get("/console/numbers?by=verdict&span=1h&format=json").json()["numbers"]
    assert {"allowed", "no_credential"} <= {one["key"] for one in by}
    assert person.get("/console/numbers?by=nothing").status_code == 422


def test_a_version_ends_in_steps_and_its_callers_are_seen(world: ConsoleWorld) -> None:
    person = world.person("publisher")
    assert "acme/demo" in words(person.get("/console/apis/pets/callers"))
    page = "/console/apis/pets/deprecate"
    assert "acme/demo" in words(person.get(page))
    person.send(page, until="2099-12-30", link="https://example.com/end", successor="")
    assert world.api.get("/apis/pets").json()["lifecycle"]["state"] == "deprecated"
    refused = person.send("/console/apis/pets/retire", typed="pet")
    assert refused.status_code == 422
    assert world.api.get("/apis/pets").json()["lifecycle"]["state"] == "deprecated"
    person.send("/console/apis/pets/retire", typed="pets")
    assert world.api.get("/apis/pets").json()["lifecycle"]["state"] == "retired"
    eventually(lambda: world.up.call("/pets/pets").status_code == 410, 60.0)
