"""How does a call travel? One HTTP client, with the key where the API wants it.

This file is part of every generated client, as it stands here.
"""

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import httpx2

from headgate.catalog.styles import Written, in_cookie, in_header, in_path, in_query

TIMEOUT_SECONDS = 30.0


class APIError(Exception):
    """The API answered with an error. `body` is its JSON, or its text."""

    def __init__(self, status: int, body: Any) -> None:
        problem = body if isinstance(body, dict) else {}
        said = problem.get("detail") or problem.get("title") or problem.get("message") or body
        super().__init__(f"{status}: {str(said)[:500]}")
        self.status = status
        self.body = body


class Transport:
    """Sends requests to one address. `key_place` is header, bearer or query; "" for no key."""

    def __init__(
        self,
        base_url: str,
        key: str = "",
        *,
        key_place: str = "",
        key_name: str = "",
        timeout_seconds: float = TIMEOUT_SECONDS,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers: dict[str, str] = {}
        self._query: list[str] = []
        if key and key_place == "bearer":
            self._headers["Authorization"] = f"Bearer {key}"
        elif key and key_place == "header":
            self._headers[key_name] = key
        elif key and key_place == "query":
            self._query.append(in_query(Written(key_name, key, "form", explode=True)))
        self._http = httpx2.Client(timeout=timeout_seconds, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        in_path_: Iterable[Written] = (),
        in_query_: Iterable[Written] = (),
        in_header_: Iterable[Written] = (),
        in_cookie_: Iterable[Written] = (),
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, Any] | None = None,
        parts: Mapping[str, Any] | None = None,
        content: bytes | str | None = None,
    ) -> Any:
        """The answer's JSON, its text, or None if it is empty.

        What is None is not sent.

        Raises:
            APIError: the status is 400 or above.
        """
        for one in in_path_:
            path = path.replace("{" + one.name + "}", in_path(one))
        query = self._query + [in_query(one) for one in _given(in_query_)]
        url = f"{self._base_url}{path}{'?' if query else ''}{'&'.join(query)}"
        sent = self._headers | dict(headers or {})
        sent |= {one.name: in_header(one) for one in _given(in_header_)}
        if cookies := [in_cookie(one) for one in _given(in_cookie_)]:
            sent["Cookie"] = "; ".join(cookies)
        response = self._http.request(
            method,
            url,
            headers=sent,
            json=json,
            data={name: _field(value) for name, value in (form or {}).items()} or None,
            files=_parts(parts) if parts else None,
            content=content,
        )
        body = _body(response)
        if response.status_code >= 400:
            raise APIError(response.status_code, body)
        return body


def _given(written: Iterable[Written]) -> Iterable[Written]:
    return (one for one in written if one.value is not None)


def _body(response: httpx2.Response) -> Any:
    if not response.content:
        return None
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        return response.json()
    if kind.startswith("text/") or kind.endswith("xml"):
        return response.text
    return response.content


def _field(value: Any) -> Any:
    """A field of a form: texts as they are, lists as several, objects as JSON."""
    if isinstance(value, list):
        return [_text(one) for one in value]
    return _text(value)


def _parts(parts: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Parts of a form: bytes and open files are files."""
    found: list[tuple[str, Any]] = []
    for name, value in parts.items():
        for one in value if isinstance(value, list) else [value]:
            is_file = isinstance(one, bytes) or hasattr(one, "read")
            found.append((name, one if is_file else (None, _text(one))))
    return found


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    text: str = in_header(Written("", value, "simple", explode=False, is_json=True))
    return text
