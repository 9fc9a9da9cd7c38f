"""Where is the control plane, and with which token? Options, then the environment, then the folder.

`headgate up` and `headgate web` leave their address in `DATA/run/web.json` and the
administrator's token in `DATA/admin.token`; commands on the same machine find both there.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from headgate.core.problems import Problem, ProblemType

DATA_DEFAULT = ".headgate"


@dataclass(frozen=True, slots=True)
class Connection:
    """A control plane's address without a slash at the end, and a bearer token for it."""

    url: str
    token: str

    @property
    def is_local(self) -> bool:
        """Whether the address is this machine's own (a proxy must not come between)."""
        return urlsplit(self.url).hostname in {"127.0.0.1", "::1", "localhost"}


def data_folder(data: Path | None, environment: Mapping[str, str] = os.environ) -> Path:
    """The data folder: the option, else HEADGATE_DATA, else `.headgate` in the working folder."""
    return data or Path(environment.get("HEADGATE_DATA") or DATA_DEFAULT)


def find_connection(
    url: str | None,
    token: str | None,
    data: Path | None,
    environment: Mapping[str, str] = os.environ,
) -> Connection:
    """The control plane that a command talks to.

    Raises:
        Problem: no address or no token is known, or the address is not an http(s) one.
    """
    folder = data_folder(data, environment)
    found_url = (url or environment.get("HEADGATE_URL") or _url_in(folder)).rstrip("/")
    found_token = token or environment.get("HEADGATE_TOKEN") or _token_in(folder)
    parts = urlsplit(found_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Problem(
            ProblemType.INVALID_INPUT,
            f"{found_url!r} is not an address of a control plane.",
            "Write it like http://127.0.0.1:8000, in --url or HEADGATE_URL.",
        )
    return Connection(found_url, found_token)


def _url_in(folder: Path) -> str:
    try:
        found = json.loads((folder / "run" / "web.json").read_text())
        return str(found["url"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Problem(
            ProblemType.UNAVAILABLE,
            f"No control plane is known: nothing has been started on the data folder {folder}.",
            f"Start it with `headgate up --data {folder}`, name its folder in HEADGATE_DATA or "
            "--data, or set HEADGATE_URL and HEADGATE_TOKEN.",
        ) from error


def _token_in(folder: Path) -> str:
    path = folder / "admin.token"
    try:
        found = path.read_text().strip()
    except OSError as error:
        raise Problem(
            ProblemType.UNAUTHENTICATED,
            f"No token is known: {path} cannot be read ({error.strerror}).",
            "Set HEADGATE_TOKEN, or run the command as the user that runs `headgate up`.",
        ) from error
    return found
