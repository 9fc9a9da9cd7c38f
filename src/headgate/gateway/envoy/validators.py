"""Where does Envoy find the node's validators? One cluster of Unix sockets."""

from headgate.gateway.envoy import wire
from headgate.gateway.envoy.settings import NodeSettings
from headgate.gateway.envoy.wire import JSON
from headgate.gateway.policy import VALIDATORS

CONNECT_TIMEOUT_SECONDS = 0.25  # a socket of this machine: full or gone after that


def validators_cluster(node: NodeSettings) -> JSON:
    """The validators; one that cannot be reached is not asked for a while if there are others."""
    endpoints = [
        {"endpoint": {"address": {"pipe": {"path": str(path)}}}} for path in node.validator_sockets
    ]
    return wire.typed(
        wire.CLUSTER,
        name=VALIDATORS,
        type="STATIC",
        connect_timeout=wire.seconds(CONNECT_TIMEOUT_SECONDS),
        outlier_detection={
            "consecutive_5xx": 1,
            "base_ejection_time": "1s",
            "max_ejection_percent": 50,
        },
        load_assignment={
            "cluster_name": VALIDATORS,
            "endpoints": [{"lb_endpoints": endpoints}],
        },
    )
