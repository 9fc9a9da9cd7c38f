"""Do programs get tokens, and lose them, as the RFCs say? Over HTTP, on both databases."""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest

from tests.support.oauth import (
    CREDENTIALS,
    basic,
    claims,
    error,
    forged,
    make_client,
    program,
    token,
)
from tests.support.web_process import WebProcess, running_web
from tests.support.web_world import make_token


@pytest.fixture(scope="module")
def client(web: WebProcess) -> dict[str, Any]:
    with web.client() as api:
        return make_client(api, "oauth/demo", scopes=["orders:write", "orders:read"])


@pytest.fixture
def caller(web: WebProcess) -> Iterator[httpx2.Client]:
    with program(web) as found:
        yield found


def _introspect(caller: httpx2.Client, client: dict[str, Any], text: str) -> dict[str, Any]:
    answer = caller.post("/oauth/introspect", data={"token": text}, headers=basic(client))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_metadata_leads_to_everything_else(caller: httpx2.Client, web: WebProcess) -> None:
    found = caller.get("/.well-known/oauth-authorization-server")
    assert found.headers["access-control-allow-origin"] == "*"
    known = found.json()
    assert known["issuer"] == web.url
    assert caller.get("/.well-known/openid-configuration").json() == known
    assert caller.get(known["jwks_uri"]).status_code == 200
    for name in ("token", "device_authorization", "revocation", "introspection"):
        answer = caller.post(known[f"{name}_endpoint"], data={})
        assert answer.status_code in {400, 401}, name
        assert "error" in answer.json(), name
    assert known["grant_types_supported"] == [
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:device_code",
        "refresh_token",
    ]


def test_a_client_gets_a_token_that_others_can_check(
    caller: httpx2.Client, client: dict[str, Any]
) -> None:
    answer = token(caller, client)
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 3600
    assert answer["scope"] == "orders:read orders:write"
    assert "refresh_token" not in answer
    found = claims(caller, answer["access_token"])
    assert found["sub"] == found["client_id"] == client["id"]
    assert found["scope"] == answer["scope"]
    assert found["exp"] - found["iat"] == 3600
    assert set(found) == {"iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti"}
    header = jwt.get_unverified_header(answer["access_token"])
    assert (header["alg"], header["typ"]) == ("RS256", "at+jwt")


def test_the_published_keys_are_public_halves_alone(caller: httpx2.Client) -> None:
    answer = caller.get("/oauth/jwks.json")
    assert "max-age" in answer.headers["cache-control"]
    for key in answer.json()["keys"]:
        assert set(key) == {"kty", "n", "e", "alg", "use", "kid"}


def test_a_secret_may_stand_in_the_body_but_not_in_two_places(
    caller: httpx2.Client, client: dict[str, Any]
) -> None:
    own = {"client_id": client["id"], "client_secret": client["client_secret"]}
    assert caller.post("/oauth/token", data=CREDENTIALS | own).status_code == 200
    both = caller.post("/oauth/token", data=CREDENTIALS | own, headers=basic(client))
    error(both, "invalid_request")
    in_url = caller.post("/oauth/token", params=own, data=CREDENTIALS)
    error(in_url, "invalid_request")


