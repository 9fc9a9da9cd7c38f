"""What was `headgate up` asked to run?"""

from dataclasses import dataclass
from pathlib import Path

from headgate.core.logging import LogFormat


@dataclass(frozen=True, slots=True)
class UpSettings:
    """One machine's whole tree. `data` is absolute; port 0 is not allowed."""

    data: Path
    listen: str
    gateway_port: int
    web_port: int
    tls_certificate: Path | None
    tls_key: Path | None
    client_authorities: Path | None
    trusted_proxies: tuple[str, ...]
    trusted_hops: int
    log_format: LogFormat
    is_demo: bool
    demo_port: int | None  # None: the demonstration's service takes a free port

    @property
    def reachable_host(self) -> str:
        """The address by which this machine reaches what listens on `listen`."""
        anywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared, not bound
        return anywhere.get(self.listen, self.listen)

    @property
    def gateway_url(self) -> str:
        """Where callers reach the gateway."""
        scheme = "https" if self.tls_certificate else "http"
        return f"{scheme}://{_in_url(self.reachable_host)}:{self.gateway_port}"

    @property
    def web_url(self) -> str:
        """Where people and commands reach the control plane."""
        return f"http://{_in_url(self.reachable_host)}:{self.web_port}"

    @property
    def run(self) -> Path:
        """The folder of what is running."""
        return self.data / "run"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
