"""What does Envoy write about each request? One JSON line, exactly `LINE_FIELDS`.

The path is logged without its query: a key may stand there when the request did not reach the
access filter. The filter itself hands over path and query, less the key, in its own words; once
it has, `path` is what the upstream was asked for.
"""

from headgate.gateway.envoy import wire
from headgate.gateway.envoy.settings import NodeSettings
from headgate.gateway.envoy.wire import JSON
from headgate.model.logline import ACCESS_STATE, LINE_FIELDS

FILE_LOG = "envoy.extensions.access_loggers.file.v3.FileAccessLog"

OPERATORS: dict[str, str] = {
    "started_us": "%START_TIME(%s%6f)%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "route": "%ROUTE_NAME%",
    "access": f"%FILTER_STATE({ACCESS_STATE}:PLAIN)%",
    "method": "%REQ(:METHOD)%",
    "path": "%PATH(NQ:PATH)%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "duration_us": "%COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)%",
    "upstream_us": "%COMMON_DURATION(US_TX_BEG:US_RX_END:us)%",
    "request_bytes": "%BYTES_RECEIVED%",
    "response_bytes": "%BYTES_SENT%",
    "upstream_host": "%UPSTREAM_HOST%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "client_ip": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "user_agent": "%REQ(USER-AGENT)%",
    "protocol": "%PROTOCOL%",
    "content_type": "%RESP(CONTENT-TYPE)%",
}
"""Source: Envoy 1.40, "Access logging", command operators. `content_type` is the answer's.
`upstream_us` runs from the first byte sent upstream to the last byte received from it."""


def access_log(node: NodeSettings) -> list[JSON]:
    """The logger of the gateway's connections."""
    line = {field: OPERATORS[field] for field in LINE_FIELDS}
    return [
        wire.extension(
            "envoy.access_loggers.file",
            FILE_LOG,
            path=str(node.log_path),
            log_format={"json_format": line},
        )
    ]
