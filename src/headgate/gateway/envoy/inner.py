"""How do filters that ask the upstream themselves still get what the route says?

Envoy's cache fills itself with requests of its own, which skip the route: no rewriting, no
deadline, no retry. So they are sent to an internal listener with the same routes and no filter
but the router. It exists only while some policy needs it; no connection from outside reaches it.
"""

from headgate.gateway.envoy import wire
from headgate.gateway.envoy.local_replies import local_replies
from headgate.gateway.envoy.settings import NodeSettings
from headgate.gateway.envoy.wire import JSON
from headgate.gateway.policy import INNER

EXTENSION = wire.extension(
    "envoy.bootstrap.internal_listener",
    "envoy.extensions.bootstrap.internal_listener.v3.InternalListener",
)
CONNECT_TIMEOUT_SECONDS = 1.0


def inner_listener(node: NodeSettings) -> JSON:
    """The internal listener. It logs nothing: the request itself is logged once, outside."""
    manager = wire.extension(
        "envoy.filters.network.http_connection_manager",
        wire.CONNECTION_MANAGER,
        stat_prefix=INNER,
        rds={
            "route_config_name": wire.ROUTES_NAME,
            "config_source": wire.watched(node.folder / wire.ROUTES_FILE),
        },
        use_remote_address=False,
        skip_xff_append=True,
        preserve_external_request_id=True,
        local_reply_config=local_replies(),
        http_filters=[wire.extension("envoy.filters.http.router", wire.ROUTER)],
    )
    return wire.typed(
        wire.LISTENER,
        name=INNER,
        stat_prefix=INNER,
        internal_listener={},
        filter_chains=[{"filters": [manager]}],
    )


def inner_cluster() -> JSON:
    """The way to the internal listener."""
    address = {"envoy_internal_address": {"server_listener_name": INNER}}
    return wire.typed(
        wire.CLUSTER,
        name=INNER,
        type="STATIC",
        connect_timeout=wire.seconds(CONNECT_TIMEOUT_SECONDS),
        load_assignment={
            "cluster_name": INNER,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
        transport_socket=wire.extension(
            "envoy.transport_sockets.internal_upstream",
            "envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport",
            transport_socket=wire.extension(
                "envoy.transport_sockets.raw_buffer",
                "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer",
            ),
        ),
    )
