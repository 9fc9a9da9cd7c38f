"""Where does a signed-in browser's session live? In the database, under a digest of its cookie.

Whoever reads the database cannot take over a session: the cookie's value is not in it.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.base_session import AbstractBaseSession

DIGEST_CHARACTERS = 40  # of SHA-256 in hexadecimal: what the column holds, 160 bits


class SessionStore(DatabaseStore):
    """Django's store of sessions in the database, with the key digested."""

    def exists(self, session_key: str) -> bool:
        return super().exists(stored(session_key))

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            super().delete(stored(key))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        row = super().create_model_instance(data)
        row.session_key = stored(row.session_key)
        return row

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        found = self.model.objects.filter(
            session_key=stored(self.session_key or ""),
            expire_date__gt=datetime.now(UTC),  # noqa: TID251  # Django's sessions take no clock
        ).first()
        if found is None:
            self._session_key = None
        return found


def stored(session_key: str) -> str:
    """How a session's key stands in the database."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:DIGEST_CHARACTERS]
