"""Which answers may the gateway give again without asking the upstream?"""

from collections.abc import Iterable
from typing import Any, ClassVar

from headgate.gateway.policy import INNER, SWITCHED_ON, HTTPFilter, Policy, Stage, policies

NAME = "envoy.filters.http.cache_v2"
TYPE = "type.googleapis.com/envoy.extensions.filters.http.cache_v2.v3.CacheV2Config"
STORE = (
    "type.googleapis.com/envoy.extensions.http.cache_v2.simple_http_cache.v3"
    ".SimpleHttpCacheV2Config"
)
VARY = ("accept", "accept-encoding", "accept-language")


@policies.register("cache")
class Cache(Policy):
    """Answer again from memory what the upstream said may be stored.

    Callers share what is stored, because the access filter has taken the key away before; so only
    the upstream's word counts: `Cache-Control: public` or `s-maxage`/`max-age` stores, `private`,
    `no-store` and `Set-Cookie` do not, and a request with `Authorization` is never answered from
    memory. Only GET and HEAD. A hit is admitted, counted and recorded like any call. The store
    is Envoy's memory, emptied at its restart. It has no limit of its own in Envoy 1.40: what bounds
    it is Envoy's heap (4 GiB; from 95 % on requests are refused), so attach it to operations with
    few distinct addresses.

    Source: RFC 9111; Envoy, `envoy.extensions.filters.http.cache_v2.v3`.
    """

    stage: ClassVar[Stage] = Stage.TRAFFIC
    order: ClassVar[int] = 30
    example: ClassVar[dict[str, Any]] = {}

    def filters(self) -> Iterable[HTTPFilter]:
        chain = {
            "@type": TYPE,
            "typed_config": {"@type": STORE},
            "override_upstream_cluster": INNER,
            "allowed_vary_headers": [{"exact": name} for name in VARY],
        }
        return [HTTPFilter(NAME, chain, SWITCHED_ON, asks_upstream=True)]
