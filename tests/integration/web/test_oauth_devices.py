"""Does a device get in by its person's word alone, once, and go on by itself? (RFC 8628)"""

import re
import sqlite3
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx2
import psycopg
import pytest

from tests.support.oauth import DEVICE, basic, claims, error, make_client, program
from tests.support.web_process import WebProcess
from tests.support.web_world import make_token

FIELD = re.compile(r'name="ticket" value="([^"]+)"')


@pytest.fixture(scope="module")
def public(web: WebProcess) -> dict[str, Any]:
    with web.client() as api:
        return make_client(api, "devices/tv", is_public=True, scopes=["watch", "rate"])


@pytest.fixture
def caller(web: WebProcess) -> Iterator[httpx2.Client]:
    with program(web) as found:
        yield found


def _begin(caller: httpx2.Client, client: dict[str, Any], **more: str) -> dict[str, Any]:
    data = {"client_id": client["id"]} | more
    answer = caller.post("/oauth/device_authorization", data=data)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _poll(caller: httpx2.Client, client: dict[str, Any], code: str, **more: str) -> httpx2.Response:
    data = {"grant_type": DEVICE, "client_id": client["id"], "device_code": code} | more
    return caller.post("/oauth/token", data=data)


def _ask(caller: httpx2.Client, user_code: str, token: str) -> httpx2.Response:
    return caller.post("/oauth/device", data={"user_code": user_code, "token": token})


def _decide(
    caller: httpx2.Client, user_code: str, token: str, decision: str = "approve"
) -> httpx2.Response:
    asked = _ask(caller, user_code, token)
    assert asked.status_code == 200, asked.text
    found = FIELD.search(asked.text)
    assert found is not None
    assert token not in asked.text
    data = {"ticket": unescape(found[1]), "decision": decision}
    return caller.post("/oauth/device", data=data)


def _change(web: WebProcess, statement: str) -> None:
    """Let time pass for what the store holds."""
    if web.database:
        with psycopg.connect(web.database) as connection:
            connection.execute(statement)
    else:
        database = sqlite3.connect(web.data / "headgate.db", timeout=20)
        with database:
            database.execute(statement)
        database.close()


def test_a_device_is_let_in(caller: httpx2.Client, web: WebProcess, public: dict[str, Any]) -> None:
    begun = _begin(caller, public)
    assert begun["verification_uri"] == f"{web.url}/oauth/device"
    assert begun["verification_uri_complete"].endswith(f"?user_code={begun['user_code']}")
    assert (begun["interval"], begun["expires_in"]) == (5, 600)
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", begun["user_code"])
    error(_poll(caller, public, begun["device_code"]), "authorization_pending")
    error(_poll(caller, public, begun["device_code"]), "slow_down")
    shown = caller.get(begun["verification_uri_complete"])
    assert begun["user_code"] in shown.text
    done = _decide(caller, begun["user_code"].lower(), web.admin_token)
    assert "may go on" in done.text
    answer = _poll(caller, public, begun["device_code"])
    assert answer.status_code == 200, answer.text
    found = claims(caller, answer.json()["access_token"])
    assert found["client_id"] == public["id"]
    assert found["sub"].startswith("tok_")
    assert found["scope"] == answer.json()["scope"] == "rate watch"
    error(_poll(caller, public, begun["device_code"]), "invalid_grant")


def test_a_device_that_is_turned_away_gets_nothing(
    caller: httpx2.Client, web: WebProcess, public: dict[str, Any]
) -> None:
    begun = _begin(caller, public)
    done = _decide(caller, begun["user_code"], web.admin_token, "deny")
    assert "turned away" in done.text
    error(_poll(caller, public, begun["device_code"]), "access_denied")
    error(_poll(caller, public, begun["device_code"]), "invalid_grant")


def test_a_device_gets_what_was_shown_and_no_more(
    caller: httpx2.Client, web: WebProcess, api: httpx2.Client, public: dict[str, Any]
) -> None:
    begun = _begin(caller, public, scope="watch")
    asked = _ask(caller, begun["user_code"], web.admin_token)
    assert "<code>watch</code>" in asked.text
    assert "<code>rate</code>" not in asked.text
    assert "devices/tv" in asked.text
    _decide(caller, begun["user_code"], web.admin_token)
    answer = _poll(caller, public, begun["device_code"], scope="watch rate")
    assert answer.json()["scope"] == "watch"
    plain = make_client(api, "devices/tv", name="plain", is_public=True)
    begun = _begin(caller, plain)
    _decide(caller, begun["user_code"], web.admin_token)
    answer = _poll(caller, plain, begun["device_code"], scope="watch")
    assert answer.json()["scope"] == ""


