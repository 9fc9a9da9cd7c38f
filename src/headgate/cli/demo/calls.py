"""Which requests does the demonstration send? A few of every outcome that the gateway knows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from headgate.core.problems import type_name
from headgate.model.record import Verdict

ANSWER_TIMEOUT_SECONDS = 30.0
BAD_GATEWAY = 502  # from here on the gateway takes the upstream as failed
WRONG_KEY = "hg_" + "0" * 38


@dataclass(frozen=True, slots=True)
class Call:
    """`times` requests of one kind; `key` empty sends none."""

    method: str
    path: str
    times: int
    key: str = ""


@dataclass(slots=True)
class Sent:
    """What the callers saw: answers by verdict (as the problem said) and by status."""

    by_verdict: dict[str, int] = field(default_factory=dict)
    by_status: dict[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All requests that were answered."""
        return sum(self.by_verdict.values())

    def count(self, status: int, verdict: str) -> None:
        """Add one answer."""
        self.by_status[status] = self.by_status.get(status, 0) + 1
        self.by_verdict[verdict] = self.by_verdict.get(verdict, 0) + 1


def on_the_free_plan(key: str) -> list[Call]:
    """More at once than the plan's rate: the rest is told when to come again."""
    return [Call("GET", "/get", 60, key)]


def on_the_pro_plan(key: str) -> list[Call]:
    """What a good caller does, over a handful of operations."""
    return [
        Call("GET", "/get", 80, key),
        Call("GET", "/uuid", 60, key),
        Call("GET", "/anything/orders", 40, key),
        Call("POST", "/post", 40, key),
        Call("GET", "/bytes/2048", 20, key),
    ]


def that_fail(key: str, revoked_key: str) -> list[Call]:
    """What goes wrong: at the gateway, and behind it."""
    return [
        Call("GET", "/get", 20),
        Call("GET", "/get", 15, WRONG_KEY),
        Call("GET", "/get", 5, revoked_key),
        Call("GET", "/nowhere", 10, key),
        Call("DELETE", "/get", 8, key),
        Call("GET", "/status/503", 12, key),
    ]


def send(
    base_url: str, calls: list[Call], sent: Sent, advance: Callable[[], None] = lambda: None
) -> None:
    """Make the calls one after another, counting the answers into `sent`."""
    import httpx2

    with httpx2.Client(timeout=ANSWER_TIMEOUT_SECONDS, trust_env=False) as client:
        for call in _one_by_one(calls):
            headers = {"X-API-Key": call.key} if call.key else {}
            answer = client.request(call.method, base_url + call.path, headers=headers)
            verdict = _verdict(answer.status_code, answer.headers, answer.content)
            sent.count(answer.status_code, verdict)
            advance()


def _one_by_one(calls: list[Call]) -> Iterator[Call]:
    for call in calls:
        yield from [call] * call.times


def _verdict(status: int, headers: Mapping[str, str], body: bytes) -> str:
    """The verdict as the caller can tell it: the problem's type, or what the upstream said."""
    import orjson

    if headers.get("content-type", "").startswith("application/problem+json"):
        kind = str(orjson.loads(body).get("type", ""))
        return type_name(kind).replace("-", "_")
    return Verdict.UPSTREAM_FAILED if status >= BAD_GATEWAY else Verdict.ALLOWED
