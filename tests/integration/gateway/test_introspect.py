"""Does an opaque token open an API exactly while its server says that it is good?"""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headgate.access.keys import new_key
from headgate.gateway.compile import published_rows
from headgate.gateway.filter.build import build
from headgate.gateway.secrets import Resolved
from headgate.gateway.table import AccessTable
from headgate.model.access import (
    AccessDelta,
    APIRow,
    ApplicationRow,
    CredentialRow,
    PlanRow,
    RowState,
    SubscriptionRow,
)
from headgate.model.logline import words
from headgate.model.snapshot import PolicyUse, Snapshot, SnapshotAPI
from headgate.model.tokens import client_sha256
from tests.support.introspector import Introspector, introspector
from tests.support.oidc_provider import OIDCClient, OIDCProvider, oidc_provider
from tests.support.peer import Peer
from tests.support.proxy import Answer, Proxy, api, proxy, until

pytestmark = pytest.mark.integration

KEY = new_key()
ROBOT = OIDCClient(claims={"team": "blue", "groups": ["a", "b"]})
STRANGER = OIDCClient("stranger", "another secret")
GATEWAY = OIDCClient("gateway", "the secret: of the gateway")
OPAQUE, JWT = "https://api.example.com/opaque", "https://api.example.com"
FORGED = {
    "X-Headgate-Client": "robot",
    "X-Headgate-Client-2": "robot",
    "X-Headgate-Subject": "root",
    "X-Headgate-Jti": "x",
    "X-Headgate-Scope": "everything",
    "X-Headgate-Introspected": "yes",
    "X-Team": "red",
}


@dataclass
class World:
    """Envoy with the filter, the provider, the introspector and the table."""

    gateway: Proxy
    provider: OIDCProvider
    introspector: Introspector
    table: AccessTable
    upstream: Peer

    def serve(self, *more: PolicyUse, **changes: Any) -> None:
        """API 1 takes opaque tokens, with `more` policies; API 2 beside it takes keys alone."""
        settings = {
            "issuer": self.provider.issuer,
            "endpoint": self.provider.discovery()["introspection_endpoint"],
            "client_id": GATEWAY.id,
            "client_secret": Resolved(GATEWAY.secret),
            "audiences": [OPAQUE],
            "allow_private": True,
            "claim_headers": {"team": "X-Team"},
        }
        uses = [PolicyUse("introspect", settings | changes), *more]
        apis = (
            _small(api("GET /echo", port=self.upstream.port, policies=uses)),
            _small(api("GET /echo", row=2, base_path="/keys", port=self.upstream.port)),
        )
        self.introspector.know(*apis)
        self.table.publish(published_rows(Snapshot(1, "default", apis)))
        self.gateway.publish(*apis)

    def call(self, token: str = "", path: str = "/shop/echo", **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        return self.gateway.call(path, headers=sent | bearer)

    def verdict(self, answer: Answer) -> str:
        return words(self.gateway.line(answer.headers["x-request-id"])["access"])[0]


def _small(one: SnapshotAPI) -> SnapshotAPI:
    return replace(one, operations=(replace(one.operations[0], row=one.row),))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, upstream: Peer) -> Iterator[World]:
    build()
    folder: Path = tmp_path_factory.mktemp("introspect")
    with (
        introspector(folder / "i") as asking,
        oidc_provider(folder / "oidc", ROBOT, STRANGER, GATEWAY) as provider,
        proxy(folder, has_filter=True, introspector_socket=asking.socket) as gateway,
    ):
        table = AccessTable.open(gateway.node.table_path, generation="g")
        active = RowState.ACTIVE
        robot = client_sha256(provider.issuer, "robot")
        table.apply(
            AccessDelta(
                "g",
                0,
                9,
                is_complete=True,
                apis=(APIRow(1, 1, (1,)), APIRow(2, 2, (1,))),
                plans=(PlanRow(1, 3, "pln_000000000000", ()),),
                applications=(
                    ApplicationRow(1, 4, "app_000000000000", "org_000000000000", active),
                ),
                subscriptions=(SubscriptionRow(1, 5, "sub_000000000000", 1, 1, 1, active),),
                credentials=(
                    CredentialRow(1, 6, "key_000000000000", 1, KEY.sha256, active),
                    CredentialRow(2, 7, "cli_000000000000", 1, robot, active),
                ),
            )
        )
        try:
            yield World(gateway, provider, asking, table, upstream)
        finally:
            table.close()


def test_a_good_token_opens_the_api_and_only_its_facts_arrive(world: World) -> None:
    world.serve()
    answer = world.call(world.provider.token(audience=OPAQUE), **FORGED)
    assert answer.status == 200
    verdict, caller, _ = words(world.gateway.line(answer.headers["x-request-id"])["access"])
    assert verdict == "allowed"
    assert caller.startswith("cli_000000000000app_000000000000org_000000000000sub_000000000000")
    assert "root" not in caller
    sent = world.upstream.last["headers"]
    assert sent["x-team"] == "blue"
    assert "authorization" not in sent
    assert not [name for name in sent if name.startswith("x-headgate-")]