def test_only_who_may_make_keys_there_lets_a_device_in(
    caller: httpx2.Client, web: WebProcess, api: httpx2.Client, public: dict[str, Any]
) -> None:
    begun = _begin(caller, public)
    api.post("/organizations", json={"name": "strangers"})
    cases = [
        ("", 403),
        ("hgt_" + "0" * 38, 403),
        (web.node_token, 403),
        (make_token(api, scopes=["read"]), 403),
        (make_token(api, organization="strangers"), 404),
    ]
    for token, status in cases:
        answer = _ask(caller, begun["user_code"], token)
        assert answer.status_code == status, answer.text
        assert 'role="alert"' in answer.text
        assert "ticket" not in answer.text
        assert "devices/tv" not in answer.text
    own = make_token(api, organization="devices", scopes=["keys"])
    assert "may go on" in _decide(caller, begun["user_code"], own).text


def test_a_decision_needs_the_ticket_of_the_step_before(
    caller: httpx2.Client, web: WebProcess, api: httpx2.Client, public: dict[str, Any]
) -> None:
    begun = _begin(caller, public)
    made = api.post("/tokens", json={"name": "short", "scopes": ["keys"]}).json()
    asked = _ask(caller, begun["user_code"], made["token"])
    found = FIELD.search(asked.text)
    assert found is not None
    for ticket in ("", "x", found[1][:-2] + "AA"):
        answer = caller.post("/oauth/device", data={"ticket": ticket, "decision": "approve"})
        assert answer.status_code == 422
    api.delete(f"/tokens/{made['id']}")
    late = caller.post("/oauth/device", data={"ticket": found[1], "decision": "approve"})
    assert late.status_code == 403
    error(_poll(caller, public, begun["device_code"]), "authorization_pending")


def test_codes_are_over_after_ten_minutes(
    caller: httpx2.Client, web: WebProcess, public: dict[str, Any]
) -> None:
    begun = _begin(caller, public)
    _change(web, "UPDATE store_devicegrant SET expires_at = created_at")
    assert _ask(caller, begun["user_code"], web.admin_token).status_code == 404
    error(_poll(caller, public, begun["device_code"]), "expired_token")


def test_codes_are_their_devices_alone(
    caller: httpx2.Client, web: WebProcess, api: httpx2.Client, public: dict[str, Any]
) -> None:
    begun = _begin(caller, public)
    _decide(caller, begun["user_code"], web.admin_token)
    other = make_client(api, "devices/tv", name="other", is_public=True)
    error(_poll(caller, other, begun["device_code"]), "invalid_grant")
    error(_poll(caller, public, "made up"), "invalid_grant")
    error(_poll(caller, {"id": "cli_000000000000"}, begun["device_code"]), "invalid_client", 401)
    error(_poll(caller, public, ""), "invalid_request")
    assert _poll(caller, public, begun["device_code"]).status_code == 200


def test_a_client_without_devices_has_none_and_a_secret_is_asked_for(
    caller: httpx2.Client, api: httpx2.Client
) -> None:
    plain = make_client(api, "devices/server")
    url, data = "/oauth/device_authorization", {"client_id": plain["id"]}
    error(caller.post(url, data=data), "invalid_client", 401)
    error(caller.post(url, data=data, headers=basic(plain)), "unauthorized_client")
    error(caller.post(url, data={"client_id": "cli_000000000000"}), "invalid_client", 401)
    both = make_client(api, "devices/server", name="both", has_device_flow=True)
    begun = caller.post(url, headers=basic(both), data={"scope": ""})
    assert begun.status_code == 200, begun.text
    error(_poll(caller, both, begun.json()["device_code"]), "invalid_client", 401)


def test_a_public_client_cannot_act_as_itself(
    caller: httpx2.Client, public: dict[str, Any]
) -> None:
    data = {"grant_type": "client_credentials", "client_id": public["id"]}
    error(caller.post("/oauth/token", data=data), "invalid_client", 401)


def _let_in(caller: httpx2.Client, web: WebProcess, client: dict[str, Any]) -> dict[str, Any]:
    begun = _begin(caller, client)
    _decide(caller, begun["user_code"], web.admin_token)
    found: dict[str, Any] = _poll(caller, client, begun["device_code"]).json()
    return found


