"""Does `headgate explain` explain one request of each verdict, and to its organization its own?"""

import contextlib
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from headgate.model.record import Verdict
from tests.support.tree import Tree, eventually, tree
from tests.support.upstream import upstream

pytestmark = pytest.mark.integration
SLOW_SECONDS = 60.0
POLICIES = {
    "small": {"kind": "request_size", "settings": {"body_max": "1kB"}},
    "shut": {"kind": "maintenance", "settings": {}},
    "inner": {"kind": "ip_filter", "settings": {"deny": ["127.0.0.0/8"]}},
    "broken": {"kind": "fault", "settings": {"abort_percent": 100}},
    "strict": {"kind": "validate", "settings": {"request": "enforce", "on_failure": "closed"}},
    "scoped": {"kind": "scopes", "settings": {"any_of": ["orders:write"]}},
    "asked": {
        "kind": "introspect",
        "settings": {
            "issuer": "http://127.0.0.1:1",
            "endpoint": "http://127.0.0.1:1/introspection",
            "client_id": "gateway",
            "client_secret": "${secret:introspection}",
            "audiences": ["echo"],
            "allow_private": True,
        },
    },
}
"""One API each; `echo` has none, `dead` and `slow` have upstreams that are not there or silent."""
NAMES = ("echo", "dead", "slow", "once", "gone", "private", *POLICIES)
SPEC = {
    "openapi": "3.0.3",
    "info": {"title": "Echo", "version": "1"},
    "paths": {
        "/x": {
            "post": {
                "operationId": "x",
                "requestBody": {
                    "content": {"application/json": {"schema": {"type": "object"}}},
                },
                "responses": {"200": {"description": "ok"}},
            }
        }
    },
}


