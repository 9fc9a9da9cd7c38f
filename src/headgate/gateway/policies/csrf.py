"""May a page of another origin send changes with a browser's cookies?"""

from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import Field, field_validator

from headgate.core.phrases import phrase
from headgate.gateway.policy import HTTPFilter, Policy, Stage, policies

NAME = "envoy.filters.http.csrf"
TYPE = "type.googleapis.com/envoy.extensions.filters.http.csrf.v3.CsrfPolicy"
ORIGINS_MAX = 100
ALWAYS = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
NEVER = {"default_value": {"numerator": 0, "denominator": "HUNDRED"}}


@policies.register("csrf")
class CSRF(Policy):
    """Refuse changes that a page of another origin makes a browser send.

    POST, PUT, PATCH and DELETE need an `Origin` (or `Referer`) whose host is the request's own or
    one of `allow_hosts`; without either header they are refused with 403. For APIs that are called
    with cookies; callers with a key in a header need none of this, and no browser sends it for
    them. Fails closed.

    Source: OWASP, "Cross-Site Request Forgery Prevention", origin verification; Envoy,
    `envoy.extensions.filters.http.csrf.v3`.
    """

    stage: ClassVar[Stage] = Stage.EDGE
    order: ClassVar[int] = 15
    example: ClassVar[dict[str, Any]] = {"allow_hosts": ["app.example.com"]}

    allow_hosts: list[str] = Field(
        [],
        max_length=ORIGINS_MAX,
        description="Hosts of further origins, exact, with a port where it is not the scheme's.",
    )

    @field_validator("allow_hosts")
    @classmethod
    def _are_hosts(cls, hosts: list[str]) -> list[str]:
        for host in hosts:
            if "/" in host or not host or host != host.strip().lower():
                raise ValueError(
                    phrase("{host!r} is not a host; write it like app.example.com:8443", host=host)
                )
        return hosts

    def filters(self) -> Iterable[HTTPFilter]:
        route = {
            "@type": TYPE,
            "filter_enabled": ALWAYS,
            "additional_origins": [{"exact": host} for host in self.allow_hosts],
        }
        return [HTTPFilter(NAME, {"@type": TYPE, "filter_enabled": NEVER}, route)]
