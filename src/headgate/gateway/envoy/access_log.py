"""What does Envoy write about each request? One JSON line of `LINE_FIELDS`.

Fields in `SELDOM` have lines of their own form: a second logger with the same file writes those,
the first all others, told apart by the dynamic metadata that a policy leaves. Both stand there
only while a policy does so.

The path is logged without its query: a key may stand there when the request did not reach the
access filter. The filter itself hands over path and query, less the key, in its own words; once
it has, `path` is what the upstream was asked for.
"""

from collections.abc import Iterable

from headgate.gateway.envoy import wire
from headgate.gateway.envoy.settings import NodeSettings
from headgate.gateway.envoy.wire import JSON
from headgate.model.logline import ACCESS_STATE

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


def access_log(node: NodeSettings, observed_in: Iterable[tuple[str, str]] = ()) -> list[JSON]:
    """The loggers of the gateway's connections; `observed_in` as `HTTPFilter` has it."""
    line = dict(OPERATORS)
    places = sorted(set(observed_in))
    if not places:
        return [_logger(node, line, None)]
    without: JSON = {"and_filter": {"filters": [_has(place, is_wanted=False) for place in places]}}
    found = [_logger(node, line, without if len(places) > 1 else _has(places[0], is_wanted=False))]
    for namespace, key in places:
        observed = {"observed": f"%DYNAMIC_METADATA({namespace}:{key})%"}
        found.append(_logger(node, line | observed, _has((namespace, key), is_wanted=True)))
    return found


def _logger(node: NodeSettings, line: dict[str, str], which: JSON | None) -> JSON:
    made = wire.extension(
        "envoy.access_loggers.file",
        FILE_LOG,
        path=str(node.log_path),
        log_format={"json_format": line},
    )
    return made if which is None else made | {"filter": which}


def _has(place: tuple[str, str], *, is_wanted: bool) -> JSON:
    """A log filter: whether the metadata has the place at all."""
    namespace, key = place
    return {
        "metadata_filter": {
            "matcher": {
                "filter": namespace,
                "path": [{"key": key}],
                "value": {"present_match": is_wanted},
            },
            "match_if_key_not_found": not is_wanted,
        }
    }
