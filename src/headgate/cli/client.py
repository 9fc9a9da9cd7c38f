"""How does a command call the REST API? One client; every refusal becomes a Problem."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from headgate.cli.connection import Connection
from headgate.core.ids import new_id
from headgate.core.problems import STATUS, Detail, Problem, ProblemType, type_name

if TYPE_CHECKING:
    import httpx2  # imported where a client is made: a help page does not pay for it

API_PREFIX = "/api/v1"
CONNECT_TIMEOUT_SECONDS = 5.0
ANSWER_TIMEOUT_SECONDS = 120.0  # an import of a document of 10 MB takes seconds
PAGE_ITEMS = 500  # of the 1,000 that the API allows
TRIES_MAX = 2  # a connection that broke is tried once more: creates carry an Idempotency-Key

Parameters = Mapping[str, str | int | bool | None]


class Client:
    """Calls below `/api/v1` of one control plane, as JSON.

    Every method raises Problem: the server's own where it answered with one, `unavailable`
    where it could not be reached.
    """

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect

    @cached_property
    def connection(self) -> Connection:
        """Looked up at the first call, so that a command first checks how it was used."""
        return self._connect()

    @cached_property
    def _http(self) -> "httpx2.Client":
        import httpx2

        return httpx2.Client(
            base_url=self.connection.url + API_PREFIX,
            headers={"Authorization": f"Bearer {self.connection.token}"},
            timeout=httpx2.Timeout(ANSWER_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS),
            trust_env=not self.connection.is_local,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if "_http" in self.__dict__:
            self._http.close()

    def get(self, path: str, parameters: Parameters | None = None) -> Any:
        """The resource at `path`."""
        return self._call("GET", path, parameters=parameters)

    def text(self, path: str, parameters: Parameters | None = None, *, accept: str) -> str:
        """The resource at `path` as text of the media type `accept`."""
        return self._send("GET", path, parameters, None, {"Accept": accept}).text

    def file(self, path: str) -> bytes:
        """The resource at `path` as it is sent."""
        return self._send("GET", path, None, None, {"Accept": "*/*"}).content

    def post(self, path: str, body: Any = None, parameters: Parameters | None = None) -> Any:
        """The answer to a create or an action; safe to repeat on a broken connection."""
        return self._call("POST", path, body=body, parameters=parameters)

    def put(self, path: str, body: Any) -> Any:
        """The answer to a replacement."""
        return self._call("PUT", path, body=body)

    def patch(self, path: str, body: Any) -> Any:
        """The answer to a partial change."""
        return self._call("PATCH", path, body=body)

    def delete(self, path: str) -> Any:
        """The answer to a removal, usually nothing."""
        return self._call("DELETE", path)

    def items(
        self, path: str, parameters: Parameters | None = None, *, items_max: int | None = None
    ) -> Iterator[Any]:
        """Every item of a list, page by page, at most `items_max`."""
        left = items_max
        cursor: str | None = None
        while left is None or left > 0:
            limit = PAGE_ITEMS if left is None else min(PAGE_ITEMS, left)
            page = self.get(path, {**(parameters or {}), "limit": limit, "cursor": cursor})
            yield from page["items"]
            cursor = page.get("next")
            if not cursor:
                return
            left = None if left is None else left - len(page["items"])

    def _call(
        self, method: str, path: str, *, body: Any = None, parameters: Parameters | None = None
    ) -> Any:
        answer = self._send(method, path, parameters, body, {})
        if answer.status_code == 204 or not answer.content:
            return None
        try:
            return answer.json()
        except ValueError as error:
            raise self._not_headgate(answer) from error

    def _send(
        self,
        method: str,
        path: str,
        parameters: Parameters | None,
        body: Any,
        headers: dict[str, str],
    ) -> "httpx2.Response":
        import httpx2

        if method == "POST":
            headers = {**headers, "Idempotency-Key": new_id("req")}
        query = {name: _as_text(v) for name, v in (parameters or {}).items() if v is not None}
        for tries in range(1, TRIES_MAX + 1):
            try:
                answer = self._http.request(method, path, params=query, json=body, headers=headers)
            except (httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError) as error:
                if tries == TRIES_MAX:
                    raise self._unreachable(error) from error
            except httpx2.HTTPError as error:
                raise self._unreachable(error) from error
            else:
                if answer.is_success:
                    return answer
                raise self._refusal(answer)
        raise AssertionError("every try returns or raises")

    def _unreachable(self, error: Exception) -> Problem:
        return Problem(
            ProblemType.UNAVAILABLE,
            f"The control plane at {self.connection.url} does not answer: {error}.",
            "Start it with `headgate up` on its data folder, or correct HEADGATE_URL.",
        )

    def _not_headgate(self, answer: "httpx2.Response") -> Problem:
        return Problem(
            ProblemType.UNAVAILABLE,
            f"{self.connection.url} answered {answer.status_code} with something that is not "
            "Headgate's API.",
            "Correct --url or HEADGATE_URL: it is the address that `headgate up` prints.",
        )

    def _refusal(self, answer: "httpx2.Response") -> Problem:
        try:
            body = answer.json()
        except ValueError:
            return self._not_headgate(answer)
        if not isinstance(body, dict) or "detail" not in body:
            return self._not_headgate(answer)
        problem = as_problem(body, answer.status_code)
        if problem.type is ProblemType.UNAUTHENTICATED and not problem.next_step:
            problem.next_step = "Set HEADGATE_TOKEN to a valid token (`headgate token create`)."
        return problem


def as_problem(body: Mapping[str, Any], status: int) -> Problem:
    """The problem that a server described. Source: RFC 9457 §3."""
    suffix = type_name(str(body.get("type", "")))
    known = {kind.value: kind for kind in ProblemType}
    by_status = {number: kind for kind, number in reversed(list(STATUS.items()))}
    detail = body["detail"]
    return Problem(
        known.get(suffix) or by_status.get(status, ProblemType.INTERNAL),
        detail if isinstance(detail, str) else json.dumps(detail),
        str(body.get("next_step", "")),
        [
            Detail(str(e.get("message", "")), str(e.get("pointer", "")), e.get("line"))
            for e in body.get("errors", ())
        ],
    )


def segment(text: str) -> str:
    """`text` as one segment of a path."""
    return quote(text, safe="")


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