def test_the_token_goes_on_where_the_policy_says_so(world: World) -> None:
    world.serve(keep_token=True, claim_headers={"groups": "X-Groups"})
    token = world.provider.token(audience=OPAQUE)
    assert world.call(token).status == 200
    sent = world.upstream.last["headers"]
    assert sent["authorization"] == f"Bearer {token}"
    assert sent["x-groups"] == "WyJhIiwiYiJd"  # ["a","b"], as of a JSON Web Token


@pytest.mark.parametrize("how", ["changed", "invented", "not of the alphabet", "two"])
def test_a_token_that_is_not_good_is_refused_even_with_a_good_key_beside_it(
    world: World, how: str
) -> None:
    world.serve()
    good = world.provider.token(audience=OPAQUE)
    assert world.call(good).status == 200
    changed = ("a" if good[0] != "a" else "b") + good[1:]
    bad = {
        "changed": changed,
        "invented": secrets.token_urlsafe(32),
        "not of the alphabet": good + "\u00e9",
        "two": f"{good}, Bearer {good}",
    }
    answer = world.call(bad[how], X_Api_Key=KEY.text, X_Headgate_Issuer=world.provider.issuer)
    assert answer.status == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert world.verdict(answer) == "unknown_credential"


@pytest.mark.parametrize("path", ["/shop/echo", "/keys/echo"])
def test_forged_facts_never_count_with_and_without_the_policy(world: World, path: str) -> None:
    world.serve()
    facts = FORGED | {"X-Headgate-Issuer": world.provider.issuer}
    refused = world.call(path=path, **facts)
    assert refused.status == 401
    with_token = world.call("invented", path=path, **facts)
    assert with_token.status == 401
    world.introspector.kill()
    try:
        assert world.call(path=path, **facts).status == 401
        assert world.call("invented", path=path, **facts).status in {401, 503}
    finally:
        world.introspector.start()


def test_a_limit_counts_by_a_claim_that_the_server_tells(world: World) -> None:
    limit = {"quotas": ["2/day"], "per": "claim", "claim": "team"}
    world.serve(PolicyUse("rate_limit", limit))
    tokens = [world.provider.token(audience=OPAQUE) for _ in range(3)]
    forged = {"X_Headgate_Claim_1": "red"}
    answers = [world.call(one, **forged) for one in tokens]
    assert [one.status for one in answers] == [200, 200, 429]
    assert not [name for name in world.upstream.last["headers"] if name.startswith("x-headgate-")]
    assert world.call(X_API_Key=KEY.text, **forged).status == 200, (
        "a key has no team: its own count"
    )
    world.serve()
    assert world.call(tokens[0]).status == 200, "without the limit"


def test_a_key_opens_the_api_beside_the_policy_and_no_server_is_told_of_it(world: World) -> None:
    world.serve()
    before = world.introspector.reading()["asked"]
    assert world.call(X_Api_Key=KEY.text).status == 200
    assert world.call(path="/keys/echo", X_Api_Key=KEY.text).status == 200
    assert world.call(KEY.text).status == 401  # the API takes its keys elsewhere
    assert world.introspector.reading()["asked"] == before


@pytest.mark.parametrize("takes", [False, True])
def test_a_client_without_an_application_passes_only_where_the_api_says_so(
    world: World, takes: bool
) -> None:
    world.serve(unknown_clients=takes)
    answer = world.call(world.provider.token(STRANGER, audience=OPAQUE))
    assert answer.status == (200 if takes else 401)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"audiences": ["https://elsewhere.example.com"]}, 401),
        ({"issuer": "https://elsewhere.example.com"}, 401),
        ({"required_claims": {"team": "red"}}, 401),
        ({"required_claims": {"team": "blue", "groups": "b", "scope": "read"}}, 200),
        ({"client_secret": Resolved("wrong")}, 503),
        ({"allow_private": False}, 503),
    ],
    ids=str,
)
def test_a_token_counts_only_as_the_policy_wants_it(
    world: World, changes: dict[str, Any], status: int
) -> None:
    world.serve(**changes)
    answer = world.call(world.provider.token(audience=OPAQUE, scope="read write"))
    assert answer.status == status


def test_a_token_is_asked_for_once_and_a_revocation_is_noticed_within_the_cache_seconds(
    world: World,
) -> None:
    world.serve(cache_seconds=5)
    token = world.provider.token(audience=OPAQUE)
    before = world.introspector.reading()["asked"]
    assert [world.call(token).status for _ in range(3)] == [200] * 3
    assert world.introspector.reading()["asked"] == before + 1
    world.provider.revoke(token)
    until(lambda: world.call(token).status == 401, lambda: "the revoked token still passes")


def test_with_a_cache_of_none_a_revoked_token_is_refused_at_the_next_call(world: World) -> None:
    world.serve(cache_seconds=0)
    token = world.provider.token(audience=OPAQUE)
    assert world.call(token).status == 200
    world.provider.revoke(token)
    assert world.call(token).status == 401


