"""What does a caller read when the access filter refuses? Every text of it, in one table.

What Envoy answers by itself is in `envoy_answers.py`. `docs/problems.md` has a section for each
`type`. The filter knows its reasons by name and status only (`filter/decide.zig`); a test holds the
two to each other.
"""

from dataclasses import dataclass

RETRY = "Try again in a moment; if it goes on, tell the API's provider the request id."
ASK = "Ask the provider of this API."
NO_VERSION = "The call names a version of the API that is not there, or two."
NAME_VERSION = "Name a version that the API's documentation lists, or none for the usual one."
WAIT = "Wait for the seconds in Retry-After, then send at the rate in RateLimit-Policy."
SEND_PLACE = "{send}"  # in a next step: where the API wants the key
DETAIL_PLACE = "{detail}"  # as a detail: what a policy has left in the dynamic metadata
ASK_PLACE = "{ask}"  # in a next step: where access is asked for
NEEDS_PLACE = "{needs}"  # in a next step: the scopes and roles that the operation needs
WHERE_PLACE = "{where}"  # as a next step: what to use in place of a retired version


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    `reason` is the filter's; without one, Envoy answers by itself: with this status (0: any from
    400), and one of these response flags, and response code details that are or begin so, when
    any of them are given.
    """

    status: int
    type: str
    title: str
    detail: str
    next_step: str
    reason: str = ""
    flags: tuple[str, ...] = ()
    details: str = ""
    details_begin: str = ""


FILTER_ANSWERS = (
    Answer(
        429,
        "rate-limited",
        "Too many requests",
        "The rate of requests is above the limit.",
        WAIT,
        "rate_limited",
    ),
    Answer(
        429,
        "quota-exceeded",
        "Quota exceeded",
        "The quota of this window is used up, or what is left does not pay for this call.",
        "Wait for the seconds in Retry-After, or choose a larger plan.",
        "quota_exceeded",
    ),
    Answer(
        429,
        "rate-limited",
        "Too many requests",
        "The gateway has no room to count one more caller.",
        "Try again after the seconds in Retry-After.",
        "counters_full",
    ),
    Answer(
        429,
        "rate-limited",
        "Too many requests at one time",
        "As many requests as may run at one time are running.",
        "Send again when one of them has ended; RateLimit-Policy says how many may run.",
        "concurrency_limited",
    ),
    Answer(
        401,
        "no-credential",
        "No credential",
        "This API wants a key and the request carries none.",
        f"Send your key {SEND_PLACE}.",
        "no_credential",
    ),
    Answer(
        401,
        "unknown-credential",
        "Unknown credential",
        "No application has this key.",
        "Check the key for typing mistakes, or create a new one.",
        "unknown_credential",
    ),
    Answer(
        401,
        "revoked",
        "Credential revoked",
        "This key was revoked and does not work any more.",
        "Use another key of your application, or create a new one.",
        "revoked",
    ),
    Answer(
        401,
        "expired",
        "Credential expired",
        "This key was valid until a time that has passed.",
        "Create a new key for your application.",
        "expired",
    ),
    Answer(
        401,
        "unknown-credential",
        "Token not accepted",
        "This token cannot be verified, has expired, or is not for this API.",
        "Get a new token from the API's authorization server, for this API.",
        "token_invalid",
    ),
    Answer(
        401,
        "revoked",
        "Token revoked",
        "This token was revoked and does not work any more.",
        "Get a new token from the API's authorization server.",
        "token_revoked",
    ),
    Answer(
        401,
        "unknown-credential",
        "Unknown client",
        "The token is good, but its client belongs to no application here.",
        "Ask the provider of this API to add the client to your application.",
        "unknown_client",
    ),
    Answer(
        401,
        "no-credential",
        "No certificate",
        "This API wants a client certificate and the connection has none.",
        "Connect with the certificate of your application.",
        "no_certificate",
    ),
    Answer(
        401,
        "expired",
        "Certificate expired",
        "The connection's certificate was valid until a time that has passed.",
        "Connect again with a new certificate of your application.",
        "certificate_over",
    ),
    Answer(
        403,
        "not-subscribed",
        "Not subscribed",
        "Your application has no subscription to a product that contains this API.",
        "Subscribe your application to one of the API's products.",
        "not_subscribed",
    ),
    Answer(
        403,
        "not-subscribed",
        "Not subscribed",
        "Your application's subscription is suspended.",
        ASK,
        "subscription_suspended",
    ),
    Answer(
        403,
        "not-subscribed",
        "Not subscribed",
        "Your application's subscription has ended.",
        "Renew the subscription.",
        "subscription_expired",
    ),
    Answer(
        403,
        "not-subscribed",
        "Not subscribed",
        "Your application or its organization is suspended.",
        ASK,
        "application_suspended",
    ),
    Answer(
        403,
        "not-subscribed",
        "Not subscribed",
        "This API is not open to callers.",
        ASK,
        "api_closed",
    ),
    Answer(
        403,
        "insufficient-scope",
        "Insufficient scope",
        "This credential lacks scopes or roles that the operation needs.",
        f"Use a token or key with {NEEDS_PLACE}.",
        "insufficient_scope",
    ),
    Answer(
        403,
        "access-not-granted",
        "Access not granted",
        "This operation gives sensitive data, and your application has no grant that is in force.",
        f"Ask for access {ASK_PLACE}.",
        "access_not_granted",
    ),
    Answer(403, "blocked", "Blocked", "Calls from here are blocked for some time.", ASK, "blocked"),
    Answer(
        404,
        "no-route",
        "No such operation",
        "No published API has an operation at this path.",
        "Check the path against the API's documentation.",
        "no_route",
    ),
    Answer(404, "no-route", "No such version", NO_VERSION, NAME_VERSION, "no_version"),
    Answer(
        405,
        "method-not-allowed",
        "Method not allowed",
        "The path exists, but not with this method.",
        "Use one of the methods in the Allow header.",
        "method_not_allowed",
    ),
    Answer(410, "retired", "Retired", "This version has been retired.", WHERE_PLACE, "retired"),
    Answer(
        503,
        "table-damaged",
        "Gateway not ready",
        "The gateway cannot read its access table and lets nobody in.",
        "Try again later; the operator finds the reason in the node's log.",
        "table_damaged",
    ),
    Answer(
        503,
        "table-damaged",
        "Gateway not ready",
        "The gateway is still receiving its access rows.",
        "Try again in a few seconds.",
        "table_filling",
    ),
    Answer(
        503,
        "introspection-down",
        "Token cannot be checked",
        "The authorization server that knows this token does not answer.",
        RETRY,
        "introspection_down",
    ),
    Answer(
        414,
        "too-large",
        "URL too long",
        "The request's URL is longer than the API takes.",
        "Send fewer or shorter parameters.",
        "url_too_long",
    ),
)
"""The filter's. Those that a flood of calls would meet come first: Envoy tries one by one."""
