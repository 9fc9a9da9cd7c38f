"""What does a caller read when Envoy itself refuses? A problem like all others (RFC 9457).

Only Envoy's own answers are rewritten: an upstream's answer is passed on as it is, and the access
filter writes its own. A gRPC caller gets a status and no JSON.
"""

from dataclasses import dataclass

from headgate.core.problems import TYPE_PREFIX
from headgate.gateway.envoy.access_log import verdict_is
from headgate.gateway.envoy.wire import JSON


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: `status` (0: any from 400), and Envoy's response flags that lead to it."""

    status: int
    flags: tuple[str, ...]
    type: str
    title: str
    detail: str
    next_step: str


RETRY = "Try again in a moment; if it goes on, tell the API's provider the request id."

REPLIES = (
    Reply(
        403,
        (),
        "blocked",
        "Blocked",
        "This address may not call the API.",
        "Ask the API's provider to admit the address.",
    ),
    Reply(
        413,
        (),
        "too-large",
        "Too large",
        "The request's body is larger than the API takes.",
        "Send a smaller body.",
    ),
    Reply(
        431,
        (),
        "too-large",
        "Too large",
        "The request's headers are larger than the gateway takes.",
        "Send fewer or smaller headers.",
    ),
    Reply(
        408,
        (),
        "client-closed",
        "Request timed out",
        "The request did not arrive in full in time.",
        "Send the request without pauses.",
    ),
    Reply(
        504,
        (),
        "upstream-failed",
        "Upstream timed out",
        "The API's upstream did not answer in time.",
        RETRY,
    ),
    Reply(
        503,
        ("UH", "NC"),
        "upstream-failed",
        "Upstream unavailable",
        "No host of the API's upstream is in service.",
        RETRY,
    ),
    Reply(
        503,
        ("UO",),
        "upstream-failed",
        "Upstream overloaded",
        "The API's upstream has as many requests under way as it takes.",
        RETRY,
    ),
    Reply(
        503,
        ("UF", "UC", "UR", "LR", "URX"),
        "upstream-failed",
        "Upstream failed",
        "The connection to the API's upstream failed.",
        RETRY,
    ),
    Reply(
        503,
        (),
        "unavailable",
        "Unavailable",
        "The gateway takes no more requests at present.",
        RETRY,
    ),
    Reply(
        502,
        (),
        "upstream-failed",
        "Upstream failed",
        "The API's upstream sent an answer that is not HTTP.",
        RETRY,
    ),
    Reply(
        404,
        (),
        "no-route",
        "No route",
        "There is no API at this path.",
        "Compare the path with the API's documentation.",
    ),
    Reply(
        405,
        (),
        "method-not-allowed",
        "Method not allowed",
        "The path does not take this method.",
        "Use one of the methods in the Allow header.",
    ),
    Reply(
        400,
        (),
        "malformed",
        "Malformed",
        "The request is not valid HTTP.",
        "Correct the request.",
    ),
    Reply(
        0,
        (),
        "internal",
        "Not served",
        "The gateway could not serve the request.",
        RETRY,
    ),
)


def local_replies() -> JSON:
    """Envoy's `LocalReplyConfig`; the first reply that fits is taken."""
    return {"mappers": [_mapper(reply) for reply in REPLIES]}


def _mapper(reply: Reply) -> JSON:
    filters: list[JSON] = [
        _status(reply.status or 400, "EQ" if reply.status else "GE"),
        verdict_is({"string_match": {"exact": "allowed"}}, otherwise=True),
        _is_not_grpc(),
    ]
    if reply.flags:
        filters.append({"response_flag_filter": {"flags": list(reply.flags)}})
    return {
        "filter": {"and_filter": {"filters": filters}},
        "body_format_override": {
            "json_format": {
                "type": TYPE_PREFIX + reply.type,
                "title": reply.title,
                "status": "%RESPONSE_CODE%",
                "detail": reply.detail,
                "next_step": reply.next_step,
                "request_id": "%REQ(X-REQUEST-ID)%",
            },
            "content_type": "application/problem+json",
        },
    }


def _status(value: int, comparison: str) -> JSON:
    return {
        "status_code_filter": {
            "comparison": {
                "op": comparison,
                "value": {"default_value": value, "runtime_key": "headgate.local_reply.status"},
            }
        }
    }


def _is_not_grpc() -> JSON:
    return {
        "header_filter": {
            "header": {
                "name": "content-type",
                "string_match": {"prefix": "application/grpc"},
                "invert_match": True,
                "treat_missing_header_as_empty": True,
            }
        }
    }
