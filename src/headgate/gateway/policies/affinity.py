"""Do a caller's calls keep going to the same host of the upstream?"""

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import Field, field_validator

from headgate.core.phrases import phrase
from headgate.gateway.policy import HTTPFilter, Policy, Stage, policies

NAME = "envoy.filters.http.stateful_session"
TYPE = "type.googleapis.com/envoy.extensions.filters.http.stateful_session.v3.StatefulSession"
STATE = "type.googleapis.com/envoy.extensions.http.stateful_session."
TTL_SECONDS_MAX = 30 * 24 * 3600
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@policies.register("affinity")
class Affinity(Policy):
    """Keep a caller at one host, by a cookie or a header that the gateway hands out.

    The first answer names the host that gave it; calls that send the name back go there while the
    host is in service, and elsewhere (with a new name) when it is not. The name is the host's
    address in base64, so callers can read it: use it where that is no secret. It is believed only
    if it is one of the upstream's hosts.

    Source: Envoy, `envoy.extensions.filters.http.stateful_session.v3`.
    """

    stage: ClassVar[Stage] = Stage.TRAFFIC
    order: ClassVar[int] = 80
    example: ClassVar[dict[str, Any]] = {"cookie": "headgate-host", "ttl_seconds": 3600}

    cookie: str = Field("headgate-host", description="Name of the cookie.")
    header: str = Field("", description="Name of a header instead, for callers without cookies.")
    ttl_seconds: int = Field(
        0,
        ge=0,
        le=TTL_SECONDS_MAX,
        description="How long the cookie lives; 0: as long as the browser's session.",
    )

    @field_validator("cookie", "header")
    @classmethod
    def _is_name(cls, name: str) -> str:
        if name and _NAME.fullmatch(name) is None:
            raise ValueError(phrase("{name!r} is not a name: letters, digits, - and _", name=name))
        return name

    def filters(self) -> Iterable[HTTPFilter]:
        if self.header:
            kind = "header"
            state: dict[str, Any] = {
                "@type": STATE + "header.v3.HeaderBasedSessionState",
                "name": self.header,
            }
        else:
            kind = "cookie"
            cookie: dict[str, Any] = {
                "name": self.cookie,
                "path": "/",
                "ttl": f"{self.ttl_seconds}s",
                "attributes": [{"name": "SameSite", "value": "Lax"}],
            }
            state = {"@type": STATE + "cookie.v3.CookieBasedSessionState", "cookie": cookie}
        session = {"name": f"envoy.http.stateful_session.{kind}", "typed_config": state}
        route = {"@type": TYPE + "PerRoute", "stateful_session": {"session_state": session}}
        return [HTTPFilter(NAME, {"@type": TYPE}, route)]