def test_while_the_server_is_down_known_tokens_pass_and_others_get_a_problem_of_their_own(
    world: World,
) -> None:
    world.serve(cache_seconds=600)
    known, other = (world.provider.token(audience=OPAQUE) for _ in range(2))
    assert world.call(known).status == 200
    world.provider.stop()
    try:
        assert world.call(known).status == 200
        answer = world.call(other, X_Api_Key=KEY.text)
        assert answer.status == 503
        assert answer.json["type"] == "urn:headgate:problem:introspection-down"
        assert answer.json["next_step"]
        assert world.verdict(answer) == "introspection_down"
        assert world.call(X_Api_Key=KEY.text).status == 200
        assert world.introspector.reading()["failed"] >= 1
        assert "cannot be reached" in world.introspector.reading()["error"]
    finally:
        world.provider.start()
    assert world.call(world.provider.token(audience=OPAQUE)).status == 200


def test_while_the_introspector_is_down_opaque_tokens_get_503_and_keys_go_on(
    world: World,
) -> None:
    world.serve()
    token = world.provider.token(audience=OPAQUE)
    assert world.call(token).status == 200
    world.introspector.kill()
    try:
        answer = world.call(token)
        assert answer.status == 503
        assert world.verdict(answer) == "introspection_down"
        assert world.call(X_Api_Key=KEY.text).status == 200
    finally:
        world.introspector.start()
    assert world.call(token).status == 200


def test_a_flood_of_wrong_tokens_stays_bounded_and_drives_out_no_good_one(world: World) -> None:
    world.serve(cache_entries=5, cache_seconds=600)
    good = world.provider.token(audience=OPAQUE)
    assert world.call(good).status == 200
    with ThreadPoolExecutor(8) as callers:
        wrong = [secrets.token_urlsafe(32) for _ in range(60)]
        assert {answer.status for answer in callers.map(world.call, wrong)} == {401}
    now = world.introspector.reading()
    assert now["forgotten"] >= 55
    assert world.call(good).status == 200
    assert world.introspector.reading()["asked"] == now["asked"]
    assert world.call(wrong[-1]).status == 401


def test_json_web_tokens_are_the_policy_jwt_s_where_it_is_there(world: World) -> None:
    issuer = {"issuer": world.provider.issuer, "audiences": [JWT], "jwks": world.provider.jwks()}
    own = {"client_id": ROBOT.id, "team": "blue"}  # asked of that policy's tokens alone
    world.serve(PolicyUse("jwt", {"issuers": [issuer], "required_claims": own}))
    before = world.introspector.reading()["asked"]
    good = world.provider.token(audience=JWT)
    assert world.call(good).status == 200
    head, body, _ = good.split(".")
    assert world.call(f"{head}.{body}.{'A' * 86}").status == 401
    assert world.introspector.reading()["asked"] == before
    assert world.call(world.provider.token(audience=OPAQUE)).status == 200
    assert world.introspector.reading()["asked"] == before + 1


def test_a_json_web_token_is_asked_about_where_only_introspection_is_there(world: World) -> None:
    world.serve()
    before = world.introspector.reading()["asked"]
    assert (
        world.call(world.provider.token(audience=JWT)).status == 401
    )  # this provider introspects opaque tokens only
    assert world.introspector.reading()["asked"] == before + 1


@pytest.mark.parametrize(("needed", "status"), [("read", 200), ("admin", 403)])
def test_scopes_of_an_opaque_token_are_those_that_its_server_tells(
    world: World, needed: str, status: int
) -> None:
    world.serve(PolicyUse("scopes", {"any_of": [needed]}))
    token = world.provider.token(audience=OPAQUE, scope="read")
    assert world.call(token, X_Headgate_Scope="admin").status == status


def test_a_revoked_client_is_refused_though_its_token_is_good(world: World) -> None:
    world.serve()
    token = world.provider.token(audience=OPAQUE)
    assert world.call(token).status == 200
    robot = client_sha256(world.provider.issuer, "robot")
    for number, state in ((10, RowState.REVOKED), (11, RowState.ACTIVE)):
        row = CredentialRow(2, number, "cli_000000000000", 1, robot, state)
        world.table.apply(
            AccessDelta("g", number - 1, number, is_complete=False, credentials=(row,))
        )
        answer = world.call(token)
        assert answer.status == (401 if state is RowState.REVOKED else 200)
        assert world.verdict(answer) == ("revoked" if state is RowState.REVOKED else "allowed")


def test_a_client_s_expiry_holds_for_its_tokens(world: World) -> None:
    world.serve()
    robot = client_sha256(world.provider.issuer, "robot")
    past = datetime.now(UTC) - timedelta(seconds=1)
    for number, expires in ((12, past), (13, None)):
        row = CredentialRow(2, number, "cli_000000000000", 1, robot, RowState.ACTIVE, expires)
        world.table.apply(
            AccessDelta("g", number - 1, number, is_complete=False, credentials=(row,))
        )
        answer = world.call(world.provider.token(audience=OPAQUE))
        assert answer.status == (200 if expires is None else 401)
