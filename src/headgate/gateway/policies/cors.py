"""May web pages of other origins call the API?"""

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import Field, field_validator, model_validator

from headgate.core.phrases import phrase
from headgate.gateway.policy import HTTPFilter, Policy, Stage, policies

NAME = "envoy.filters.http.cors"
TYPE = "type.googleapis.com/envoy.extensions.filters.http.cors.v3."
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:\*\.)?[a-z0-9.-]+(?::\d{1,5})?|null")
ORIGINS_MAX = 100


@policies.register("cors")
class CORS(Policy):
    """Let browsers of the listed origins call the API.

    Runs before authentication, because a preflight carries no credentials: the gateway answers
    it, and it is not counted against any limit. Refusals carry the CORS headers too, so that a
    page can read why it was refused.

    Source: WHATWG Fetch, "CORS protocol"; Envoy, `envoy.extensions.filters.http.cors.v3`.
    """

    stage: ClassVar[Stage] = Stage.EDGE
    order: ClassVar[int] = 10
    example: ClassVar[dict[str, Any]] = {"allow_origins": ["https://app.example.com"]}

    allow_origins: list[str] = Field(
        min_length=1,
        max_length=ORIGINS_MAX,
        description="Origins with scheme, exact; `https://*.example.com` for all subdomains; `*`.",
    )
    allow_methods: list[str] = Field(
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        description="Methods a page may use.",
    )
    allow_headers: list[str] = Field(
        ["Content-Type", "X-API-Key", "Authorization"],
        description="Request headers a page may send.",
    )
    expose_headers: list[str] = Field(
        ["X-Request-Id", "RateLimit", "RateLimit-Policy", "Retry-After"],
        description="Response headers a page may read.",
    )
    max_age_seconds: int = Field(
        600, ge=0, le=86_400, description="How long a browser may keep the answer to a preflight."
    )
    allow_credentials: bool = Field(
        default=False, description="Whether pages may send cookies and HTTP authentication."
    )

    @field_validator("allow_origins")
    @classmethod
    def _are_origins(cls, origins: list[str]) -> list[str]:
        for origin in origins:
            if origin != "*" and _ORIGIN.fullmatch(origin) is None:
                raise ValueError(
                    phrase(
                        "{origin!r} is not an origin; write it like https://example.com",
                        origin=origin,
                    )
                )
        return origins

    @model_validator(mode="after")
    def _star_is_without_credentials(self) -> "CORS":
        if self.allow_credentials and "*" in self.allow_origins:
            raise ValueError(
                phrase("allow_credentials needs origins by name: browsers refuse it with `*`")
            )
        return self

    def filters(self) -> Iterable[HTTPFilter]:
        route = {
            "@type": TYPE + "CorsPolicy",
            "allow_origin_string_match": [_matcher(origin) for origin in self.allow_origins],
            "allow_methods": ", ".join(self.allow_methods),
            "allow_headers": ", ".join(self.allow_headers),
            "expose_headers": ", ".join(self.expose_headers),
            "max_age": str(self.max_age_seconds),
            "allow_credentials": self.allow_credentials,
        }
        return [HTTPFilter(NAME, {"@type": TYPE + "Cors"}, route)]


def _matcher(origin: str) -> dict[str, Any]:
    if origin == "*":
        return {"safe_regex": {"regex": ".*"}}
    scheme, star, rest = origin.partition("://*.")
    if not star:
        return {"exact": origin}
    return {"safe_regex": {"regex": rf"{re.escape(scheme)}://[a-z0-9.-]+\.{re.escape(rest)}"}}
