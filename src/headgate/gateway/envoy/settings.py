"""What does the translation need to know of the node that will run it?"""

from dataclasses import dataclass
from pathlib import Path

from headgate.model.introspection import SOCKET_NAME

DOWNSTREAM_CONNECTIONS_MAX = 50_000  # further ones are refused at accept, not queued
HEAP_BYTES_MAX = 4 * 1024**3  # at 95 % Envoy stops taking requests, at 90 % it gives memory back
FLUSH_INTERVAL_MS = 100  # how long a log line may wait in Envoy's buffer
FLUSH_SIZE_MIN_KB = 16  # how much may wait there


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """One node's places and limits. Every path is absolute.

    `folder` holds the resource files that Envoy watches; `ca_bundle` the authorities against
    which upstream certificates are verified, `client_authorities` those of callers' certificates,
    None to ask for none. `trusted_proxies` are the networks of proxies of ours in front, of which
    `trusted_hops` stand in a row: what connects from there is believed in its X-Forwarded-For;
    everybody else's own address is the caller's.
    `has_filter` false leaves the access filter and its table out: the same Envoy as a bare
    proxy, for measurements and for tests of everything else. `validator_sockets` are where the
    node's validators listen (`headgate.node.validator`). `trial_socket` is where requests are tried
    without consequences, None where they are not; their lines go to `trial_log`.
    """

    node: str
    gateway: str
    folder: Path
    log_path: Path
    table_path: Path
    admin_socket: Path
    listen_address: str = "127.0.0.1"
    port: int = 8080
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    client_authorities: Path | None = None
    ca_bundle: Path = Path("/etc/ssl/certs/ca-certificates.crt")
    workers: int = 2
    trusted_proxies: tuple[str, ...] = ()
    trusted_hops: int = 1
    has_filter: bool = True
    trial_socket: Path | None = None
    trial_log: Path = Path("trial.log")
    validator_sockets: tuple[Path, ...] = (Path("validator-0.sock"),)
    introspector_socket: Path = Path(SOCKET_NAME)
    connections_max: int = DOWNSTREAM_CONNECTIONS_MAX
    heap_bytes_max: int = HEAP_BYTES_MAX
    flush_interval_ms: int = FLUSH_INTERVAL_MS
    flush_size_min_kb: int = FLUSH_SIZE_MIN_KB

    def __post_init__(self) -> None:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("a TLS certificate and its key are set together or not at all")
        if self.client_authorities is not None and self.tls_certificate is None:
            raise ValueError("client certificates need TLS: a certificate of the gateway's own")

    @property
    def bootstrap_path(self) -> Path:
        """Where Envoy's own start configuration stands."""
        return self.folder / "bootstrap.json"

    def arguments(self, *, base_id: int) -> list[str]:
        """Envoy's command line after the program's name.

        `base_id` keeps Envoys on one machine apart.
        """
        return [
            "--config-path",
            str(self.bootstrap_path),
            "--concurrency",
            str(self.workers),
            "--base-id",
            str(base_id),
            "--file-flush-interval-msec",
            str(self.flush_interval_ms),
            "--file-flush-min-size-kb",
            str(self.flush_size_min_kb),
            "--log-level",
            "warning",
        ]
