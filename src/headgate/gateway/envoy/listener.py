"""How does Envoy take requests? The listener, its protocols and limits, and the filter chain."""

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

from headgate.core.problems import TYPE_PREFIX
from headgate.gateway.envoy import wire
from headgate.gateway.envoy.access_log import access_log
from headgate.gateway.envoy.chain import Filters, PlacedFilter, after_access, before_access
from headgate.gateway.envoy.local_replies import local_replies
from headgate.gateway.envoy.settings import NodeSettings
from headgate.gateway.envoy.wire import JSON
from headgate.gateway.filter import MODULE_NAME, TRIAL_MODULE_NAME

CONNECTION_BUFFER_BYTES_MAX = 1024 * 1024  # per connection, before back pressure
HEADERS_KB_MAX = 64
HEADERS_MAX = 100
HEADERS_TIMEOUT_SECONDS = 15.0  # a caller that dribbles its headers is let go
HANDSHAKE_TIMEOUT_SECONDS = 10.0
CONNECTION_IDLE_SECONDS = 300.0
STREAM_IDLE_SECONDS = 300.0  # a body or answer that stands still; an API's own setting goes before
DRAIN_SECONDS = 5.0
HTTP2_STREAMS_MAX = 128
HTTP2_STREAM_WINDOW_BYTES = 256 * 1024
HTTP2_CONNECTION_WINDOW_BYTES = 1024 * 1024
OWNER_ONLY = 0o600
DOWNSTREAM_TLS = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
MODULE = "envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter"
NOBODY = {"address_prefix": "255.255.255.255", "prefix_len": 32}


def listener(node: NodeSettings, filters: Filters, types: str = TYPE_PREFIX) -> JSON:
    """The gateway's listener with the policies' filters.

    `types` is what the `type` of its own answers begins with.
    """
    replies = local_replies(types)
    access = _access(node, "headgate")
    chains = [
        _connections_from(node, proxies, _manager(node, filters, replies, access, _router(), hops))
        for proxies, hops in _callers(node)
    ]
    return wire.typed(
        wire.LISTENER,
        name="gateway",
        stat_prefix="gateway",
        address={"socket_address": _address(node)},
        per_connection_buffer_limit_bytes=CONNECTION_BUFFER_BYTES_MAX,
        filter_chains=chains,
    )


def _callers(node: NodeSettings) -> list[tuple[tuple[str, ...], int]]:
    """The networks that connections come from (none: any other), and how many proxies of ours
    stand between them and the caller."""
    anybody: list[tuple[tuple[str, ...], int]] = [((), 0)]
    return (
        [(node.trusted_proxies, node.trusted_hops), *anybody] if node.trusted_proxies else anybody
    )


def _connections_from(node: NodeSettings, networks: tuple[str, ...], manager: JSON) -> JSON:
    """What happens to connections from these networks."""
    chain: JSON = {"filters": [manager]}
    if networks:
        chain["name"] = "behind trusted proxies"
        chain["filter_chain_match"] = {"source_prefix_ranges": [_range(one) for one in networks]}
    if node.tls_certificate is not None:
        chain["transport_socket"] = _tls(node)
        chain["transport_socket_connect_timeout"] = wire.seconds(HANDSHAKE_TIMEOUT_SECONDS)
    return chain


def _range(network: str) -> JSON:
    made = ip_network(network, strict=False)
    return {"address_prefix": str(made.network_address), "prefix_len": made.prefixlen}


def trial_listener(node: NodeSettings, filters: Filters, types: str) -> JSON:
    """Where the agent tries requests: the same connections, routes and filters, but nobody's table
    is changed, no upstream is asked, and the lines go to a log of its own.

    A Unix socket that only the agent can open. It says in `X-Forwarded-For` who the caller is.
    """
    own = replace(node, log_path=node.trial_log)
    filters = {key: _tried(one) for key, one in filters.items()}
    module = _module(wire.TRIAL_FILTER, TRIAL_MODULE_NAME, "trial", terminal_filter=True)
    replies = local_replies(types)
    manager = _manager(own, filters, replies, _access(node, wire.TRIAL_FILTER), module, 1)
    manager["typed_config"]["stat_prefix"] = "trials"
    pipe = {"path": str(node.trial_socket), "mode": OWNER_ONLY}
    return wire.typed(
        wire.LISTENER,
        name="trials",
        stat_prefix="trials",
        address={"pipe": pipe},
        per_connection_buffer_limit_bytes=CONNECTION_BUFFER_BYTES_MAX,
        filter_chains=[{"filters": [manager]}],
    )


def _tried(placed: PlacedFilter) -> PlacedFilter:
    chain = placed.filter.trial_chain
    return placed if chain is None else replace(placed, filter=replace(placed.filter, chain=chain))


def _manager(
    node: NodeSettings,
    filters: Filters,
    replies: JSON,
    access: list[JSON],
    last: JSON,
    hops: int,
) -> JSON:
    """The manager of HTTP connections, with its chain: the filters of policies, access, `last`.

    `hops` proxies of ours stand before it.
    """
    placed = [one.filter for one in filters.values()]
    observed = [one.observed_in for one in placed if one.observed_in]
    return wire.extension(
        "envoy.filters.network.http_connection_manager",
        wire.CONNECTION_MANAGER,
        **_connections(node, hops),
        local_reply_config=replies,
        access_log=access_log(node, observed),
        http_filters=[
            *before_access(filters, node.folder),
            *access,
            *after_access(filters, node.folder),
            last,
        ],
    )