def test_whoever_is_not_a_client_hears_one_and_the_same_no(
    caller: httpx2.Client, web: WebProcess, api: httpx2.Client, client: dict[str, Any]
) -> None:
    revoked = make_client(api, "oauth/demo", name="revoked")
    api.post(f"/clients/{revoked['id']}/revoke")
    nobody = {"id": "cli_000000000000", "client_secret": client["client_secret"]}
    answers = [
        caller.post("/oauth/token", data=CREDENTIALS, headers=headers)
        for headers in (
            {},
            basic(client, "hgs_" + "0" * 38),
            basic(revoked),
            basic(nobody),
            basic({"id": "x'; --", "client_secret": "é"}),
            basic({"id": "", "client_secret": "x"}),
            {"Authorization": "Basic %%%"},
            {"Authorization": f"Bearer {client['client_secret']}"},
            {"Authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()},
        )
    ]
    for answer in answers:
        error(answer, "invalid_client", 401)
        assert answer.headers["www-authenticate"] == 'Basic realm="headgate"'
    assert len({answer.content for answer in answers}) == 1


def test_one_client_cannot_speak_for_another(
    caller: httpx2.Client, api: httpx2.Client, client: dict[str, Any]
) -> None:
    other = make_client(api, "oauth/demo", name="other")
    data = CREDENTIALS | {"client_id": other["id"]}
    error(caller.post("/oauth/token", data=data, headers=basic(client)), "invalid_client", 401)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "unauthorized_client"),
        (CREDENTIALS | {"scope": "orders:read admin"}, "invalid_scope"),
        (CREDENTIALS | {"resource": "https://other.example"}, "invalid_target"),
        (CREDENTIALS | {"scope": "a\0b"}, "invalid_request"),
    ],
)
def test_a_wrong_question_has_its_error(
    caller: httpx2.Client, client: dict[str, Any], parameters: dict[str, str], name: str
) -> None:
    error(caller.post("/oauth/token", data=parameters, headers=basic(client)), name)


def test_a_client_may_ask_for_less_but_smuggle_nothing_in(
    caller: httpx2.Client, client: dict[str, Any]
) -> None:
    less = token(caller, client, scope="orders:read orders:read")
    assert claims(caller, less["access_token"])["scope"] == "orders:read"
    extra = {"user": "root", "scopes": "admin", "client": "x", "extra_credentials": "x"}
    found = claims(caller, token(caller, client, **extra)["access_token"])
    assert found["sub"] == client["id"]
    assert "admin" not in found["scope"]


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b'{"grant_type": "client_credentials"}', "application/json"),
        (b"grant_type=client_credentials", "text/plain"),
        (
            b"grant_type=client_credentials&grant_type=client_credentials",
            "application/x-www-form-urlencoded",
        ),
        (b"scope=a&grant_type=client_credentials&scope=b", "application/x-www-form-urlencoded"),
        (b"%FF%FE=%", "application/x-www-form-urlencoded"),
        (b"", "application/x-www-form-urlencoded"),
    ],
)
def test_only_a_form_with_each_parameter_once_is_read(
    caller: httpx2.Client, client: dict[str, Any], content: bytes, content_type: str
) -> None:
    headers = basic(client) | {"Content-Type": content_type}
    error(caller.post("/oauth/token", content=content, headers=headers), "invalid_request")


def test_a_form_that_is_too_long_is_not_read(caller: httpx2.Client, client: dict[str, Any]) -> None:
    data = CREDENTIALS | {"scope": "x" * 40_000}
    assert caller.post("/oauth/token", data=data, headers=basic(client)).status_code == 413
    for path in ("token", "revoke", "introspect", "device_authorization"):
        assert caller.get(f"/oauth/{path}").status_code == 405


def test_a_token_lives_as_long_as_its_client_says(
    caller: httpx2.Client, api: httpx2.Client
) -> None:
    made = make_client(api, "oauth/demo", name="short", token_seconds=60)
    answer = token(caller, made)
    found = claims(caller, answer["access_token"])
    assert answer["expires_in"] == found["exp"] - found["iat"] == 60
    assert found["scope"] == ""


def test_secrets_overlap_while_one_replaces_the_other(
    caller: httpx2.Client, api: httpx2.Client
) -> None:
    made = make_client(api, "oauth/demo", name="rotated")
    rotated = api.post(f"/clients/{made['id']}/rotate", json={"overlap_seconds": 60})
    assert rotated.status_code == 201
    new = rotated.json()
    assert len(new["secrets"]) == 2
    token(caller, made)
    token(caller, new)
    again = api.post(f"/clients/{made['id']}/rotate", json={"overlap_seconds": 60})
    assert again.status_code == 409
    newest = api.post(f"/clients/{made['id']}/rotate", json={}).json()
    token(caller, newest)
    for old in (made, new):
        answer = caller.post("/oauth/token", data=CREDENTIALS, headers=basic(old))
        error(answer, "invalid_client", 401)


