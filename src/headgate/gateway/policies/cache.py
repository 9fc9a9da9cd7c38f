"""Which answers may the gateway give again without asking the upstream?"""

import re
from collections.abc import Iterable
from typing import Any, ClassVar

import orjson
from pydantic import Field, field_validator

from headgate.core.phrases import phrase
from headgate.core.units import parse_bytes
from headgate.gateway.filter import CACHE_MODULE_NAME
from headgate.gateway.policy import HTTPFilter, OperationPath, Policy, Stage, policies

NAME = "headgate.cache"
TYPE = "type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3."
TEXT = "type.googleapis.com/google.protobuf.StringValue"
MODULE = {"name": CACHE_MODULE_NAME, "do_not_close": True}  # what is stored outlives a new chain
STORE_BYTES_MAX = 128 * 1024**2  # of one node, all APIs together; the least recently used goes
BODY_BYTES_MAX = 16 * 1024**2
TTL_SECONDS_MAX = 31 * 24 * 3600
NAMES_MAX = 16
_HEADER = re.compile(r"[a-z0-9-]{1,64}")
_PARAMETER = re.compile(r"[^&=#\s]{1,128}")


@policies.register("cache")
class Cache(Policy):
    """Answer again from memory what the upstream said may be stored.

    Callers share what is stored, because the access filter has taken the key away before: stored
    is only what the upstream marks for it (`Cache-Control: max-age` or `s-maxage`, `Expires`) or
    what `ttl_seconds` says; never `private`, `no-store`, `Set-Cookie`, trailers, or an answer
    that varies by a header not listed in `vary`. Only GET is stored; HEAD is answered from it. A
    request with `Authorization`, `Cookie` or `Range` goes to the upstream, and so does one with
    `Cache-Control: no-cache`, whose answer is stored anew. A change by another method through the
    same policy removes what is stored under the same address. Headers that a policy adds about the
    caller (claims of a token) do not tell answers apart: an upstream that answers by them must say
    `private`. Subscribers of a product or plan with policies of its own share with each other
    alone, and a change by one of them removes what is stored for them. A hit is admitted, counted
    and recorded like any call.

    The store is one per node, in memory, at most 128 MiB and 65,536 answers, least recently used
    out first: a caller who varies the address pushes others out and fills nothing. It is empty
    after a restart of Envoy. `headgate cache purge` makes what is stored unreachable; a rollback
    to a state from before it makes what is left of it reachable again. Stale answers are given
    while one caller at a time fetches the fresh one, if `stale_seconds` or the upstream's
    `stale-while-revalidate` says so. Not done: revalidating with the upstream (a stale
    answer is fetched whole), holding back equal requests while the first is under way, and giving
    a stale answer when the upstream fails. Fails open: what cannot be stored is passed on.

    Source: RFC 9111; RFC 5861 §3 (stale-while-revalidate).
    """

    stage: ClassVar[Stage] = Stage.TRAFFIC
    order: ClassVar[int] = 90  # nearest to the upstream: changes of answers apply to hits as well
    example: ClassVar[dict[str, Any]] = {"ttl_seconds": 60, "query": ["page", "limit"]}

    ttl_seconds: int = Field(
        0,
        ge=0,
        le=TTL_SECONDS_MAX,
        description="How long 200, 203, 301 and 308 are fresh, whatever the upstream says of time; "
        "0: as the upstream says.",
    )
    stale_seconds: int = Field(
        0,
        ge=0,
        le=TTL_SECONDS_MAX,
        description="How long a stale answer is still given while one caller fetches the fresh "
        "one; 0: as the upstream's `stale-while-revalidate` says.",
    )
    vary: list[str] = Field(
        ["accept", "accept-encoding", "accept-language"],
        max_length=NAMES_MAX,
        description="Headers by which answers may differ; one that varies by another is not "
        "stored.",
    )
    query: list[str] | None = Field(
        None,
        max_length=NAMES_MAX,
        description="Query parameters that count, case-sensitive; others are not sent to the "
        "upstream. Not set: the query as it came.",
    )
    body_max: str = Field("1MiB", description="The largest body that is stored, up to 16 MiB.")

    @field_validator("vary")
    @classmethod
    def _are_headers(cls, names: list[str]) -> list[str]:
        lower = [name.lower() for name in names]
        for name in lower:
            if _HEADER.fullmatch(name) is None:
                raise ValueError(phrase("{name!r} is not the name of a header", name=name))
        return lower

    @field_validator("query")
    @classmethod
    def _are_parameters(cls, names: list[str] | None) -> list[str] | None:
        for name in names or ():
            if _PARAMETER.fullmatch(name) is None:
                raise ValueError(
                    phrase("{name!r} is not the name of a query parameter as sent", name=name)
                )
        return names

    @field_validator("body_max", mode="before")
    @classmethod
    def _is_size(cls, value: object) -> str:
        text = str(value)
        if not 1 <= parse_bytes(text) <= BODY_BYTES_MAX:
            raise ValueError(phrase("the largest stored body is 1 byte to 16 MiB"))
        return text

    def filters(self) -> Iterable[HTTPFilter]:
        return [self._filter("")]

    def filters_at(self, at: OperationPath) -> Iterable[HTTPFilter]:
        return [self._filter(at.callers)]

    def _filter(self, callers: str) -> HTTPFilter:
        settings: dict[str, Any] = {
            "ttl_s": self.ttl_seconds,
            "stale_s": self.stale_seconds,
            "body_bytes_max": parse_bytes(self.body_max),
            "vary": self.vary,
            "query": self.query,
        }
        if callers:
            settings["callers"] = callers
        chain = {
            "@type": TYPE + "DynamicModuleFilter",
            "dynamic_module_config": MODULE,
            "filter_name": "cache",
            "filter_config": _text({"bytes_max": STORE_BYTES_MAX}),
        }
        route = {
            "@type": TYPE + "DynamicModuleFilterPerRoute",
            "dynamic_module_config": MODULE,
            "filter_config": _text(settings),
        }
        return HTTPFilter(NAME, chain, route)


def _text(value: object) -> dict[str, str]:
    return {"@type": TEXT, "value": orjson.dumps(value).decode()}