@contextlib.contextmanager
def silence() -> Iterator[str]:
    """The URL of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    kept.append(server.accept()[0])

        threading.Thread(target=take, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        for one in kept:
            one.close()


@dataclass
class World:
    """A tree with the APIs of `NAMES`, and keys of acme by what is particular about them."""

    tree: Tree
    keys: dict[str, str]

    def post(self, api: str, key: str = "good", body: bytes = b"{}") -> str:
        """The id of one request."""
        return self.answer(api, key, body).headers["x-request-id"]

    def answer(self, api: str, key: str = "good", body: bytes = b"{}") -> httpx2.Response:
        headers = {"content-type": "application/json"}
        if key == "opaque":
            headers["authorization"] = "Bearer nobody-can-say"
        elif key:
            headers["x-api-key"] = self.keys.get(key, key)
        url = f"{self.tree.gateway}/{api}/x"
        return httpx2.post(url, content=body, headers=headers, trust_env=False, timeout=60)

    def newest(self, verdict: str) -> str:
        """The id of the newest record with a verdict."""

        def found() -> list[str]:
            lines = self.tree.do("logs", "--json").out.splitlines()
            records = [json.loads(line) for line in lines if line.startswith("{")]
            return [one["request_id"] for one in records if one["verdict"] == verdict]

        eventually(lambda: bool(found()), SLOW_SECONDS)
        return found()[-1]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("verdicts")
    spec = folder / "spec.json"
    spec.write_text(json.dumps(SPEC))
    with upstream() as server, silence() as silent, tree(folder / "data") as up:
        places = {"dead": "http://127.0.0.1:1", "slow": silent}
        up.do("secret", "set", "introspection", stdin="nobody is asked with it\n")
        for name in NAMES:
            up.do("import", str(spec), "--name", name, "--upstream", places.get(name, server.url))
            if name in POLICIES:
                policies = folder / f"{name}.yaml"
                policies.write_text(json.dumps([POLICIES[name]]))
                up.do("policies", "set", name, "-f", str(policies))
            up.do("publish", name)
        up.do("sensitive", "mark", "private", "--owner", "ann@example.com", "--why", "Names")
        up.do("api", "deprecate", "gone")
        up.do("api", "retire", "gone")
        yield World(up, dict(_keys(up)))


def _keys(up: Tree) -> Iterator[tuple[str, str]]:
    apis = [word for name in NAMES if name != "once" for word in ("--api", name)]
    up.do("product", "create", "all", *apis)
    up.do("product", "create", "metered", "--api", "once")
    up.do("plan", "create", "all/wide", "--rate", "1000/second")
    up.do("plan", "create", "metered/rate", "--rate", "1/hour+1")
    up.do("plan", "create", "metered/quota", "--quota", "1/month")
    for name, plan in (("good", "all/wide"), ("fast", "metered/rate"), ("much", "metered/quota")):
        up.do("app", "create", name, "--organization", "acme")
        up.do("subscribe", f"acme/{name}", plan)
        yield name, up.do("key", "create", f"acme/{name}").out.strip()
    yield "old", up.do("key", "create", "acme/good", "--expires-in", "1s").out.strip()
    yield "scoped", up.do("key", "create", "acme/good", "--scope", "orders:read").out.strip()
    made = up.do("key", "create", "acme/good", "--json").json
    up.do("key", "revoke", made["id"])
    yield "gone", made["key"]


def second(world: World, key: str) -> str:
    world.post("once", key)
    return world.post("once", key)


def hung_up(world: World) -> str:
    patience = httpx2.Timeout(60.0, read=2.0)
    with contextlib.suppress(httpx2.ReadTimeout):
        headers = {"x-api-key": world.keys["good"], "content-type": "application/json"}
        url = f"{world.tree.gateway}/slow/x"
        httpx2.post(url, content=b"{}", headers=headers, trust_env=False, timeout=patience)
    return world.newest("client_closed")


def no_chunk(world: World) -> str:
    """A body whose second part is no chunk, after its headers have been taken."""
    place = ("127.0.0.1", world.tree.gateway_port)
    with socket.create_connection(place, timeout=20) as connection:
        head = f"POST /slow/x HTTP/1.1\r\nHost: g\r\nX-API-Key: {world.keys['good']}\r\n"
        connection.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        time.sleep(1)
        connection.sendall(b"no chunk\r\n")
        while connection.recv(65536):
            pass
    return world.newest("malformed")


def damaged(world: World) -> str:
    table: Path = world.tree.data / "node" / "access.tbl"
    with table.open("r+b", buffering=0) as file:
        magic = file.read(8)
        file.seek(0)
        file.write(bytes(8))
        try:
            return world.post("echo")
        finally:
            file.seek(0)
            file.write(magic)


def unjudged(world: World) -> str:
    """While the agent stands still, so that nobody starts the validator again."""
    agent = world.tree.children()["node"]
    ended = [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if _is_validator(path, world.tree.data)
    ]
    os.kill(agent, signal.SIGSTOP)
    try:
        for pid in ended:
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: world.answer("strict").status_code == 503, SLOW_SECONDS)
        return world.post("strict")
    finally:
        os.kill(agent, signal.SIGCONT)


def _is_validator(path: Path, data: Path) -> bool:
    with contextlib.suppress(OSError):
        words = path.read_bytes().split(b"\0")
        inside = str((path.parent / "cwd").readlink()).startswith(str(data))
        told = str(data).encode() in b" ".join(words)
        return b"headgate.node.validator" in words and (inside or told)
    return False


MAKE: dict[Verdict, Callable[[World], str]] = {
    Verdict.ALLOWED: lambda w: w.post("echo"),
    Verdict.NO_CREDENTIAL: lambda w: w.post("echo", ""),
    Verdict.UNKNOWN_CREDENTIAL: lambda w: w.post("echo", "hg_" + "0" * 38),
    Verdict.REVOKED: lambda w: w.post("echo", "gone"),
    Verdict.EXPIRED: lambda w: w.post("echo", "old"),
    Verdict.NOT_SUBSCRIBED: lambda w: w.post("echo", "fast"),
    Verdict.INSUFFICIENT_SCOPE: lambda w: w.post("scoped", "scoped"),
    Verdict.ACCESS_NOT_GRANTED: lambda w: w.post("private"),
    Verdict.INVALID_REQUEST: lambda w: w.post("strict", body=b"[]"),
    Verdict.RATE_LIMITED: lambda w: second(w, "fast"),
    Verdict.QUOTA_EXCEEDED: lambda w: second(w, "much"),
    Verdict.BLOCKED: lambda w: w.post("inner"),
    Verdict.MAINTENANCE: lambda w: w.post("shut"),
    Verdict.FAULT: lambda w: w.post("broken"),
    Verdict.NO_ROUTE: lambda w: w.post("nowhere"),
    Verdict.METHOD_NOT_ALLOWED: lambda w: w.tree.call("/echo/x", w.keys["good"]).headers[
        "x-request-id"
    ],
    Verdict.RETIRED: lambda w: w.post("gone", ""),
    Verdict.TABLE_DAMAGED: damaged,
    Verdict.UPSTREAM_FAILED: lambda w: w.post("dead"),
    Verdict.TOO_LARGE: lambda w: w.post("small", body=b"x" * 2000),
    Verdict.CLIENT_CLOSED: hung_up,
    Verdict.VALIDATOR_DOWN: unjudged,
    Verdict.MALFORMED: no_chunk,
    Verdict.INTROSPECTION_DOWN: lambda w: w.post("asked", "opaque"),
}


@pytest.mark.parametrize("verdict", list(Verdict))
def test_one_request_of_each_verdict_is_explained(world: World, verdict: Verdict) -> None:
    if verdict is Verdict.EXPIRED:
        eventually(lambda: world.answer("echo", "old").status_code == 401, SLOW_SECONDS)
    request_id = MAKE[verdict](world)
    eventually(lambda: world.tree.cli("explain", request_id).code == 0, SLOW_SECONDS)
    found: dict[str, Any] = world.tree.do("explain", request_id, "--json").json
    assert found["verdict"] == verdict.value
    assert found["summary"]
    assert (found["next_step"] == "") == (verdict is Verdict.ALLOWED)
    steps = {step["name"]: step for step in found["steps"]}
    assert steps["answer"]["outcome"] == verdict.value
    assert {"route", "answer"} <= steps.keys()
    if (policy := DECIDED.get(verdict)) is not None:
        assert f"{policy}: refused it" in steps["policies"]["detail"]


DECIDED = {
    Verdict.BLOCKED: "ip_filter (API inner@v1)",
    Verdict.MAINTENANCE: "maintenance (API shut@v1)",
    Verdict.FAULT: "fault (API broken@v1)",
    Verdict.INVALID_REQUEST: "validate (API strict@v1)",
    Verdict.TOO_LARGE: "request_size (API small@v1)",
    Verdict.INSUFFICIENT_SCOPE: "scopes (API scoped@v1)",
}


OWN = (
    Verdict.ALLOWED,
    Verdict.UPSTREAM_FAILED,
    Verdict.INSUFFICIENT_SCOPE,
    Verdict.ACCESS_NOT_GRANTED,
    Verdict.NOT_SUBSCRIBED,
    Verdict.REVOKED,
)
"""Verdicts of requests whose caller is known; `request_size` refuses before anybody is."""


def test_an_organization_reads_its_own_of_each_and_nothing_of_the_providers(world: World) -> None:
    made = world.tree.do("token", "create", "t", "--scope", "traffic", "--organization", "acme")
    headers = {"Authorization": f"Bearer {made.out.strip().splitlines()[-1]}"}
    base = f"http://127.0.0.1:{world.tree.web_port}/api/v1/traffic/requests"
    for verdict in OWN:
        url = f"{base}/{MAKE[verdict](world)}/explanation"

        def ask(url: str = url) -> httpx2.Response:
            return httpx2.get(url, headers=headers, trust_env=False, timeout=60)

        eventually(lambda ask=ask: ask().status_code == 200, SLOW_SECONDS)
        found = ask().json()
        assert found["verdict"] == verdict.value
        assert {"policies", "upstream"}.isdisjoint(step["name"] for step in found["steps"])
    strangers = MAKE[Verdict.NO_CREDENTIAL](world)
    eventually(lambda: world.tree.cli("explain", strangers).code == 0, SLOW_SECONDS)
    answer = httpx2.get(
        f"{base}/{strangers}/explanation", headers=headers, trust_env=False, timeout=60
    )
    assert answer.status_code == 404
