"""Where does Envoy find the node's introspector? On a Unix socket of this machine."""

from headgate.gateway.envoy import wire
from headgate.gateway.envoy.settings import NodeSettings
from headgate.gateway.envoy.wire import JSON
from headgate.gateway.policy import INTROSPECTOR

CONNECT_TIMEOUT_SECONDS = 0.25  # full or gone after that
REQUESTS_MAX = 4096  # that wait for it at once; more are treated as if it were down


def introspector_cluster(node: NodeSettings) -> JSON:
    """The introspector."""
    address = {"pipe": {"path": str(node.introspector_socket)}}
    limits = dict.fromkeys(
        ("max_connections", "max_pending_requests", "max_requests"), REQUESTS_MAX
    )
    return wire.typed(
        wire.CLUSTER,
        name=INTROSPECTOR,
        type="STATIC",
        connect_timeout=wire.seconds(CONNECT_TIMEOUT_SECONDS),
        circuit_breakers={"thresholds": [limits]},
        load_assignment={
            "cluster_name": INTROSPECTOR,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    )
