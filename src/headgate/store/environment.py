"""What does the environment say about the store? Read in one place, before Django starts."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from headgate.model.tokens import is_public_url

DATA_FOLDER_DEFAULT = ".headgate"
GATEWAY_URL_DEFAULT = "http://localhost:8080"
SIGN_UP = ("open", "invited", "closed")
HIDDEN = "•••"


def mistakes(environment: Mapping[str, str] = os.environ) -> list[str]:
    """What is said wrongly, all of it at once."""
    found = []
    for ask in (database_url, public_url, gateway_url, signs_up, sign_in_providers, mail_server):
        try:
            ask(environment)
        except ValueError as error:
            found.append(f"{error}.")
    return found


def data_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The data folder, absolute: HEADGATE_DATA or `.headgate` in the working folder."""
    return Path(environment.get("HEADGATE_DATA") or DATA_FOLDER_DEFAULT).expanduser().absolute()


def database_url(environment: Mapping[str, str] = os.environ) -> str:
    """HEADGATE_DATABASE_URL; empty means SQLite in the data folder.

    Raises:
        ValueError: neither empty nor a PostgreSQL address.
    """
    url = environment.get("HEADGATE_DATABASE_URL", "").strip()
    if url and not url.startswith(("postgresql://", "postgres://")):
        raise ValueError(
            "HEADGATE_DATABASE_URL is not a database that Headgate knows; "
            "leave it empty for SQLite or write postgresql://user:password@host:5432/name"
        )
    return url


def public_url(environment: Mapping[str, str] = os.environ) -> str:
    """HEADGATE_PUBLIC_URL; empty where it is not said.

    Raises:
        ValueError: it is not an origin.
    """
    url = environment.get("HEADGATE_PUBLIC_URL", "").strip()
    if url and not is_public_url(url):
        raise ValueError(
            "HEADGATE_PUBLIC_URL is not an origin; write https://apis.example.com, "
            "without a path and without a slash at its end"
        )
    return url


def gateway_url(environment: Mapping[str, str] = os.environ) -> str:
    """HEADGATE_GATEWAY_URL: where callers reach the gateway, as the reference of APIs says it.

    Raises:
        ValueError: it is not an origin.
    """
    url = environment.get("HEADGATE_GATEWAY_URL", "").strip() or GATEWAY_URL_DEFAULT
    if not is_public_url(url):
        raise ValueError(
            "HEADGATE_GATEWAY_URL is not an origin; write https://api.example.com, "
            "without a path and without a slash at its end"
        )
    return url


def signs_up(environment: Mapping[str, str] = os.environ) -> str:
    """HEADGATE_SIGN_UP: who may make an account in the portal: `open`, `invited` or `closed`.

    Raises:
        ValueError: another word.
    """
    word = environment.get("HEADGATE_SIGN_UP", "").strip() or "open"
    if word not in SIGN_UP:
        raise ValueError(f"HEADGATE_SIGN_UP is '{word}'; write one of: {', '.join(SIGN_UP)}")
    return word


def sign_in_providers(environment: Mapping[str, str] = os.environ) -> list[dict[str, Any]]:
    """The OpenID providers that people may sign in with, as allauth takes them.

    HEADGATE_OIDC_PROVIDERS: `NAME=ISSUER?client_id=…&title=…`, several apart by spaces; each
    one's secret stands in HEADGATE_OIDC_SECRET_NAME.

    Raises:
        ValueError: an entry of another form.
    """
    found = []
    for entry in environment.get("HEADGATE_OIDC_PROVIDERS", "").split():
        name, _, address = entry.partition("=")
        parts = urlsplit(address)
        query = parse_qs(parts.query)
        if not (name.isidentifier() and parts.scheme in {"http", "https"} and "client_id" in query):
            raise ValueError(
                f"HEADGATE_OIDC_PROVIDERS holds '{name}', which is not written as "
                "name=https://issuer.example.com?client_id=headgate"
            )
        found.append(
            {
                "provider_id": name,
                "name": query.get("title", [name])[0],
                "client_id": query["client_id"][0],
                "secret": environment.get(f"HEADGATE_OIDC_SECRET_{name.upper()}", ""),
                "settings": {"server_url": f"{parts.scheme}://{parts.netloc}{parts.path}"},
            }
        )
    return found


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are given to. `sender`: the address that they come from."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    is_tls: bool
    sender: str


