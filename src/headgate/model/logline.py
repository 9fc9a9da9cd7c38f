"""What stands in one line of Envoy's access log? The contract between gateway and traffic.

One JSON object per line. A field that Envoy has no value for is null or "-". The node and the
gateway are not in the line: the segment's name says them.

Two fields hold several values, because each field costs the request time: Envoy writes one
string faster than it looks up five (docs/decisions/0004).

`route`   `<row> <api> <version> <operation>`; the operation may hold spaces. `row` is the
          operation's in the access table, for the filter to read, and letters for what the route
          takes beside keys; it is `no_route` or `method_not_allowed` where there is no operation,
          and then others may be missing, and `retired` where the version is gone.
`access`  `<verdict> <caller> <target>`, written by the filter and absent when the request did not
          reach it. A verdict that a limit in shadow would have given stands behind it, after a
          tilde; then, after a semicolon, what was left of the limits that the call met
          (`model/limits_left.py`). `caller` is the ids of `CALLER_IDS` end to end, or "-" when
          nobody is known; a verified token's subject stands behind it, after a colon.
          The target is path and query as the caller sent them, less the key. A line without
          `access` has no query at all, because a key may still stand in it.
"""

from enum import StrEnum

METADATA_NAMESPACE = "headgate"
"""Namespace of what routes and the filter tell the writer of the gateway's own answers."""

ACCESS_STATE = "headgate"
"""Name of Envoy's filter state that holds the filter's words on a request."""

CALLER_IDS = ("credential", "application", "organization", "subscription", "plan")
"""The ids of `caller`, 16 bytes each, `-` * 16 where one is not known."""

SUBJECT_BYTES_MAX = 64
TARGET_BYTES_MAX = 4096  # of `access`; the rest is cut


class LineType(StrEnum):
    """The types of fields in a line, by their DuckDB names."""

    INTEGER = "BIGINT"
    TEXT = "VARCHAR"


LINE_FIELDS: dict[str, LineType] = {
    "started_us": LineType.INTEGER,  # microseconds since 1970, digits in a JSON string
    "request_id": LineType.TEXT,
    "route": LineType.TEXT,
    "access": LineType.TEXT,
    "method": LineType.TEXT,
    "path": LineType.TEXT,  # without the query; counts only where there is no `access`
    "status": LineType.INTEGER,
    "flags": LineType.TEXT,  # Envoy's RESPONSE_FLAGS
    "details": LineType.TEXT,  # Envoy's RESPONSE_CODE_DETAILS
    "duration_us": LineType.INTEGER,
    "upstream_us": LineType.INTEGER,
    "request_bytes": LineType.INTEGER,
    "response_bytes": LineType.INTEGER,
    "upstream_host": LineType.TEXT,
    "attempts": LineType.INTEGER,
    "client_ip": LineType.TEXT,
    "user_agent": LineType.TEXT,
    "protocol": LineType.TEXT,
    "content_type": LineType.TEXT,  # the answer's
    "observed": LineType.TEXT,  # only where there is one: see SELDOM
}

SELDOM = ("observed",)
"""Fields that stand only in lines that have a value for them, so that others pay nothing.

`observed` is the verdict that a policy in the mode `observe` would have given; one of a limit in
shadow stands in `access`.
"""


def route_words(route: str) -> tuple[str, str, str]:
    """API, version and operation of the field `route`."""
    return words(route.partition(" ")[2])


def words(text: str) -> tuple[str, str, str]:
    """The first two words and the rest of `access`; empty where there are fewer."""
    first, _, rest = text.partition(" ")
    second, _, last = rest.partition(" ")
    return first, second, last
