"""May callers, or must they, show a certificate? Verified in the handshake, known by its name."""

from typing import Any, ClassVar

from pydantic import Field

from headgate.gateway.policy import SWITCHED_ON, HTTPFilter, Policy, Stage, policies
from headgate.model.trial import CERTIFICATE_FIELDS as TRIAL_FIELDS

FLAG = "m"  # letters in a route's name: `filter/tokens.zig`
FLAG_REQUIRED = "M"
STATE = "headgate.certificate"
FACTS = "%DOWNSTREAM_PEER_CERT_V_END(%s)%\n%DOWNSTREAM_PEER_ISSUER%\n%DOWNSTREAM_PEER_SUBJECT%"
"""What the access filter reads of the certificate (`filter/schemes.zig`). Envoy writes it where no
caller can: not into a header."""
TRIAL_FACTS = "\n".join(f"%REQ({name})%" for name in TRIAL_FIELDS)
"""Where requests are tried there is no handshake: the agent has checked the certificate, and says
in header fields what stands in it, also the names that the filter asks the connection for
otherwise."""


@policies.register("mtls")
class MTLS(Policy):
    """Take client certificates, beside keys or instead of them.

    The node verifies them against its own authorities (`headgate up --gateway-client-ca FILE`):
    one that is not valid ends the handshake. Whom a certificate speaks for is said by
    `headgate certificate trust`: by the authority and the subject or first alternative name. One
    that is shown decides: if it is not known, the call is refused, even with a good key beside it.
    `X-Forwarded-Client-Cert` of callers never counts. Without TLS at the gateway there is no
    certificate. Fails closed.

    Source: RFC 8446 §4.4.2; Envoy, `DownstreamTlsContext` and
    `envoy.extensions.filters.http.set_filter_state.v3`.
    """

    stage: ClassVar[Stage] = Stage.ACCESS
    order: ClassVar[int] = 5
    example: ClassVar[dict[str, Any]] = {"required": True}

    required: bool = Field(default=False, description="Whether nobody comes in without one.")

    def filters(self) -> list[HTTPFilter]:
        name = "envoy.filters.http.set_filter_state"
        return [HTTPFilter(name, _telling(FACTS), SWITCHED_ON, trial_chain=_telling(TRIAL_FACTS))]

    def route_flags(self) -> str:
        return FLAG_REQUIRED if self.required else FLAG


def _telling(facts: str) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
        "on_request_headers": [
            {
                "object_key": STATE,
                "factory_key": "envoy.string",
                "format_string": {"text_format_source": {"inline_string": facts}},
            }
        ],
    }