def mail_server(environment: Mapping[str, str] = os.environ) -> MailServer | None:
    """HEADGATE_SMTP_URL and HEADGATE_MAIL_FROM; None where no server is named.

    `smtp://` speaks TLS as soon as the server offers it, `smtps://` from the start.

    Raises:
        ValueError: not an address of a mail server, or no sender.
    """
    url = environment.get("HEADGATE_SMTP_URL", "").strip()
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError("HEADGATE_SMTP_URL is not written as smtp://user:password@host:587")
    sender = environment.get("HEADGATE_MAIL_FROM", "").strip()
    if "@" not in sender:
        raise ValueError("HEADGATE_MAIL_FROM does not say which address mails come from")
    is_tls = parts.scheme == "smtps"
    return MailServer(
        parts.hostname,
        parts.port or (465 if is_tls else 587),
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        is_tls,
        sender,
    )


@dataclass(frozen=True, slots=True)
class Said:
    """One setting as it may be shown: without secrets. `is_known`: something reads it."""

    name: str
    value: str
    is_default: bool
    is_known: bool = True


def shown(environment: Mapping[str, str] = os.environ) -> list[Said]:
    """What this process runs with, by name. Of passwords and secrets it is said that they are set.

    A variable that begins like ours and that nothing reads is likely misspelt: it is listed too.
    """
    found = [
        Said(name, _open(read(environment)), not environment.get(name, "").strip())
        for name, read in _READ.items()
    ]
    for name in sorted(environment):
        if name.startswith("HEADGATE_") and name not in _READ:
            is_known = name in _ELSEWHERE or name.startswith("HEADGATE_OIDC_SECRET_")
            found.append(Said(name, HIDDEN, is_default=False, is_known=is_known))
    return sorted(found, key=lambda one: one.name)


def _open(value: object) -> str:
    """A value; of an address without its password, and without what stands behind a `?`."""
    text = str(value)
    try:
        parts = urlsplit(text)
    except ValueError:
        return HIDDEN
    if parts.password:
        text = text.replace(f":{parts.password}@", f":{HIDDEN}@")
    return text.replace(f"?{parts.query}", f"?{HIDDEN}") if parts.query else text


_ELSEWHERE = frozenset({"HEADGATE_TOKEN", "HEADGATE_URL"})  # by commands
_READ: Mapping[str, Callable[[Mapping[str, str]], object]] = {
    "HEADGATE_DATA": data_folder,
    "HEADGATE_DATABASE_URL": database_url,
    "HEADGATE_PUBLIC_URL": public_url,
    "HEADGATE_GATEWAY_URL": gateway_url,
    "HEADGATE_SIGN_UP": signs_up,
    "HEADGATE_SMTP_URL": lambda environment: environment.get("HEADGATE_SMTP_URL", ""),
    "HEADGATE_MAIL_FROM": lambda environment: environment.get("HEADGATE_MAIL_FROM", ""),
    "HEADGATE_OIDC_PROVIDERS": lambda environment: ", ".join(
        f"{one['provider_id']}: {one['settings']['server_url']}"
        for one in sign_in_providers(environment)
    ),
    "HEADGATE_LOG_FORMAT": lambda environment: environment.get("HEADGATE_LOG_FORMAT", "console"),
    "HEADGATE_LOG_LEVEL": lambda environment: environment.get("HEADGATE_LOG_LEVEL", "info"),
}