def _refresh(
    caller: httpx2.Client, client: dict[str, Any], text: str, **more: str
) -> httpx2.Response:
    data = {"grant_type": "refresh_token", "client_id": client["id"], "refresh_token": text}
    return caller.post("/oauth/token", data=data | more)


def test_a_device_goes_on_by_itself(
    caller: httpx2.Client, web: WebProcess, public: dict[str, Any]
) -> None:
    first = _let_in(caller, web, public)
    less = _refresh(caller, public, first["refresh_token"], scope="watch")
    assert less.json()["scope"] == "watch"
    again = _refresh(caller, public, less.json()["refresh_token"])
    assert again.json()["scope"] == "rate watch"
    found = [claims(caller, answer["access_token"]) for answer in (first, again.json())]
    assert found[0]["sub"] == found[1]["sub"]
    assert found[0]["jti"] != found[1]["jti"]
    text = again.json()["refresh_token"]
    error(_refresh(caller, public, text, scope="watch admin"), "invalid_scope")
    assert _refresh(caller, public, text).status_code == 200


def test_a_copied_refresh_token_ends_the_grant_for_both(
    caller: httpx2.Client, web: WebProcess, public: dict[str, Any]
) -> None:
    first = _let_in(caller, web, public)
    second = _refresh(caller, public, first["refresh_token"]).json()
    _change(web, "UPDATE store_refreshgrant SET renewed_at = '2020-01-01 00:00:00+00:00'")
    for text in (first["refresh_token"], second["refresh_token"]):
        error(_refresh(caller, public, text), "invalid_grant")
    operator = {"Authorization": f"Bearer {web.admin_token}"}
    shown = caller.post(
        "/oauth/introspect", data={"token": second["access_token"]}, headers=operator
    )
    assert shown.json() == {"active": False}


def test_a_refresh_token_is_revoked_by_its_own_client_alone(
    caller: httpx2.Client, web: WebProcess, api: httpx2.Client, public: dict[str, Any]
) -> None:
    text = _let_in(caller, web, public)["refresh_token"]
    other = make_client(api, "devices/tv", name="thief", is_public=True)
    error(_refresh(caller, other, text), "invalid_grant")
    for client in (other, public):
        data = {"token": text, "client_id": client["id"]}
        assert caller.post("/oauth/revoke", data=data).status_code == 200
        is_over = client is public
        assert (_refresh(caller, public, text).status_code == 400) is is_over
        text = text if is_over else _let_in(caller, web, public)["refresh_token"]


def test_the_page_is_strict_and_reads_without_a_mouse(
    caller: httpx2.Client, public: dict[str, Any], web: WebProcess
) -> None:
    code = '"><script>alert(1)</script>'
    page = caller.get("/oauth/device", params={"user_code": code})
    assert page.status_code == 200
    assert "<script" not in page.text
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; form-action 'self'")
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert '<html lang="en">' in page.text
    for field in re.findall(r'<input id="(\w+)"', page.text):
        assert f'<label for="{field}">' in page.text
    assert caller.get("/oauth/device.css").headers["content-type"].startswith("text/css")
    assert "set-cookie" not in page.headers
    assert caller.put("/oauth/device").status_code == 405


def test_codes_are_not_guessed_from_one_address(web: WebProcess) -> None:
    with program(web) as guesser:
        statuses = [_ask(guesser, "BBBB-BBBB", web.admin_token).status_code for _ in range(25)]
    assert statuses[0] == 404
    assert statuses[-1] == 429


def test_what_a_person_decided_is_in_the_audit_log_without_codes(
    caller: httpx2.Client, web: WebProcess, api: httpx2.Client, public: dict[str, Any]
) -> None:
    begun = _begin(caller, public)
    _decide(caller, begun["user_code"], web.admin_token)
    answer = _poll(caller, public, begun["device_code"]).json()
    entries = api.get("/audit", params={"action": "client.device_decided"}).json()["items"]
    assert entries[0]["subject"] == public["id"]
    assert entries[0]["after"] == {"decision": "approved", "scopes": ["rate", "watch"]}
    stored = web.stored().decode("utf-8", "replace") + web.log.read_text()
    for secret in (
        begun["device_code"],
        begun["user_code"],
        answer["access_token"],
        answer["refresh_token"].partition(".")[2],
    ):
        assert secret not in stored