def _address(node: NodeSettings) -> JSON:
    """`::` takes IPv4 callers too, as people expect of it."""
    made: JSON = {"address": node.listen_address, "port_value": node.port}
    return made | {"ipv4_compat": True} if node.listen_address == "::" else made


def secrets(node: NodeSettings) -> list[JSON]:
    """The listener's certificate.

    Envoy reads the files anew when a rename lands beside them. The agent gives one file for
    certificate and key, so that one rename changes both (`node/certificates.py`).
    """
    if node.tls_certificate is None:
        return []
    return [
        wire.typed(
            wire.SECRET,
            name=wire.CERTIFICATE_NAME,
            tls_certificate={
                "certificate_chain": {"filename": str(node.tls_certificate)},
                "private_key": {"filename": str(node.tls_key)},
            },
        )
    ]


def client_authorities(node: NodeSettings) -> list[JSON]:
    """The authorities of callers' certificates. Envoy wants each secret in a file of its own."""
    if node.client_authorities is None:
        return []
    trusted = {"trusted_ca": {"filename": str(node.client_authorities)}}
    return [wire.typed(wire.SECRET, name=wire.CLIENTS_NAME, validation_context=trusted)]


def _connections(node: NodeSettings, hops: int) -> JSON:
    """Everything but the filters.

    - Paths: dot segments are resolved (an upstream would), `//` and `%2F` stay what they are and
      so match no template by accident (`gateway/routing.py` says why this is safe).
    - Identity: the caller's address is the connection's, or behind proxies of ours the one that
      the first of them wrote into X-Forwarded-For; `x-envoy-*` of strangers is removed, and
      everyone is a stranger, the machine itself included. The request id is ours, always: records
      are found by it.
    - Time: a whole request has no limit (uploads, streams), standing still has.
    """
    return {
        "stat_prefix": "gateway",
        "codec_type": "AUTO",
        "rds": {
            "route_config_name": wire.ROUTES_NAME,
            "config_source": wire.watched(node.folder / wire.ROUTES_FILE),
        },
        "normalize_path": True,
        "merge_slashes": False,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "use_remote_address": True,
        "xff_num_trusted_hops": hops,
        "internal_address_config": {"unix_sockets": False, "cidr_ranges": [NOBODY]},
        "generate_request_id": True,
        "preserve_external_request_id": False,
        "always_set_request_id_in_response": True,
        "server_name": "headgate",
        "server_header_transformation": "OVERWRITE",
        "max_request_headers_kb": HEADERS_KB_MAX,
        "request_headers_timeout": wire.seconds(HEADERS_TIMEOUT_SECONDS),
        "stream_idle_timeout": wire.seconds(STREAM_IDLE_SECONDS),
        "drain_timeout": wire.seconds(DRAIN_SECONDS),
        "common_http_protocol_options": {
            "idle_timeout": wire.seconds(CONNECTION_IDLE_SECONDS),
            "max_headers_count": HEADERS_MAX,
            # X_Key and X-Key are one name to many upstreams and two to us
            "headers_with_underscores_action": "DROP_HEADER",
        },
        "http_protocol_options": {"accept_http_10": True, "default_host_for_http_10": "gateway"},
        "http2_protocol_options": {
            "max_concurrent_streams": HTTP2_STREAMS_MAX,
            "initial_stream_window_size": HTTP2_STREAM_WINDOW_BYTES,
            "initial_connection_window_size": HTTP2_CONNECTION_WINDOW_BYTES,
            "allow_connect": True,  # WebSocket over HTTP/2, RFC 8441
        },
        "upgrade_configs": [{"upgrade_type": "websocket"}],
    }


def _router() -> JSON:
    """The last filter. What it would count per request and tell in `x-envoy-*` fields stands in
    the record already; together they are a tenth of a bare request's instructions."""
    return wire.extension(
        "envoy.filters.http.router", wire.ROUTER, dynamic_stats=False, suppress_envoy_headers=True
    )


def _access(node: NodeSettings, name: str) -> list[JSON]:
    """The access filter. Envoy refuses the whole listener when it cannot load: fails closed.

    `name` is the module's word for what it does: `headgate`, or deciding without consequences.
    """
    if not node.has_filter:
        return []
    table = {"@type": wire.TYPE + "google.protobuf.StringValue", "value": str(node.table_path)}
    return [_module(wire.ACCESS_FILTER, MODULE_NAME, name, filter_config=table)]


def _module(name: str, module: str, filter_name: str, **fields: Any) -> JSON:
    return wire.extension(
        name,
        MODULE,
        dynamic_module_config={"name": module},
        filter_name=filter_name,
        **fields,
    )


def _tls(node: NodeSettings) -> JSON:
    """A caller may show a certificate where there are authorities; a wrong one ends the
    handshake."""
    callers: JSON = {}
    if node.client_authorities is not None:
        source = wire.watched(node.folder / "clients.json")
        named = {"name": wire.CLIENTS_NAME, "sds_config": source}
        callers["validation_context_sds_secret_config"] = named
    return wire.extension(
        "envoy.transport_sockets.tls",
        DOWNSTREAM_TLS,
        common_tls_context={
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_certificate_sds_secret_configs": [
                {
                    "name": wire.CERTIFICATE_NAME,
                    "sds_config": wire.watched(node.folder / "sds.json"),
                }
            ],
            **callers,
        },
    )
