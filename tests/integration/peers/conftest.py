"""A gateway with the access filter before a real nginx, for the peers that call through it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from headgate.gateway.compile import published_rows
from headgate.gateway.filter.build import build
from headgate.gateway.table import AccessTable
from headgate.model.access import AccessDelta, APIRow
from headgate.model.snapshot import Snapshot, SnapshotAPI
from tests.support.certificates import Authority
from tests.support.nginx import Nginx, nginx
from tests.support.proxy import Proxy, api, proxy

OPERATIONS = ("GET /{file}", "HEAD /{file}", "GET /closing/{file}", "PUT /uploads/{file}")


@dataclass(frozen=True)
class World:
    """A gateway without TLS and one with it, both before the same nginx.

    `/files` is open, `/closed` wants a key that nobody has.
    """

    nginx: Nginx
    plain: Proxy
    tls: Proxy
    authority: Path

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.plain.port}{path}"

    @property
    def tls_arguments(self) -> list[str]:
        """How curl gets to the gateway with TLS under its name."""
        place = f"gateway.test:{self.tls.port}:127.0.0.1"
        return ["--cacert", str(self.authority), "--resolve", place]

    def tls_url(self, path: str) -> str:
        return f"https://gateway.test:{self.tls.port}{path}"


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    build()
    folder = tmp_path_factory.mktemp("peers")
    certificate, key = Authority(folder).issue(folder / "certificate", "gateway.test")
    secured = {"tls_certificate": certificate, "tls_key": key}
    with (
        nginx(tmp_path_factory.mktemp("nginx")) as server,
        proxy(folder / "plain", has_filter=True) as plain,
        proxy(folder / "tls", has_filter=True, **secured) as tls,
    ):
        (server.files / "small.txt").write_text("hello\n")
        (server.files / "large.json").write_text('{"numbers": "' + "0123456789" * 20_000 + '"}')
        apis = (
            api(*OPERATIONS, base_path="/files", port=server.port),
            api(*OPERATIONS, row=2, base_path="/closed", port=server.port),
        )
        for gateway in (plain, tls):
            _serve(gateway, apis)
        yield World(server, plain, tls, folder / "ca.pem")


def _serve(gateway: Proxy, apis: tuple[SnapshotAPI, ...]) -> None:
    """The table is written, then left alone: Envoy keeps it mapped."""
    table = AccessTable.open(gateway.node.table_path, generation="g")
    rows = (APIRow(1, 1, (), is_open=True), APIRow(2, 2, ()))
    table.apply(AccessDelta("g", 0, 2, is_complete=True, apis=rows))
    table.publish(published_rows(Snapshot(1, "default", apis)))
    table.close()
    gateway.publish(*apis)
