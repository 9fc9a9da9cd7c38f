"""Does the upstream get the gateway's own credential, and only where the policy stands?"""

import base64
from typing import Any

import pytest

from headgate.gateway.secrets import fill
from headgate.model.snapshot import PolicyUse, Snapshot, SnapshotAPI
from tests.support.peer import Peer
from tests.support.proxy import Proxy, api

pytestmark = pytest.mark.integration
SECRET = "s3cr%t: of {the} gateway"  # with what Envoy and HTTP give a meaning to


def filled(made: SnapshotAPI) -> SnapshotAPI:
    """The API as a node serves it: with the secret in its place."""
    return fill(Snapshot(1, "default", (made,), secrets={"billing": SECRET})).apis[0]


def auth(**settings: Any) -> PolicyUse:
    return PolicyUse("upstream_auth", {"secret": "${secret:billing}", **settings})


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [
        ({"scheme": "bearer"}, "authorization", f"Bearer {SECRET}"),
        ({"scheme": "header", "header": "X-Partner"}, "x-partner", SECRET),
        (
            {"scheme": "basic", "username": "gateway"},
            "authorization",
            "Basic " + base64.b64encode(f"gateway:{SECRET}".encode()).decode(),
        ),
    ],
)
def test_the_upstream_gets_the_credential_in_the_place_of_what_came(
    gateway: Proxy, upstream: Peer, settings: dict[str, Any], name: str, value: str
) -> None:
    gateway.publish(filled(api("GET /echo", port=upstream.port, policies=[auth(**settings)])))
    sent = {"Authorization": "Bearer of-the-caller", "X-Partner": "of-the-caller"}
    answer = gateway.call("/shop/echo", headers=sent)
    assert answer.status == 200
    assert answer.json["headers"][name] == value
    assert value not in answer.headers.values()


def test_a_neighbour_without_the_policy_sends_what_came(gateway: Proxy, upstream: Peer) -> None:
    attached = {"POST /echo": (auth(scheme="bearer"),)}
    made = api("GET /echo", "POST /echo", port=upstream.port, of_operation=attached)
    gateway.publish(filled(made))
    for method, value in (("GET", "Bearer of-the-caller"), ("POST", f"Bearer {SECRET}")):
        sent = {"Authorization": "Bearer of-the-caller"}
        answer = gateway.call("/shop/echo", method, sent)
        assert answer.json["headers"]["authorization"] == value
