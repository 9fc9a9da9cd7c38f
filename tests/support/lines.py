"""What do realistic access-log lines look like? A seeded generator for tests and `bench/`."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from headgate.core.ids import ALPHABET
from headgate.model.logline import LINE_FIELDS, route_words, words

DEFAULT_START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

_OUTCOMES = (
    # weight, status, verdict, flags, details, has a caller, went upstream
    (8600, 200, "allowed", None, "via_upstream", True, True),
    (400, 404, "allowed", None, "via_upstream", True, True),
    (100, 503, "allowed", "UF", "upstream_reset_before_response_started", True, True),
    (30, 0, "allowed", "DC", "downstream_remote_disconnect", True, True),
    (350, 429, "rate_limited", None, "headgate", True, False),
    (100, 429, "quota_exceeded", None, "headgate", True, False),
    (150, 401, "no_credential", None, "headgate", False, False),
    (100, 401, "unknown_credential", None, "headgate", False, False),
    (50, 403, "not_subscribed", None, "headgate", True, False),
    (100, 404, "no_route", None, "headgate", False, False),
    (20, 403, None, None, "rbac_access_denied_matched_policy[none]", False, False),
)
_AGENTS = (
    "python-httpx/0.28.1",
    "okhttp/4.12.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0",
    "curl/8.9.1",
)
_METHODS = ("GET", "GET", "GET", "POST", "PUT", "DELETE")


@dataclass(frozen=True, slots=True)
class Shape:
    """How varied the lines are. The time between two requests is `gap_us` on average."""

    apis: int = 5
    operations: int = 20
    applications: int = 50
    gap_us: int = 1000
    seed: int = 1


def example_id(kind: str, number: int) -> str:
    """The id of the `number`-th thing of a kind: 16 bytes, the same in every run."""
    digits = "".join(ALPHABET[(number >> shift) & 31] for shift in range(55, -5, -5))
    return f"{kind}_{digits}"


def objects(
    count: int, *, start: datetime = DEFAULT_START, shape: Shape | None = None
) -> Iterator[dict[str, object]]:
    """`count` lines as dictionaries, about `shape.gap_us` apart, from `start` on."""
    shape = shape or Shape()
    chance = random.Random(shape.seed)
    weights = [outcome[0] for outcome in _OUTCOMES]
    now_us = int(start.timestamp() * 1_000_000)
    for outcome in chance.choices(_OUTCOMES, weights, k=count):
        yield _line(chance, outcome, now_us, shape)
        now_us += int(chance.expovariate(1 / shape.gap_us)) if shape.gap_us else 0


def lines(count: int, *, start: datetime = DEFAULT_START, shape: Shape | None = None) -> bytes:
    """The same as the bytes of a segment, one JSON object per line."""
    return b"".join(
        json.dumps(item, separators=(",", ":")).encode() + b"\n"
        for item in objects(count, start=start, shape=shape)
    )


def line(**fields: object) -> dict[str, object]:
    """One allowed request with some fields replaced; every other field is filled."""
    base = next(objects(1, shape=Shape(seed=7)))
    unknown = fields.keys() - LINE_FIELDS.keys()
    assert not unknown, f"not fields of a log line: {unknown}"
    return base | fields


def access(verdict: str | None, caller: str = "-", target: str = "/") -> str | None:
    """The field `access`: absent when the request did not reach the filter."""
    return None if verdict is None else f"{verdict} {caller} {target}"


def read_line(text: str | bytes) -> dict[str, Any]:
    """One line of a real log, and beside its fields what `route` and `access` hold."""
    found: dict[str, Any] = json.loads(text)
    api, version, operation = route_words(found["route"] or "")
    verdict, caller, target = words(found["access"] or "")
    path, _, query = target.partition("?")
    verdict, _, limits = verdict.partition(";")
    held = {"api": api, "version": version, "operation": operation, "verdict": verdict}
    held["limits"] = limits
    held |= {"caller": caller.replace("-", "") and caller, "query": query}
    return found | held | {"path": path or found["path"]}


def _line(
    chance: random.Random,
    outcome: tuple[int, int, str | None, str | None, str, bool, bool],
    now_us: int,
    shape: Shape,
) -> dict[str, object]:
    _, status, verdict, flags, details, is_known, is_upstream = outcome
    api, operation = chance.randrange(shape.apis), chance.randrange(shape.operations)
    item = chance.randrange(100_000)
    upstream_us = int(chance.lognormvariate(9, 0.8)) if is_upstream else None
    is_routed = verdict != "no_route"
    is_limited = verdict in {"allowed", "rate_limited", "quota_exceeded"}
    left = f";r{item % 100}/100s,q{item * 7}/1000000M" if is_limited else ""
    return {
        "started_us": str(now_us),
        "request_id": str(_uuid(chance)),
        "route": f"{api * 100 + operation} api-{api} v1 getThing{operation}"
        if is_routed
        else f"no_route api-{api} v1",
        "access": access(
            verdict and verdict + left,
            _caller(chance.randrange(shape.applications)) if is_known else "-",
            f"/api-{api}/things{operation}/{item}?page={item % 50}&sort=name",
        ),
        "method": _METHODS[operation % len(_METHODS)],
        "path": f"/things{operation}/{item}",
        "status": status,
        "flags": flags,
        "details": details,
        "duration_us": (upstream_us or 0) + chance.randrange(80, 900),
        "upstream_us": upstream_us,
        "request_bytes": chance.choice((0, 0, 0, chance.randrange(2000))),
        "response_bytes": chance.randrange(100, 20_000) if is_upstream else 240,
        "upstream_host": f"10.0.0.{api + 1}:8080" if is_upstream else None,
        "attempts": 1 if is_upstream else None,
        "client_ip": f"192.0.2.{chance.randrange(1, 250)}",
        "user_agent": chance.choice(_AGENTS),
        "protocol": "HTTP/1.1",
        "content_type": "application/json" if is_upstream else "application/problem+json",
    }


def _caller(number: int) -> str:
    kinds = {"key": number, "app": number, "org": number // 5, "sub": number, "pln": number % 3}
    return "".join(example_id(kind, value) for kind, value in kinds.items())


def _uuid(chance: random.Random) -> str:
    text = f"{chance.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
