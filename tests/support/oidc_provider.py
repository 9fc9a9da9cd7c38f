"""Who issues tokens to foreign callers in a test? A certified OpenID provider, on loopback.

npm's `oidc-provider` in a process of its own: JWT access tokens for clients' credentials
(RFC 6749 §4.4, RFC 9068) for the audience that is asked for (RFC 8707), opaque ones for an
audience that ends in `/opaque`; keys are rotated on demand, and it can be stopped and started
again under the same address with the same keys.
"""

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from headgate.cli.up.answering import free_port
from tests.support import npm

SCRIPT = Path(__file__).with_suffix(".mjs")
START_SECONDS_MAX = 90.0
AUDIENCE = "https://api.example.com"


@dataclass(frozen=True)
class OIDCClient:
    """A client that gets tokens for its credentials. `claims` go into its tokens.

    With a `redirect_uri` people may sign in through it: with any address and any password.
    """

    id: str = "robot"
    secret: str = "the secret of the robot"
    scopes: tuple[str, ...] = ("read", "write")
    claims: dict[str, Any] = field(default_factory=dict)
    redirect_uri: str = ""


@dataclass
class OIDCProvider:
    """One provider in `folder`. Tokens are signed with `algorithm`: RS256 or ES256."""

    folder: Path
    clients: tuple[OIDCClient, ...] = (OIDCClient(),)
    algorithm: str = "RS256"
    token_seconds: int = 600
    port: int = field(default_factory=lambda: free_port("127.0.0.1"))
    _process: "subprocess.Popen[str] | None" = None

    @property
    def issuer(self) -> str:
        """Its URL, which stands in its tokens as `iss`."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = self.folder / "provider.json"
        given = {
            "issuer": self.issuer,
            "port": self.port,
            "keys_file": str(self.folder / "keys.json"),
            "clients": [asdict(client) for client in self.clients],
            "algorithm": self.algorithm,
            "token_seconds": self.token_seconds,
        }
        settings.write_text(json.dumps(given))
        command = [npm.node(), SCRIPT, npm.package("oidc-provider"), settings]
        with (self.folder / "provider.log").open("a") as log:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        if self._line() != "ready":
            self.stop()
            raise AssertionError((self.folder / "provider.log").read_text())
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self._answers():
            assert time.monotonic() < deadline, "the OpenID provider does not answer"
            time.sleep(0.05)

    def stop(self) -> None:
        """End it; its keys stay in the folder."""
        if self._process is not None:
            with self._process as process:
                process.kill()
            self._process = None

    def rotate(self) -> list[str]:
        """Sign with new keys from now on; the old ones stay published. The ids of all."""
        return self._command("rotate")

    def forget_old_keys(self) -> list[str]:
        """Publish the newest keys only. Their ids."""
        return self._command("forget")

    def discovery(self) -> dict[str, Any]:
        """What it says of itself. Source: OpenID Connect Discovery 1.0 §4."""
        return self._get("/.well-known/openid-configuration")

    def jwks(self) -> dict[str, Any]:
        """Its public keys."""
        return self._get(self.discovery()["jwks_uri"])

    def token(
        self, client: OIDCClient | None = None, *, scope: str = "", audience: str = AUDIENCE
    ) -> str:
        """An access token for a client's own credentials."""
        asking = client or self.clients[0]
        form = {"grant_type": "client_credentials", "resource": audience}
        answer = httpx2.post(
            self.discovery()["token_endpoint"],
            data=form | ({"scope": scope} if scope else {}),
            auth=(asking.id, asking.secret),
            trust_env=False,
        )
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def revoke(self, token: str) -> None:
        """Make one of its opaque tokens void. Source: RFC 7009."""
        asking = self.clients[0]
        answer = httpx2.post(
            self.discovery()["revocation_endpoint"],
            data={"token": token},
            auth=(asking.id, asking.secret),
            trust_env=False,
        )
        answer.raise_for_status()

    def _get(self, url: str) -> dict[str, Any]:
        where = url if url.startswith("http") else self.issuer + url
        answer = httpx2.get(where, trust_env=False)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def _answers(self) -> bool:
        with contextlib.suppress(httpx2.HTTPError):
            return bool(self.discovery())
        return False

    def _command(self, word: str) -> list[str]:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()
        found: list[str] = json.loads(self._line())
        return found

    def _line(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")


@contextlib.contextmanager
def oidc_provider(folder: Path, *clients: OIDCClient, **more: Any) -> Iterator[OIDCProvider]:
    """A running provider, until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    provider = OIDCProvider(folder, clients or (OIDCClient(),), **more)
    try:
        provider.start()
        yield provider
    finally:
        provider.stop()
