"""Do limits count by a claim of a verified token, and by nothing that a caller can write?"""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from headgate.access.keys import new_key
from headgate.gateway.compile import published_rows
from headgate.gateway.filter.build import build
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
from headgate.model.snapshot import PolicyUse, Snapshot, SnapshotAPI
from headgate.model.tokens import client_sha256
from tests.support.peer import Peer
from tests.support.proxy import Proxy, api, proxy

pytestmark = pytest.mark.integration
ISSUER = "https://login.example.com"
SIGNING = ec.generate_private_key(ec.SECP256R1())
KEY = new_key()
_rows = count(10)


def _jwks() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(SIGNING.public_key()))
    return {"keys": [found | {"kid": "one", "alg": "ES256"}]}


def token(client: str = "robot", **claims: Any) -> str:
    """A good token of a client, with these claims besides."""
    given = {"iss": ISSUER, "client_id": client, "exp": int(time.time()) + 600} | claims
    return jwt.encode(given, SIGNING, algorithm="ES256", headers={"kid": "one"})


class Gateway:
    """Envoy with the filter, on which each test has an API of its own with fresh counters."""

    def __init__(self, proxy: Proxy, table: AccessTable, upstream: Peer) -> None:
        self._proxy, self._table, self._upstream = proxy, table, upstream
        self._sequence = count(20)

    def serve(self, *limits: dict[str, Any], unknown: bool = False) -> None:
        """One API whose limits these are, and beside it one that verifies the same tokens."""
        row = next(_rows)
        verify = PolicyUse(
            "jwt",
            {"issuers": [{"issuer": ISSUER, "jwks": _jwks()}], "unknown_clients": unknown},
        )
        uses = [PolicyUse("rate_limit", one) for one in limits]
        limited = self._api(row, "/limited", [verify, *uses[:1]], uses[1:])
        free = self._api(row + 1000, "/free", [verify], [])
        after = self._table.sequence
        changed = after + 1
        apis = tuple(APIRow(one.row, changed, (1,), is_open=unknown) for one in (limited, free))
        self._table.apply(AccessDelta("g", after, changed, is_complete=True, apis=apis))
        self._table.publish(published_rows(Snapshot(1, "default", (limited, free))))
        self._proxy.publish(limited, free)

    def statuses(self, times: int, text: str = "", path: str = "/limited/echo", **more: str) -> str:
        """What so many calls get, one digit each: 2 or 4."""
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        if text:
            headers["Authorization"] = f"Bearer {text}"
        answers = [self._proxy.call(path, headers=headers) for _ in range(times)]
        assert {one.status for one in answers} <= {200, 429}
        return "".join(str(one.status)[0] for one in answers)

    @property
    def sent(self) -> dict[str, str]:
        """The fields of the last request that the upstream saw."""
        found: dict[str, str] = self._upstream.last["headers"]
        return found

    def _api(
        self, row: int, base: str, policies: list[PolicyUse], own: list[PolicyUse]
    ) -> SnapshotAPI:
        made = api(
            "GET /echo", row=row, base_path=base, port=self._upstream.port, policies=policies
        )
        operation = replace(made.operations[0], row=row, policies=tuple(own))
        return replace(made, operations=(operation,))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, upstream: Peer) -> Iterator[Gateway]:
    build()
    folder: Path = tmp_path_factory.mktemp("claims")
    active = RowState.ACTIVE
    with proxy(folder, has_filter=True) as running:
        table = AccessTable.open(running.node.table_path, generation="g")
        applications = tuple(
            ApplicationRow(n, 1, f"app_00000000000{n}", "org_000000000000", active) for n in (1, 2)
        )
        subscriptions = tuple(
            SubscriptionRow(n, 1, f"sub_00000000000{n}", n, 1, 1, active) for n in (1, 2)
        )
        credentials = (
            CredentialRow(1, 1, "key_000000000000", 1, KEY.sha256, active),
            CredentialRow(2, 1, "cli_000000000000", 1, client_sha256(ISSUER, "robot"), active),
            CredentialRow(3, 1, "cli_000000000001", 2, client_sha256(ISSUER, "other"), active),
        )
        delta = AccessDelta(
            "g",
            0,
            9,
            is_complete=True,
            plans=(PlanRow(1, 1, "pln_000000000000", ()),),
            applications=applications,
            subscriptions=subscriptions,
            credentials=credentials,
        )
        table.apply(delta)
        try:
            yield Gateway(running, table, upstream)
        finally:
            table.close()


