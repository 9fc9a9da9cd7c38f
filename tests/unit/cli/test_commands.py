"""Does each command send what it says, and end with the code that it promises?"""

import io
import json
from pathlib import Path

import pytest

from tests.support.rest_server import RestServer, page, problem
from tests.unit.cli.conftest import Run


def test_a_product_is_made_of_apis(rest: RestServer, run: Run) -> None:
    rest.answer("POST /products", {"name": "basic"}, 201)
    ran = run("product", "create", "basic", "--api", "httpbin", "--api", "pets")
    assert ran.code == 0
    assert rest.bodies("POST /products") == [{"name": "basic", "apis": ["httpbin", "pets"]}]
    assert "basic" in ran.out


def test_rates_and_quotas_are_repeatable(rest: RestServer, run: Run) -> None:
    rest.answer("POST /products/basic/plans", {"name": "free"}, 201)
    ran = run(
        *("plan", "create", "basic/free", "--rate", "10/second", "--rate", "100/minute"),
        *("--quota", "1000/month"),
    )
    assert ran.code == 0
    assert rest.bodies("POST /products/basic/plans") == [
        {"name": "free", "rates": ["10/second", "100/minute"], "quotas": ["1000/month"]}
    ]


def test_a_plan_may_limit_what_runs_at_one_time_and_be_freed_of_it(
    rest: RestServer, run: Run
) -> None:
    rest.answer("POST /products/basic/plans", {"name": "free"}, 201)
    rest.answer("PATCH /products/basic/plans/free", {"name": "free"})
    assert run("plan", "create", "basic/free", "--concurrent", "5 shadow").code == 0
    assert run("plan", "update", "basic/free", "--no-concurrent").code == 0
    assert rest.bodies("POST /products/basic/plans")[0]["concurrent"] == "5 shadow"
    assert rest.bodies("PATCH /products/basic/plans/free") == [{"concurrent": ""}]
    assert run("plan", "create", "basic/free", "--concurrent", "5/second").code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("plan", "create", "basic/free", "--rate", "many"), "10/second"),
        (("plan", "create", "basic/free", "--quota", "5/second"), "use a rate"),
        (("plan", "create", "free"), "PRODUCT/PLAN"),
        (("subscribe", "demo", "free"), "PRODUCT/PLAN"),
        (("key", "create", "demo", "--expires-in", "soon"), "not a duration"),
        (("block", "add", "address", "10.0.0.1", "--for", "ever"), "not a duration"),
        (("block", "add", "planet", "mars"), "planet"),
        (("stats", "--by", "colour"), "colour"),
        (("logs", "--since", "tuesday"), "not a duration"),
        (("product", "update", "basic"), "--api"),
        (("import", "http://x.example/openapi.json", "--name", "x"), "--upstream"),
        (("apply", "-f", "/nowhere.yaml"), "nowhere.yaml"),
        (("node", "rotate", "edge1", "--overlap", "soon"), "not a duration"),
        (("node", "--data", "x", "add", "edge1"), "write --data behind"),
        (("node", "--control-plane", "http://127.0.0.1:1"), "--name NAME"),
        (("nonsense",), "nonsense"),
    ],
)
def test_wrong_use_ends_2_and_sends_nothing(
    rest: RestServer, run: Run, arguments: tuple[str, ...], said: str
) -> None:
    ran = run(*arguments)
    assert ran.code == 2
    assert said in ran.err
    assert rest.received == []


def test_a_refusal_ends_1_with_places_and_next_step(rest: RestServer, run: Run) -> None:
    errors = [{"message": "is not a type", "pointer": "/paths/~1a/get", "line": 12}]
    rest.answer("POST /apis", problem("invalid-document", 422, "Two mistakes.", errors=errors), 422)
    ran = run("import", "https://x.example/o.json", "--name", "x", "--upstream", "http://h:1")
    assert ran.code == 1
    assert ran.out == ""
    assert ran.err.splitlines() == [
        "error: Two mistakes.",
        "  /paths/~1a/get (line 12): is not a type",
        "next:  Do something else.",
    ]


