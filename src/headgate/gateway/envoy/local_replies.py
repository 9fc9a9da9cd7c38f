"""How does Envoy write the answers that come from no upstream? As problems (RFC 9457).

The access filter refuses with a status and its reason; Envoy adds the body, and the fields that
depend on the route. Envoy's own refusals become problems in the same way. A gRPC caller gets a
status and the detail. An upstream's answer is passed on as it is. What an API wants in another form
(`error_bodies`) is written anew behind this, by a filter.
"""

from functools import lru_cache

from headgate.core.problems import TYPE_PREFIX
from headgate.gateway.envoy import wire
from headgate.gateway.envoy.answers import (
    ASK_PLACE,
    DETAIL_PLACE,
    FILTER_ANSWERS,
    NEEDS_PLACE,
    SEND_PLACE,
    WHERE_PLACE,
    Answer,
)
from headgate.gateway.envoy.envoy_answers import ENVOY_ANSWERS
from headgate.gateway.envoy.wire import JSON
from headgate.gateway.notices import WHERE_WORD
from headgate.gateway.policy import AS_IT_STANDS, REFUSALS_FROM
from headgate.gateway.sensitive import ASK_WORD
from headgate.model.logline import METADATA_NAMESPACE
from headgate.model.scopes import ScopeNeeds
from headgate.model.snapshot import KeyLocation, KeySource

BEARER_CHALLENGE = 'Bearer realm="headgate"'
BASIC_CHALLENGE = 'Basic realm="headgate", charset="UTF-8"'
CHALLENGE = f"%METADATA(ROUTE:{METADATA_NAMESPACE}:challenge)%"
FIELDS: dict[str, dict[str, str]] = {
    "no_credential": {"www-authenticate": CHALLENGE},
    "unknown_credential": {"www-authenticate": CHALLENGE + ', error="invalid_token"'},
    "revoked": {"www-authenticate": CHALLENGE + ', error="invalid_token"'},
    "expired": {"www-authenticate": CHALLENGE + ', error="invalid_token"'},
    "token_invalid": {"www-authenticate": CHALLENGE + ', error="invalid_token"'},
    "token_revoked": {"www-authenticate": CHALLENGE + ', error="invalid_token"'},
    "unknown_client": {"www-authenticate": CHALLENGE + ', error="invalid_token"'},
    "insufficient_scope": {
        "www-authenticate": f"%METADATA(ROUTE:{METADATA_NAMESPACE}:insufficient)%"
    },
    "method_not_allowed": {"allow": f"%METADATA(ROUTE:{METADATA_NAMESPACE}:allow)%"},
    "retired": {
        name: f"%METADATA(ROUTE:{METADATA_NAMESPACE}:{name})%"
        for name in ("deprecation", "sunset", "link")
    },
}
"""Fields of the answer, by the filter's reason. Source: RFC 9110 §11.6.1; RFC 6750 §3.1."""

GRPC_STATUS = {400: 13, 401: 16, 403: 7, 404: 12, 405: 12, 410: 12, 414: 8, 429: 8, 503: 14}
"""INTERNAL, UNAUTHENTICATED, PERMISSION_DENIED, UNIMPLEMENTED, RESOURCE_EXHAUSTED, UNAVAILABLE.

Said here, because Envoy takes the answer of a module for status 0, which is success.
Source: gRPC, "Status codes and their use in gRPC"."""


def local_replies(types: str = TYPE_PREFIX) -> JSON:
    """Envoy's `LocalReplyConfig`; the first mapper that fits is taken.

    `types` is what the `type` of every answer begins with.
    """
    mappers = [{"filter": _status(REFUSALS_FROM - 1, "LE")}]  # spares mocks and caches all others
    mappers += [_mapper(answer, types) for answer in FILTER_ANSWERS]
    with_reason = [answer for answer in ENVOY_ANSWERS if answer.reason]
    mappers += [_grpc_mapper(answer) for answer in (*FILTER_ANSWERS, *with_reason)]
    mappers += _as_they_are()
    return {"mappers": [*mappers, *(_mapper(answer, types) for answer in ENVOY_ANSWERS)]}


def _as_they_are() -> list[JSON]:
    return [{"filter": _reason_is(AS_IT_STANDS)}, {"filter": _is_from_validator()}]


@lru_cache(maxsize=256)
def route_words(
    sources: tuple[KeySource, ...], *, takes_tokens: bool = False, takes_passwords: bool = False
) -> dict[str, str]:
    """What the texts need to know of a route: how callers authenticate, in two forms."""
    challenges = [_challenge(source) for source in sources]
    if takes_passwords:
        challenges.insert(0, BASIC_CHALLENGE)
    if takes_tokens and BEARER_CHALLENGE not in challenges:
        challenges.append(BEARER_CHALLENGE)  # last: the parameter `error` follows it
    return {
        "challenge": ", ".join(challenges),
        "send": _where(sources[0]),
    }


