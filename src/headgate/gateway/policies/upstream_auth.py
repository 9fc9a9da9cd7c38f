"""How does the gateway show the upstream that a request comes from it?"""

import base64
import re
from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from headgate.core.phrases import phrase
from headgate.gateway.header_names import header_error
from headgate.gateway.policy import HTTPFilter, Policy, Stage, policies
from headgate.gateway.secrets import SecretText

NAME = "headgate.upstream_auth"
TYPE = "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3."
_VALUE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]{0,8190}[\x21-\x7e])?")


@policies.register("upstream_auth")
class UpstreamAuth(Policy):
    """Send a credential of the gateway's own to the upstream, in the place of whatever came.

    `bearer` and `basic` write `Authorization`, `header` writes the header that is named. The
    secret is a reference to a stored one, `${secret:NAME}`; clear text is refused. Acts on
    admitted requests alone.

    Source: RFC 6750 §2.1; RFC 7617; Envoy, `envoy.extensions.filters.http.header_mutation.v3`.
    """

    stage: ClassVar[Stage] = Stage.TRAFFIC
    order: ClassVar[int] = 45  # after `headers`: what is set here is what the upstream gets
    example: ClassVar[dict[str, Any]] = {"scheme": "bearer", "secret": "${secret:billing-token}"}

    scheme: Literal["basic", "bearer", "header"] = Field(description="How the secret is sent.")
    secret: SecretText = Field(description="Password, token, or the header's value.")
    username: str = Field("", max_length=255, description="With `basic`: the name before it.")
    header: str = Field("", max_length=255, description="With `header`: which one.")

    @model_validator(mode="after")
    def _fits_its_scheme(self) -> "UpstreamAuth":
        if bool(self.username) != (self.scheme == "basic"):
            raise ValueError(phrase("a username stands with the scheme 'basic', and only there"))
        if bool(self.header) != (self.scheme == "header"):
            raise ValueError(phrase("a header stands with the scheme 'header', and only there"))
        if self.header and (error := header_error(self.header)):
            raise ValueError(error)
        if ":" in self.username:
            raise ValueError(phrase("a username holds no colon"))  # RFC 7617 §2
        if self.scheme != "basic" and _VALUE.fullmatch(self.secret) is None:
            raise ValueError(phrase("the secret is not the value of a header"))
        return self

    def filters(self) -> Iterable[HTTPFilter]:
        name, value = self._header()
        header = {"key": name, "value": value.replace("%", "%%")}  # `%` begins a command in Envoy
        append = {"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
        route = {
            "@type": TYPE + "HeaderMutationPerRoute",
            "mutations": {"request_mutations": [{"append": append}]},
        }
        return [HTTPFilter(NAME, {"@type": TYPE + "HeaderMutation"}, route)]

    def _header(self) -> tuple[str, str]:
        if self.scheme == "header":
            return self.header, self.secret
        if self.scheme == "bearer":
            return "Authorization", f"Bearer {self.secret}"
        pair = f"{self.username}:{self.secret}".encode()
        return "Authorization", f"Basic {base64.b64encode(pair).decode()}"