TENANTS = {"quotas": ["3/day"], "per": "claim", "claim": "tenant"}


def test_each_value_of_the_claim_has_its_own_limit_whoever_brings_it(gateway: Gateway) -> None:
    gateway.serve(TENANTS)
    assert gateway.statuses(2, token(tenant="a")) == "22"
    assert gateway.statuses(4, token(tenant="b")) == "2224"
    assert gateway.statuses(2, token("other", tenant="a")) == "24", "one tenant, two applications"
    assert gateway.statuses(1, token(tenant="b")) == "4"
    assert gateway.statuses(9, token(tenant="a"), "/free/echo") == "2" * 9


def test_without_the_claim_a_call_counts_by_its_application_and_is_not_free(
    gateway: Gateway,
) -> None:
    gateway.serve(TENANTS)
    assert gateway.statuses(2, token()) == "22"
    assert gateway.statuses(2, x_api_key=KEY.text) == "24", "a key of the same application"
    assert gateway.statuses(1, token()) == "4"
    assert gateway.statuses(4, token("other")) == "2224", "another application"
    assert gateway.statuses(1, token(tenant="a")) == "2", "with the claim"


def test_without_claim_and_application_a_call_counts_by_address(gateway: Gateway) -> None:
    gateway.serve(TENANTS, unknown=True)
    assert gateway.statuses(2, token("stranger")) == "22"
    assert gateway.statuses(2) == "24", "nobody, from the same address"
    assert gateway.statuses(1, token("stranger", tenant="a")) == "2"


def test_what_a_caller_writes_is_no_claim_and_does_not_reach_the_upstream(
    gateway: Gateway,
) -> None:
    gateway.serve(TENANTS)
    assert gateway.statuses(3, token(), x_headgate_claim_1="mine") == "222"
    assert not [name for name in gateway.sent if name.startswith("x-headgate-")]
    assert gateway.statuses(1, token(), x_headgate_claim_1="another") == "4"
    assert gateway.statuses(3, token(tenant="a"), x_headgate_claim_1="b") == "222"
    assert gateway.statuses(1, token(tenant="a"), x_headgate_claim_1="c") == "4"
    assert gateway.statuses(1, x_api_key=KEY.text, x_headgate_claim_1="mine") == "4"


@pytest.mark.parametrize(
    ("claim", "one", "other"),
    [
        ("tenant", {"tenant": 7}, {"tenant": 8}),
        ("tenant", {"tenant": ["a", "b"]}, {"tenant": ["a"]}),
        ("tenant", {"tenant": True}, {"tenant": False}),
        ("realm.tenant", {"realm": {"tenant": "a"}}, {"realm": {"tenant": "b"}}),
    ],
    ids=["number", "list", "boolean", "inside"],
)
def test_a_claim_may_be_anything(
    gateway: Gateway, claim: str, one: dict[str, Any], other: dict[str, Any]
) -> None:
    gateway.serve(TENANTS | {"claim": claim})
    assert gateway.statuses(4, token(**one)) == "2224"
    assert gateway.statuses(4, token(**other)) == "2224"


def test_an_apis_limit_and_an_operations_count_by_different_claims(gateway: Gateway) -> None:
    gateway.serve(TENANTS | {"quotas": ["4/day"]}, TENANTS | {"claim": "region"})
    assert gateway.statuses(4, token(tenant="a", region="x")) == "2224"
    assert gateway.statuses(2, token(tenant="a", region="y")) == "24", "the tenant's four are used"
    assert gateway.statuses(2, token(tenant="b", region="y")) == "22", "a refused call took nothing"
    assert gateway.statuses(1, token(tenant="b", region="y")) == "4"