def test_a_token_is_shown_to_those_it_concerns(
    caller: httpx2.Client, web: WebProcess, api: httpx2.Client, client: dict[str, Any]
) -> None:
    text = token(caller, client)["access_token"]
    shown = _introspect(caller, client, text)
    assert shown == claims(caller, text) | {"active": True, "token_type": "Bearer"}
    stranger = make_client(api, "elsewhere/demo")
    assert _introspect(caller, stranger, text) == {"active": False}
    for other in ("no token", forged(text, scope="admin"), text[:-2]):
        assert _introspect(caller, client, other) == {"active": False}
    operator = {"Authorization": f"Bearer {web.admin_token}"}
    foreign = {"Authorization": f"Bearer {make_token(api, organization='elsewhere')}"}
    for headers, is_active in ((operator, True), (foreign, False)):
        answer = caller.post("/oauth/introspect", data={"token": text}, headers=headers)
        assert answer.json()["active"] is is_active


def test_nobody_looks_into_tokens_without_saying_who_they_are(
    caller: httpx2.Client, api: httpx2.Client, client: dict[str, Any]
) -> None:
    text = token(caller, client)["access_token"]
    public = make_client(api, "oauth/demo", name="public", is_public=True)
    for data in ({"token": text}, {"token": text, "client_id": public["id"]}):
        error(caller.post("/oauth/introspect", data=data), "invalid_client", 401)
    bearer = {"Authorization": "Bearer hgt_" + "0" * 38}
    answer = caller.post("/oauth/introspect", data={"token": text}, headers=bearer)
    error(answer, "invalid_token", 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    traffic = {"Authorization": f"Bearer {make_token(api, scopes=['traffic'])}"}
    answer = caller.post("/oauth/introspect", data={"token": text}, headers=traffic)
    assert answer.status_code == 403


def test_a_revoked_token_is_over_and_reaches_the_nodes(
    caller: httpx2.Client, web: WebProcess, api: httpx2.Client, client: dict[str, Any]
) -> None:
    kept, ended = (token(caller, client)["access_token"] for _ in range(2))
    stranger = make_client(api, "elsewhere/demo", name="revoker")
    for who, text in ((stranger, kept), (client, "no token"), (client, forged(kept, sub="x"))):
        answer = caller.post("/oauth/revoke", data={"token": text}, headers=basic(who))
        assert (answer.status_code, answer.content) == (200, b"")
    data = {"token": ended, "token_type_hint": "refresh_token"}
    assert caller.post("/oauth/revoke", data=data, headers=basic(client)).status_code == 200
    assert _introspect(caller, client, ended) == {"active": False}
    assert _introspect(caller, client, kept)["active"]
    with web.client(web.node_token, path="/node/v1") as node:
        blocks = node.get("/access").json()["blocks"]
    assert [block["kind"] for block in blocks].count("token") == 1
    error(caller.post("/oauth/revoke", data={"token": kept}), "invalid_client", 401)


def test_a_revoked_clients_tokens_are_over(
    caller: httpx2.Client, api: httpx2.Client, client: dict[str, Any]
) -> None:
    made = make_client(api, "oauth/demo", name="ended")
    text = token(caller, made)["access_token"]
    assert _introspect(caller, client, text)["active"]
    assert api.delete(f"/clients/{made['id']}").status_code == 204
    assert _introspect(caller, client, text) == {"active": False}


def test_a_new_signing_key_breaks_no_token_unless_told_to(
    caller: httpx2.Client, api: httpx2.Client, client: dict[str, Any]
) -> None:
    old = token(caller, client)["access_token"]
    before = api.get("/issuer").json()["keys"]
    after = api.post("/issuer/rotate", json={}).json()["keys"]
    assert len(after) == len(before) + 1
    new = token(caller, client)["access_token"]
    kids = [jwt.get_unverified_header(text)["kid"] for text in (old, new)]
    assert kids == [after[-2]["key_id"], after[-1]["key_id"]]
    assert _introspect(caller, client, old)["active"]
    left = api.post("/issuer/rotate", json={"drop_former": True}).json()["keys"]
    assert len(left) == 1
    assert not _introspect(caller, client, old)["active"]
    assert claims(caller, token(caller, client)["access_token"])


def test_an_address_that_keeps_failing_waits_and_others_do_not(
    web: WebProcess, client: dict[str, Any]
) -> None:
    wrong = basic(client, "hgs_" + "0" * 38)
    with program(web) as guesser:
        statuses = [
            guesser.post("/oauth/token", data=CREDENTIALS, headers=wrong).status_code
            for _ in range(40)
        ]
        assert statuses[0] == 401
        assert statuses[-1] == 429
        late = guesser.post("/oauth/token", data=CREDENTIALS, headers=basic(client))
        error(late, "temporarily_unavailable", 429)
        assert int(late.headers["retry-after"]) > 0
    with program(web) as caller:
        token(caller, client)


def test_a_client_that_asks_all_the_time_waits_and_others_do_not(
    web: WebProcess, api: httpx2.Client, client: dict[str, Any]
) -> None:
    greedy = make_client(api, "oauth/demo", name="greedy")
    with program(web) as caller:
        answers = [
            caller.post("/oauth/token", data=CREDENTIALS, headers=basic(greedy)) for _ in range(160)
        ]
        assert answers[0].status_code == 200
        error(answers[-1], "temporarily_unavailable", 429)
        token(caller, client)


def test_no_secret_and_no_token_is_logged_or_stored(
    caller: httpx2.Client, web: WebProcess, api: httpx2.Client
) -> None:
    made = make_client(api, "oauth/demo", name="logged", scopes=["a"])
    text = token(caller, made)["access_token"]
    caller.post("/oauth/revoke", data={"token": text}, headers=basic(made))
    secrets = (made["client_secret"], text, text.split(".")[1], "PRIVATE KEY")
    exported = api.get("/configuration").text
    audited = api.get("/audit", params={"limit": 1000}).text
    assert made["id"] in audited
    for place in (web.log.read_text(), web.stored().decode("utf-8", "replace"), exported, audited):
        for secret in secrets:
            assert secret not in place


def test_who_uses_no_tokens_does_not_load_what_makes_them(tmp_path: Path) -> None:
    """oauthlib and PyJWT: a quarter of a second of each start and 14 MiB."""
    program = (
        "import sys; from pathlib import Path; from datetime import UTC, datetime;"
        "from headgate.store import setup; setup.start(datetime.now(UTC));"
        "from headgate.web import asgi; print(sorted({'oauthlib', 'jwt'} & set(sys.modules)))"
    )
    environment = {**os.environ, "HEADGATE_DATA": str(tmp_path / "data")}
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert ended.stdout == "[]\n", ended.stderr


def test_tokens_name_the_public_url(tmp_path: Path) -> None:
    public = {"HEADGATE_PUBLIC_URL": "https://apis.example.com"}
    with running_web(tmp_path / "data", environment=public) as web, web.client() as api:
        made = make_client(api, "oauth/demo")
        with program(web) as caller:
            found = claims(caller, token(caller, made)["access_token"])
            assert found["iss"] == "https://apis.example.com"
            known = caller.get("/.well-known/oauth-authorization-server").json()
            assert known["token_endpoint"] == "https://apis.example.com/oauth/token"
    with running_web(tmp_path / "data") as web, program(web) as caller:
        assert claims(caller, token(caller, made)["access_token"])["iss"] == web.url


def test_a_public_url_with_a_path_is_refused_at_the_start(tmp_path: Path) -> None:
    wrong = {"HEADGATE_PUBLIC_URL": "https://example.com/headgate"}
    with pytest.raises(AssertionError, match="HEADGATE_PUBLIC_URL is not an origin"):  # noqa: SIM117  # one thing raises
        with running_web(tmp_path / "data", environment=wrong):
            pass
