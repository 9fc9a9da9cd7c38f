"""How do Envoy, the validators and the agent speak with each other on a node?

Envoy asks with the request itself (its ext_authz filter over HTTP) and hands sampled answers over
(its Lua filter). Both name what to check against in one header, `ASK_HEADER`:
`<contract id>.<operation row>.<flags>`.
"""

from dataclasses import dataclass

ASK_HEADER = "x-headgate-contract"
STATUS_HEADER = "x-headgate-status"
"""The status of an answer that is handed over; absent where a request is asked about."""

FINDING_HEADER = "x-headgate-finding"
"""On a validator's 200: the request does not fit, but is let pass (mode `observe`)."""

PARTIAL_HEADER = "x-envoy-auth-partial-body"
REQUEST_ID_HEADER = "x-request-id"
METADATA_KEY = "contract"
"""In the route's metadata: what Envoy writes into `ASK_HEADER`."""

OBSERVE, REFUSE_UNKNOWN = "o", "u"
"""Flags of `ASK_HEADER`: let pass what does not fit; refuse unknown query parameters."""

VALIDATORS_MAX = 16
EXAMPLE_CHARACTERS_MAX = 300


@dataclass(frozen=True, slots=True)
class ValidationReading:
    """What the validators of a node have seen of one operation since they started.

    `requests` were asked about, `invalid_requests` of them did not fit (refused or let pass);
    `responses` were sampled, `invalid_responses` of them did not fit. `example` is the last
    misfit of a response, without any value that was sent.
    """

    row: int
    requests: int = 0
    invalid_requests: int = 0
    responses: int = 0
    invalid_responses: int = 0
    example: str = ""
