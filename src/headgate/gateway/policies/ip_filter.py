"""From which addresses may the API be called?"""

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, model_validator

from headgate.core.phrases import phrase
from headgate.gateway.policy import HTTPFilter, Policy, Stage, policies

NAME = "envoy.filters.http.rbac"
TYPE = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3."
NETWORKS_MAX = 1000


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise ValueError(
            phrase("{error}; write it like 10.0.0.0/8 or 2001:db8::1", error=error)
        ) from error


Network = Annotated[str, AfterValidator(_network)]


@policies.register("ip_filter")
class IPFilter(Policy):
    """Admit or refuse callers by address. `deny` goes before `allow`.

    The address is the connection's, or that which trusted proxies in front report. A refused
    caller gets 403, before any credential is looked at. Fails closed.

    Source: Envoy, `envoy.extensions.filters.http.rbac.v3`.
    """

    stage: ClassVar[Stage] = Stage.EDGE
    order: ClassVar[int] = 20
    example: ClassVar[dict[str, Any]] = {"allow": ["10.0.0.0/8", "2001:db8::/32"]}

    allow: list[Network] = Field(
        [],
        max_length=NETWORKS_MAX,
        description="Networks or addresses that may call; empty: all but the denied.",
    )
    deny: list[Network] = Field(
        [], max_length=NETWORKS_MAX, description="Networks or addresses that may not."
    )

    @model_validator(mode="after")
    def _says_something(self) -> "IPFilter":
        if not self.allow and not self.deny:
            raise ValueError(phrase("list at least one network under allow or deny"))
        return self

    def filters(self) -> Iterable[HTTPFilter]:
        wanted: list[dict[str, Any]] = []
        if self.allow:
            wanted.append(_any_of(self.allow))
        if self.deny:
            wanted.append({"not_id": _any_of(self.deny)})
        admitted = {
            "permissions": [{"any": True}],
            "principals": [{"and_ids": {"ids": wanted}}],
        }
        rules = {"action": "ALLOW", "policies": {"ip_filter": admitted}}
        route = {"@type": TYPE + "RBACPerRoute", "rbac": {"rules": rules}}
        return [HTTPFilter(NAME, {"@type": TYPE + "RBAC"}, route)]


def _any_of(networks: list[str]) -> dict[str, Any]:
    ids = [
        {
            "remote_ip": {
                "address_prefix": str(network.network_address),
                "prefix_len": network.prefixlen,
            }
        }
        for network in map(ip_network, networks)
    ]
    return {"or_ids": {"ids": ids}}
