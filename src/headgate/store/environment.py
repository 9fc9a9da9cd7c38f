"""What does the environment say about the store? Read in one place, before Django starts."""

import os
from collections.abc import Mapping
from pathlib import Path

from headgate.model.tokens import is_public_url

DATA_FOLDER_DEFAULT = ".headgate"


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