def test_a_refusal_is_json_for_machines(rest: RestServer, run: Run) -> None:
    rest.answer("GET /products", problem("forbidden", 403, "No."), 403)
    ran = run("product", "list", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert json.loads(ran.err)["type"] == "urn:headgate:problem:forbidden"


def test_a_key_is_all_that_stands_on_stdout(rest: RestServer, run: Run) -> None:
    rest.answer(
        "POST /keys", {"id": "key_1", "kind": "key", "key": "hg_text", "prefix": "hg_text"}, 201
    )
    ran = run("key", "create", "demo")
    assert (ran.code, ran.out) == (0, "hg_text\n")
    assert "shown this once" in ran.err


def test_a_clients_id_and_secret_are_all_that_stands_on_stdout(rest: RestServer, run: Run) -> None:
    made = {"id": "cli_1", "application": "acme/demo", "client_secret": "hgs_text"}
    rest.answer("POST /applications/acme/demo/clients", made, 201)
    ran = run("client", "create", "acme/demo", "--scope", "a", "--token-lifetime", "10m")
    assert (ran.code, ran.out) == (0, "client_id=cli_1\nclient_secret=hgs_text\n")
    assert "shown this once" in ran.err
    assert rest.bodies("POST /applications/acme/demo/clients") == [
        {"name": "default", "scopes": ["a"], "is_public": False, "token_seconds": 600}
    ]
    rest.answer("POST /clients/cli_1/rotate", made, 201)
    assert "hgs_text" in run("client", "rotate", "cli_1", "--overlap", "24h").out
    assert rest.bodies("POST /clients/cli_1/rotate") == [{"overlap_seconds": 86_400}]
    assert run("client", "rotate", "cli_1", "--overlap", "soon").code == 2


def test_a_public_client_has_no_secret_to_show(rest: RestServer, run: Run) -> None:
    made = {"id": "cli_1", "application": "acme/tv", "client_secret": None}
    rest.answer("POST /applications/acme/tv/clients", made, 201)
    ran = run("client", "create", "acme/tv", "--public")
    assert (ran.code, ran.out) == (0, "client_id=cli_1\n")
    assert "None" not in ran.out + ran.err


def test_the_issuer_shows_its_keys(rest: RestServer, run: Run) -> None:
    found = {"issuer": "https://a.example", "audience": "https://a.example/apis", "keys": []}
    rest.answer("GET /issuer", found)
    rest.answer("POST /issuer/rotate", found)
    assert "https://a.example/apis" in run("issuer", "show").out
    assert json.loads(run("issuer", "rotate", "--drop-former", "--json").out) == found
    assert rest.bodies("POST /issuer/rotate") == [{"drop_former": True}]
    rest.answer("DELETE /issuer/keys/old", found)
    assert run("issuer", "retire", "old").code == 0
    assert run("issuer", "retire").code == 2


def test_a_consumer_is_counted_before_it_is_erased(rest: RestServer, run: Run) -> None:
    found = {"records": 3, "files": 1, "copies": 2, "dry_run": True}
    rest.answer("POST /traffic/erasures", found)
    ran = run("erase", "--application", "acme/demo")
    assert "3 records in 1 file and 2 copies" in ran.out
    assert "--yes" in ran.out
    assert "were erased" in run("erase", "--organization", "acme", "--yes").out
    assert [body["dry_run"] for body in rest.bodies("POST /traffic/erasures")] == [True, False]
    assert run("erase").code == 2
    assert run("erase", "--organization", "acme", "--application", "acme/demo").code == 2


def test_a_node_is_added_and_its_token_put_into_a_file_of_its_own(
    rest: RestServer, run: Run, tmp_path: Path
) -> None:
    rest.answer("POST /nodes", {"id": "tok_1", "node": "edge1", "token": "hgt_text"}, 201)
    assert run("node", "add", "edge1").out == "hgt_text\n"
    file = tmp_path / "node.token"
    ran = run("node", "add", "edge1", "--gateway", "staging", "--token-file", str(file), "--json")
    assert "hgt_text" not in ran.out + ran.err
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("hgt_text\n", 0o600)
    assert rest.bodies("POST /nodes")[1] == {"name": "edge1", "gateway": "staging"}
    lost = run("node", "add", "edge1", "--token-file", str(tmp_path / "no" / "where"))
    assert (lost.code, lost.out) == (1, "")
    assert "headgate node rotate edge1" in lost.err


def test_a_secret_is_read_from_stdin_and_never_shown(
    rest: RestServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest.answer("PUT /secrets/billing", {"name": "billing", "version": 2, "gateways": ["default"]})
    monkeypatch.setattr("sys.stdin", io.StringIO("the-value\n"))
    ran = run("secret", "set", "billing")
    assert rest.bodies("PUT /secrets/billing") == [{"value": "the-value"}]
    assert (ran.code, "live on default" in ran.out) == (0, True)
    assert "the-value" not in ran.out + ran.err
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert run("secret", "set", "billing").code == 2
    assert run("secret", "set", "billing", "the-value").code == 2
    assert len(rest.received) == 1


def test_a_create_carries_token_and_idempotency_key(rest: RestServer, run: Run) -> None:
    rest.answer("POST /organizations", {"name": "acme"}, 201)
    run("organization", "create", "acme")
    headers = rest.received[0].headers
    assert headers["authorization"] == "Bearer hgt_test"
    assert headers["idempotency-key"].startswith("req_")


def test_a_connection_that_broke_is_tried_again_with_the_same_key(
    rest: RestServer, run: Run
) -> None:
    rest.answer("POST /organizations", None, 0)
    rest.answer("POST /organizations", {"name": "acme"}, 201)
    assert run("organization", "create", "acme").code == 0
    first, second = (r.headers["idempotency-key"] for r in rest.received)
    assert first == second


def test_a_long_list_is_read_page_by_page(rest: RestServer, run: Run) -> None:
    rest.answer("GET /applications", page({"name": "a", "organization": "o"}, after="c1"))
    rest.answer("GET /applications", page({"name": "b", "organization": "o"}))
    ran = run("app", "list", "--json")
    assert [item["name"] for item in json.loads(ran.out)["items"]] == ["a", "b"]
    assert [r.query.get("cursor") for r in rest.received] == [None, "c1"]


def test_an_empty_list_says_how_to_fill_it(rest: RestServer, run: Run) -> None:
    rest.answer("GET /keys", page())
    ran = run("key", "list")
    assert (ran.code, ran.out) == (0, "")
    assert "headgate key create" in ran.err


def test_an_application_is_found_by_its_name_alone(rest: RestServer, run: Run) -> None:
    rest.answer("GET /applications", page({"name": "demo", "organization": "acme"}))
    rest.answer("GET /applications/acme/demo", {"name": "demo"})
    assert run("app", "show", "demo").code == 0


def test_an_application_of_two_organizations_must_be_named_whole(
    rest: RestServer, run: Run
) -> None:
    two = [{"name": "demo", "organization": o} for o in ("acme", "umbrella")]
    rest.answer("GET /applications", page(*two))
    ran = run("app", "show", "demo")
    assert ran.code == 1
    assert "acme/demo, umbrella/demo" in ran.err


def test_a_block_names_an_application_as_every_command_does(rest: RestServer, run: Run) -> None:
    rest.answer("GET /applications/acme/demo", {"id": "app_1", "name": "demo"})
    rest.answer("POST /blocks", {"id": "7"}, 201)
    ran = run("block", "add", "application", "acme/demo", "--for", "90s", "--reason", "why")
    assert ran.code == 0
    assert rest.bodies("POST /blocks") == [
        {"kind": "application", "subject": "app_1", "seconds": 90, "reason": "why"}
    ]


def test_an_import_sends_the_files_that_the_document_refers_to(
    rest: RestServer, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "openapi.yaml").write_text("openapi: 3.0.3\nx:\n  $ref: 'parts/a.yaml#/A'\n")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.yaml").write_text("A: 1\n")
    (tmp_path / "unrelated.yaml").write_text("B: 1\n")
    rest.answer("POST /apis", {"name": "x", "changes": [], "problems": []}, 201)
    ran = run("import", str(tmp_path), "--name", "x", "--upstream", "http://h:1")
    assert ran.code == 0
    [body] = rest.bodies("POST /apis")
    assert "base_path" not in body  # the server's default
    assert body["document"]["entry"] == "openapi.yaml"
    assert set(body["document"]["files"]) == {"openapi.yaml", "parts/a.yaml"}


def test_an_update_shows_what_changed(rest: RestServer, run: Run, tmp_path: Path) -> None:
    spec = tmp_path / "openapi.json"
    spec.write_text('{"openapi": "3.0.3"}')
    change = {"kind": "removed", "operation": "listPets", "what": "GET /pets"}
    rest.answer("PUT /apis/pets/document", {"name": "pets", "changes": [change], "problems": []})
    ran = run("import", str(spec), "--name", "pets", "--update")
    assert ran.code == 0
    assert "removed  listPets  GET /pets" in ran.out
    assert rest.bodies("POST /apis") == []


def test_publishing_fails_when_no_node_confirms(rest: RestServer, run: Run) -> None:
    rest.answer("POST /apis/pets/publish", {"revision": 4, "live": False, "nodes": []})
    ran = run("publish", "pets")
    assert ran.code == 1
    assert "revision 4" in ran.err


def test_publishing_says_the_live_revision(rest: RestServer, run: Run) -> None:
    rest.answer("POST /apis/pets/publish", {"revision": 4, "live": True, "nodes": ["n1"]})
    ran = run("publish", "pets")
    assert (ran.code, ran.out) == (0, "pets is live: revision 4 on 1 node.\n")


def test_files_of_a_folder_are_applied_as_one(rest: RestServer, run: Run, tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("kind: B\n")
    (tmp_path / "a.yaml").write_text("kind: A\n")
    rest.answer("POST /configuration", {"changes": []})
    ran = run("apply", "-f", str(tmp_path), "--dry-run")
    assert (ran.code, ran.out) == (0, "0 changes would be made.\n")
    [body] = rest.bodies("POST /configuration")
    assert body == {"yaml": "kind: A\n\n---\nkind: B\n", "dry_run": True, "prune": False}


def test_an_apply_says_what_is_left_to_do(rest: RestServer, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text("kind: webhook\nname: https://hooks.example.com/\n")
    made = {"action": "create", "kind": "webhook", "name": "https://hooks.example.com/"}
    rest.answer("POST /configuration", {"changes": [made | {"fields": [], "next_step": "Rotate."}]})
    assert "next: Rotate.\n1 change made.\n" in run("apply", "-f", str(file)).out


def test_policies_of_an_operation_are_set_from_a_file(
    rest: RestServer, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("- kind: cors\n  settings: {allow_origins: ['https://a.example']}\n")
    rest.answer("PUT /apis/pets/operations/listPets/policies", [])
    assert run("policies", "set", "pets/listPets", "-f", str(file)).code == 0
    [body] = rest.bodies("PUT /apis/pets/operations/listPets/policies")
    assert body[0]["kind"] == "cors"


def test_status_ends_1_when_something_is_wrong(rest: RestServer, run: Run) -> None:
    gone = {"severity": "error", "detail": "Node n1 is gone.", "next_step": "Start it."}
    rest.answer("GET /status", {"nodes": [], "problems": [gone]})
    ran = run("status")
    assert ran.code == 1
    assert "wrong: Node n1 is gone.\nnext:  Start it.\n" in ran.out


def test_status_ends_0_when_something_will_be_wrong(rest: RestServer, run: Run) -> None:
    ends = {"severity": "warning", "detail": "A certificate ends.", "next_step": "Renew it."}
    rest.answer("GET /status", {"nodes": [], "problems": [ends]})
    ran = run("status")
    assert ran.code == 0
    assert "soon: A certificate ends.\nnext:  Renew it.\n" in ran.out


def test_status_says_what_stands_beside_envoy_has_counted(rest: RestServer, run: Run) -> None:
    sums = {"requests": 120, "invalid_requests": 3, "responses": 10, "invalid_responses": 1}
    asked = {"issuer": "https://login.example.com", "asked": 5, "failed": 2}
    node = {
        "name": "edge1",
        "certificates_refused": 7,
        "unchecked": 4,
        "validations": sums,
        "introspections": [asked | {"known": 40, "refused": 1}],
    }
    quiet = {"name": "edge2", "certificates_refused": 0, "validations": None, "introspections": []}
    rest.answer("GET /status", {"nodes": [node, quiet], "problems": []})
    told = [line for line in run("status").out.splitlines() if line.startswith("edge1: ")]
    assert told == [
        "edge1: 7 connections refused for the client certificate",
        (
            "edge1: validators checked 120 requests (3 do not fit) and 10 answers (1 do not fit);"
            " 4 passed unchecked"
        ),
        (
            "edge1: tokens of https://login.example.com: 40 known, 5 asked about,"
            " 2 without an answer, 1 refused unasked"
        ),
    ]
    assert "edge2: " not in run("status").out


def test_status_ends_0_when_all_is_well(rest: RestServer, run: Run) -> None:
    rest.answer("GET /status", {"nodes": [{"name": "n1"}], "problems": []})
    assert run("status").code == 0


def test_the_version_needs_no_server(run: Run) -> None:
    found = json.loads(run("version", "--json").out)
    assert set(found) == {"headgate", "envoy", "python"}


@pytest.mark.parametrize("words", [("effective", "pets", "listPets"), ("pets", "listPets")])
def test_the_policies_of_an_operation_are_listed_with_or_without_the_word(
    rest: RestServer, run: Run, words: tuple[str, ...]
) -> None:
    origin = {"kind": "cors", "stage": "edge", "place": "API pets", "is_in_force": True}
    rest.answer("GET /apis/pets/operations/listPets/effective-policies", page(origin))
    ran = run("policies", *words)
    assert ran.code == 0
    assert "API pets" in ran.out


def test_one_word_that_is_no_command_is_used_wrongly(rest: RestServer, run: Run) -> None:
    ran = run("policies", "pets")
    assert ran.code == 2
    assert rest.received == []


def test_a_release_sends_what_is_given_and_shows_numbers_when_nothing_is(
    rest: RestServer, run: Run
) -> None:
    made = {"revision": 4, "gateway": "default", "live": True, "nodes": []}
    rest.answer("PUT /apis/pets%40v2/release", made)
    ran = run("release", "pets@v2", "--percent", "5", "--abort-if", "error_ratio > 0.02")
    assert ran.code == 0
    assert rest.bodies("PUT /apis/pets%40v2/release") == [
        {
            "percent": 5.0,
            "abort_if": "error_ratio > 0.02",
            "gateway": "default",
            "wait_seconds": 10,
        }
    ]
    numbers = [{"version": "v2", "requests": 7, "metrics": {"error_ratio": 0.5}}]
    rest.answer("GET /apis/pets%40v2/release", {"version": "v2", "numbers": numbers})
    ran = run("release", "pets@v2")
    assert ran.code == 0
    assert "0.5" in ran.out


def test_the_end_of_a_release_says_how_to_go_back(rest: RestServer, run: Run) -> None:
    made = {"revision": 4, "gateway": "default", "live": True, "nodes": []}
    rest.answer("POST /apis/pets/release/promote", made)
    rest.answer("POST /apis/pets/release/abort", made)
    assert "headgate gateway rollback default 3" in run("promote", "pets").out
    assert run("abort", "pets", "--reason", "slow").code == 0
    [body] = rest.bodies("POST /apis/pets/release/abort")
    assert body["reason"] == "slow"
    assert run("release", "pets@v2", "--percent", "101").code == 2


def test_a_purge_names_one_operation_or_all_and_says_when_a_node_has_not_taken_it(
    rest: RestServer, run: Run
) -> None:
    made = {"revision": 4, "gateway": "default", "live": True, "nodes": []}
    rest.answer("POST /apis/pets/purge-cache", made)
    assert run("cache", "purge", "pets", "getPet").code == 0
    assert run("cache", "purge", "pets").code == 0
    bodies = rest.bodies("POST /apis/pets/purge-cache")
    assert [body["operation"] for body in bodies] == ["getPet", ""]
    rest.answer("POST /apis/dogs/purge-cache", made | {"live": False})
    ran = run("cache", "purge", "dogs")
    assert (ran.code, "headgate status" in ran.err) == (1, True)
    assert run("cache", "purge").code == 2


def test_a_team_is_made_filled_and_given_an_application(rest: RestServer, run: Run) -> None:
    teams = "/organizations/acme/teams"
    rest.answer(f"POST {teams}", {"name": "payments"}, 201)
    rest.answer(f"PUT {teams}/payments/members/ada%40example.com", {"role": "maintainer"})
    rest.answer("PATCH /applications/acme/till", {"name": "till"})
    assert run("team", "create", "acme", "payments", "--title", "Payments").code == 0
    ran = run("team", "add", "acme", "payments", "ada@example.com", "--role", "maintainer")
    assert "maintainer of acme/payments" in ran.out
    assert run("app", "update", "acme/till", "--team", "payments").code == 0
    assert run("app", "update", "acme/till", "--no-team").code == 0
    assert rest.bodies(f"POST {teams}") == [{"name": "payments", "title": "Payments"}]
    bodies = rest.bodies("PATCH /applications/acme/till")
    assert bodies == [{"team": "payments"}, {"has_no_team": True}]
    assert run("app", "update", "acme/till").code == 2
    assert run("team", "add", "acme", "payments").code == 2


def test_feedback_is_listed_by_what_is_asked_and_marked(rest: RestServer, run: Run) -> None:
    said = {"id": "fdb_1", "page": "/apis/pets", "is_helpful": False, "text": "a\r\n\x1b[2Jb"}
    rest.answer("GET /feedback", page(said))
    rest.answer("POST /feedback/fdb_1/done", said)
    rest.answer("POST /feedback/fdb_1/reopen", said)
    ran = run("feedback", "list", "--state", "open", "--not-helpful", "--page", "/apis/pets")
    assert "a   [2Jb" in ran.out  # a stranger's words are one line, and nothing a terminal obeys
    query = rest.received[-1].query
    asked = {"state": "open", "is_helpful": "false", "page": "/apis/pets"}
    assert query.items() >= asked.items()
    assert run("feedback", "list").code == 0
    assert not rest.received[-1].query.keys() & asked.keys()
    assert run("feedback", "done", "fdb_1").out == "fdb_1 is done.\n"
    assert run("feedback", "reopen", "fdb_1").out == "fdb_1 is open again.\n"
    assert run("feedback", "done").code == 2