def scope_words(needs: ScopeNeeds) -> dict[str, str]:
    """What a route says of the scopes and roles that it needs: to the filter, and to callers.

    Source: RFC 6750 §3.1.
    """
    challenge = BEARER_CHALLENGE + ', error="insufficient_scope"'
    if needs.scope:
        challenge += f', scope="{needs.scope}"'
    return {"scopes": needs.text, "needs": needs.sentence, "insufficient": challenge}


def _challenge(source: KeySource) -> str:
    if source.location is KeyLocation.BEARER:
        return BEARER_CHALLENGE
    return f'ApiKey in="{source.location}", name="{_plain(source.name)}"'


def _where(source: KeySource) -> str:
    if source.location is KeyLocation.BEARER:
        return "as Authorization: Bearer <key>"
    place = "header" if source.location is KeyLocation.HEADER else "query parameter"
    return f"in the {place} {_plain(source.name)}"


def _plain(name: str) -> str:
    """Only characters that need no escape in a header field."""
    return "".join(c for c in name if c.isascii() and (c.isalnum() or c in "-_."))


def _mapper(answer: Answer, types: str) -> JSON:
    return _when(answer, is_grpc=False) | {
        "body_format_override": {
            "json_format": {
                "type": types.replace("%", "%%") + answer.type,
                "title": answer.title,
                "status": "%RESPONSE_CODE%",
                "detail": _detail(answer),
                "next_step": _with_places(answer.next_step),
                "request_id": "%REQ(X-REQUEST-ID)%",
            },
            "content_type": "application/problem+json",
        },
        **_fields(FIELDS.get(answer.reason, {})),
    }


def _with_places(next_step: str) -> str:
    """What depends on the route, as Envoy's command for it."""
    for place, word in _PLACES:
        next_step = next_step.replace(place, f"%METADATA(ROUTE:{METADATA_NAMESPACE}:{word})%")
    return next_step


_PLACES = (
    (SEND_PLACE, "send"),
    (NEEDS_PLACE, "needs"),
    (WHERE_PLACE, WHERE_WORD),
    (ASK_PLACE, ASK_WORD),
)


def _grpc_mapper(answer: Answer) -> JSON:
    return _when(answer, is_grpc=True) | {
        "body_format_override": {"text_format_source": {"inline_string": _detail(answer)}},
        **_fields({"grpc-status": str(GRPC_STATUS[answer.status])} if answer.status else {}),
    }


def _detail(answer: Answer) -> str:
    told = f"%DYNAMIC_METADATA({METADATA_NAMESPACE}:detail)%"
    return told if answer.detail == DETAIL_PLACE else answer.detail


def _fields(fields: dict[str, str]) -> JSON:
    if not fields:
        return {}
    return {
        "headers_to_add": [
            {
                "header": {"key": name, "value": value},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
            for name, value in fields.items()
        ]
    }


def _when(answer: Answer, *, is_grpc: bool) -> JSON:
    """The answer's status, then what is dearer to look at."""
    filters = [_status(answer.status or 400, "EQ" if answer.status else "GE")]
    if answer.reason:
        filters.append(_reason_is(answer.reason))
    if answer.flags:
        filters.append({"response_flag_filter": {"flags": list(answer.flags)}})
    if answer.details:
        filters.append(_details(f" == '{answer.details}'"))
    if answer.details_begin:
        filters.append(_details(f".startsWith('{answer.details_begin}')"))
    return {"filter": {"and_filter": {"filters": [*filters, _is_grpc(invert=not is_grpc)]}}}


def _is_from_validator() -> JSON:
    """A refusal that a validator wrote, a problem already; when none answers, 503 is Envoy's."""
    flagged = {"response_flag_filter": {"flags": ["UAEX"]}}
    return {"and_filter": {"filters": [_status(499, "LE"), flagged]}}


def _status(value: int, comparison: str) -> JSON:
    return {
        "status_code_filter": {
            "comparison": {
                "op": comparison,
                "value": {"default_value": value, "runtime_key": "headgate.local_reply.status"},
            }
        }
    }


def _reason_is(reason: str) -> JSON:
    """The filter leaves its reason in the dynamic metadata when it refuses, and only then."""
    return {
        "metadata_filter": {
            "matcher": {
                "filter": METADATA_NAMESPACE,
                "path": [{"key": "reason"}],
                "value": {"string_match": {"exact": reason}},
            },
            "match_if_key_not_found": False,
        }
    }


def _details(condition: str) -> JSON:
    """Envoy's own word on why it answers, where status and flags do not say it."""
    return {
        "extension_filter": wire.extension(
            "envoy.access_loggers.extension_filters.cel",
            "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
            expression=f"response.code_details{condition}",
        )
    }


def _is_grpc(*, invert: bool) -> JSON:
    return {
        "header_filter": {
            "header": {
                "name": "content-type",
                "string_match": {"prefix": "application/grpc"},
                "invert_match": invert,
                "treat_missing_header_as_empty": True,
            }
        }
    }
