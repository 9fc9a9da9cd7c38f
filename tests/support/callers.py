"""A gateway whose one application has every kind of credential, and how to present each."""

import base64
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from headgate.access.keys import Secret, new_key, new_password
from headgate.gateway.compile import published_rows
from headgate.gateway.filter.build import build
from headgate.gateway.table import AccessTable
from headgate.model.access import (
    AccessDelta,
    APIRow,
    ApplicationRow,
    CredentialRow,
    GrantRow,
    PlanRow,
    RowState,
    SubscriptionRow,
)
from headgate.model.scopes import ScopeNeeds
from headgate.model.sensitive import SensitiveMark
from headgate.model.snapshot import PolicyUse, Snapshot
from headgate.model.tokens import client_sha256
from tests.support.peer import Peer
from tests.support.proxy import Answer, Proxy, api, proxy

ISSUER = "https://login.example.com"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
USER, OTHER_USER = "usr_000000000001", "usr_000000000002"
ACTIVE = RowState.ACTIVE


def issuer(*, claims: Mapping[str, Sequence[str]] | None = None, **settings: Any) -> PolicyUse:
    """The policy that takes the tokens of `ISSUER`; `claims`: where it says what, by setting."""
    found: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA_KEY.public_key()))
    keys = {"keys": [found | {"kid": "one", "alg": "RS256"}]}
    return PolicyUse(
        "jwt", {"issuers": [{"issuer": ISSUER, "jwks": keys} | dict(claims or {})]} | settings
    )


def token(**claims: Any) -> str:
    """A good token of the client `robot`, but for what is said."""
    given = {"iss": ISSUER, "client_id": "robot", "exp": int(time.time()) + 600} | claims
    return jwt.encode(given, RSA_KEY, algorithm="RS256", headers={"kid": "one"})


def basic(user: str, password: str) -> str:
    """The field `Authorization`."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@dataclass
class Callers:
    """The gateway, its table, and the application's credentials."""

    gateway: Proxy
    table: AccessTable
    key: Secret = field(default_factory=new_key)
    reader_key: Secret = field(default_factory=new_key)  # restricted to the scope `read`
    password: Secret = field(default_factory=lambda: new_password(USER))
    revoked_password: Secret = field(default_factory=lambda: new_password(OTHER_USER))

    def fill(self, *more: CredentialRow) -> None:
        """One application that is subscribed to API 1, whose API is closed, and to the open 2."""
        rows = (
            CredentialRow(1, 1, "key_000000000001", 1, self.key.sha256, ACTIVE),
            CredentialRow(2, 1, "cli_000000000001", 1, client_sha256(ISSUER, "robot"), ACTIVE),
            CredentialRow(3, 1, USER, 1, self.password.sha256, ACTIVE),
            CredentialRow(4, 1, OTHER_USER, 1, self.revoked_password.sha256, RowState.REVOKED),
            CredentialRow(
                5, 1, "key_000000000002", 1, self.reader_key.sha256, ACTIVE, scopes=("read",)
            ),
            *more,
        )
        after = self.table.sequence
        delta = AccessDelta(
            "g",
            after,
            after + 1,
            is_complete=True,
            apis=(APIRow(1, 1, (1,)), APIRow(2, 1, (1,), is_open=True)),
            plans=(PlanRow(1, 1, "pln_000000000001", ()),),
            applications=(ApplicationRow(1, 1, "app_000000000001", "org_000000000001", ACTIVE),),
            subscriptions=(SubscriptionRow(1, 1, "sub_000000000001", 1, 1, 1, ACTIVE),),
            credentials=rows,
        )
        self.table.apply(delta)

    def grant(
        self, mark: int, *, row: int = 1, seconds: float = 3600, state: RowState = ACTIVE
    ) -> datetime:
        """Write the application's grant for a mark; when it ends."""
        ends_at = datetime.now(UTC) + timedelta(seconds=seconds)
        after = self.table.sequence
        grants = (GrantRow(row, after + 1, 1, mark, state, ends_at),)
        self.table.apply(AccessDelta("g", after, after + 1, is_complete=True, grants=grants))
        return ends_at

    def publish(
        self,
        upstream: Peer,
        *policies: PolicyUse,
        needs: ScopeNeeds | None = None,
        of_operation: Sequence[PolicyUse] = (),
        marks: tuple[SensitiveMark, ...] = (),
    ) -> None:
        """`GET /shop/echo` of the closed API and `GET /open/echo` of the open one."""
        made = []
        for row, base in ((1, "/shop"), (2, "/open")):
            one = api("GET /echo", row=row, base_path=base, port=upstream.port, policies=policies)
            operation = replace(
                one.operations[0], row=row, needs=needs, policies=tuple(of_operation)
            )
            made.append(replace(one, operations=(operation,)))
        self.table.publish(published_rows(Snapshot(1, "default", tuple(made))))
        self.gateway.publish(*made, marks=marks)

    def call(self, path: str = "/shop/echo", /, **headers: str) -> Answer:
        """A call with these fields (`_` for `-`)."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.gateway.call(path, headers=sent)


@contextmanager
def callers(folder: Path, **settings: Any) -> Iterator[Callers]:
    """Envoy with the filter and the table that says who may call."""
    build()
    with proxy(folder, has_filter=True, **settings) as gateway:
        table = AccessTable.open(gateway.node.table_path, generation="g")
        made = Callers(gateway, table)
        made.fill()
        try:
            yield made
        finally:
            table.close()
