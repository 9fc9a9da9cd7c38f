"""Do the console's pages of secrets, trust, keys, erasure and settings hold what they say?"""

import re
from collections.abc import Iterator

import pytest

from tests.support.console_world import ConsoleWorld, console_world
from tests.support.person import words
from tests.support.tree import eventually

pytestmark = pytest.mark.integration
VALUE = "a-value-that-nobody-sees"
AUTH = {"scheme": "bearer", "secret": "${secret:billing}"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    with console_world(tmp_path_factory.mktemp("secrets")) as running:
        yield running


def test_a_secret_goes_in_and_no_page_ever_shows_it(world: ConsoleWorld) -> None:
    person = world.person("publisher")
    refused = person.send("/console/new/secret", name="No Name", value=VALUE)
    assert refused.status_code == 422
    assert VALUE not in refused.text  # not even what was just typed
    assert "is stored" in words(person.send("/console/new/secret", name="fresh", value=VALUE))
    assert "is stored" in words(person.send("/console/secrets/fresh/new-value", value=VALUE + "2"))
    assert world.api.get("/secrets/fresh").json()["version"] == 2
    for path in ("/console/secrets", "/console/secrets/fresh", "/console/audit"):
        assert VALUE not in world.person("admin").get(path).text
    assert "was deleted" in words(person.send("/console/secrets/fresh/delete", typed="fresh"))
    assert world.api.get("/secrets/fresh").status_code == 404


def test_a_secret_says_where_it_is_named_and_stays_while_it_is_live(world: ConsoleWorld) -> None:
    person = world.person("publisher")
    policy = [{"kind": "upstream_auth", "settings": AUTH}]
    world.api.put("/apis/pets/policies", json=policy).raise_for_status()
    page = person.get("/console/secrets/billing")
    assert 'href="/console/policies/api/pets"' in page.text
    assert "upstream_auth" in words(page)
    world.post("/apis/pets/publish", gateway="default")
    assert "default" in words(person.get("/console/secrets?used=yes"))
    refused = person.send("/console/secrets/billing/delete", typed="billing")
    assert refused.status_code == 422
    assert "in use on the gateway default" in words(refused)
    assert "Nothing fits" in words(person.get("/console/secrets?used=no"))


def test_a_certificate_and_a_foreign_client_are_trusted_and_no_more(world: ConsoleWorld) -> None:
    person = world.person("operator")
    page = "/console/applications/acme/demo/trust/"
    refused = person.send(f"{page}certificates", kind="subject", certificate="no PEM")
    assert refused.status_code == 422
    assert "cannot be used" in words(refused)
    made = person.send(f"{page}certificates", kind="uri", issuer="CN=Acme", name="spiffe://acme/x")
    assert "It speaks for acme/demo now" in words(made)
    client = {"issuer": "https://login.example.com", "client_id": "partner-robot"}
    assert "speaks for" in words(person.send(f"{page}clients", **client))
    assert "partner-robot" in words(person.get("/console/applications/acme/demo"))
    listed = person.get("/console/trusted/clients?q=partner&format=json").json()["clients"]
    assert [one["application"] for one in listed] == ["acme/demo"]
    found = re.search(
        r"/console/trusted/clients/cli_\w+", person.get("/console/trusted/clients").text
    )
    assert found
    assert "trusted no longer" in words(person.send(f"{found.group()}/end"))
    state = person.get("/console/trusted/clients?state=revoked&format=json").json()["clients"]
    assert len(state) == 1
    assert person.get("/console/trusted/nothing").status_code == 404


def test_signing_keys_take_turns_and_a_former_one_can_be_retired(world: ConsoleWorld) -> None:
    person = world.person("admin")
    assert "The new key signs" in words(person.send("/console/signing-keys/rotate"))
    keys = [one["key_id"] for one in world.api.get("/issuer").json()["keys"]]
    page = f"/console/signing-keys/{keys[0]}/retire"
    assert person.send(page, typed="another").status_code == 422
    assert "The key is gone" in words(person.send(page, typed=keys[0]))
    left = [one["key_id"] for one in world.api.get("/issuer").json()["keys"]]
    assert left == keys[1:]
    signs = f"/console/signing-keys/{left[-1]}/retire"
    refused = person.send(signs, typed=left[-1])
    assert refused.status_code == 422
    assert "signs now" in words(refused)


def test_issuers_that_policies_name_are_listed_with_what_went_wrong(world: ConsoleWorld) -> None:
    person = world.person("auditor")
    assert "No policy names another issuer" in words(person.get("/console/issuers"))
    jwt = {"issuers": [{"issuer": "https://127.0.0.1:1"}]}
    body = [{"kind": "jwt", "settings": jwt}]
    world.api.put("/apis/pets/operations/getPet/policies", json=body).raise_for_status()

    def is_tried() -> bool:
        rows = person.get("/console/issuers?state=bad&format=json").json()["issuers"]
        return [one["issuer"] for one in rows] == ["https://127.0.0.1:1"]

    eventually(is_tried, 60.0)


def test_a_consumer_is_erased_after_it_was_counted(world: ConsoleWorld) -> None:
    person = world.person("admin")
    refused = person.send("/console/erasure", kind="application", name="acme/nobody")
    assert refused.status_code == 422
    person.send("/console/applications/acme/demo/suspend")
    page = person.send("/console/erasure", kind="application", name="acme/demo")
    assert "What is erased" in words(page)

    def is_erased() -> bool:  # what is being stored at the moment refuses, and says so
        done = person.send("/console/erasure/application/acme/demo", typed="acme/demo")
        return "no longer tell whose" in words(done)

    assert person.send("/console/erasure/application/acme/demo", typed="x").status_code == 422
    eventually(is_erased, 60.0)
    dry = world.post("/traffic/erasures", application="acme/demo")
    assert (dry["records"], dry["dry_run"]) == (0, True)
    items = world.api.get("/traffic/requests").json()["items"]
    assert items
    assert all(one.get("application") != "acme/demo" for one in items)
    assert "traffic.erased" in words(person.get("/console/audit?action=traffic.erased"))


def test_settings_are_read_without_their_secrets(world: ConsoleWorld) -> None:
    page = words(world.person("auditor").get("/console/settings"))
    assert "HEADGATE_SIGN_UP" in page
    assert str(world.up.data) in page
    assert world.person("publisher").get("/console/settings").status_code == 403
