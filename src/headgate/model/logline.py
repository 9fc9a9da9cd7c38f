"""What stands in one line of Envoy's access log? The contract between gateway and traffic.

One JSON object per line. `gateway/envoy` produces it, the filter fills `verdict` and `caller`,
`traffic` reads it. A field that Envoy has no value for is null or "-". The node and the gateway
are not in the line: the segment's name says them.
"""

from enum import StrEnum

METADATA_NAMESPACE = "headgate"
"""Namespace of the route metadata that the filter reads and of what it writes: `verdict` as dynamic
metadata (for matchers), and as filter state `headgate.<field>` what the log prints."""

CALLER_IDS = ("credential", "application", "organization", "subscription", "plan")
"""`caller` is these ids end to end, 16 bytes each (`-` * 16 where one is not known), or absent."""


class LineType(StrEnum):
    """The types of fields in a line, by their DuckDB names."""

    INTEGER = "BIGINT"
    TEXT = "VARCHAR"


LINE_FIELDS: dict[str, LineType] = {
    "started_us": LineType.INTEGER,  # microseconds since 1970, digits in a JSON string
    "request_id": LineType.TEXT,
    "api": LineType.TEXT,  # route metadata
    "version": LineType.TEXT,  # route metadata
    "operation": LineType.TEXT,  # route metadata
    "method": LineType.TEXT,
    "target": LineType.TEXT,  # path and query as the caller sent them, less the key
    "status": LineType.INTEGER,
    "flags": LineType.TEXT,  # Envoy's RESPONSE_FLAGS
    "details": LineType.TEXT,  # Envoy's RESPONSE_CODE_DETAILS
    "duration_us": LineType.INTEGER,
    "upstream_us": LineType.INTEGER,
    "request_bytes": LineType.INTEGER,
    "response_bytes": LineType.INTEGER,
    "upstream_host": LineType.TEXT,
    "attempts": LineType.INTEGER,
    "cache": LineType.TEXT,
    "verdict": LineType.TEXT,  # the filter's; empty where the request did not reach it
    "caller": LineType.TEXT,
    "subject": LineType.TEXT,
    "client_ip": LineType.TEXT,
    "user_agent": LineType.TEXT,
    "protocol": LineType.TEXT,
    "content_type": LineType.TEXT,
    "synthetic": LineType.TEXT,
}
