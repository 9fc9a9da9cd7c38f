"""What does Envoy start with? Where it finds the rest, its limits, its admin door, its stats."""

from typing import Any

from headgate.gateway.envoy import wire
from headgate.gateway.envoy.settings import NodeSettings
from headgate.gateway.envoy.wire import JSON

OWNER_ONLY = 0o600
REGEX_SIZE_WARNED = 10_000  # RE2 instructions

STATS_KEPT = (
    "server.",
    "cluster_manager.",
    "listener_manager.",
    "listener.",
    "http.gateway.",
    "extension_config_discovery.",
    "filesystem.",
    "access_log_file.",
    "overload.",
    "dynamic_modules.",
)
"""Everything the agent reads, and nothing per cluster: a thousand upstreams cost no stats.
A single host's numbers stay to be had from the admin page `/clusters`, which does not use them."""


def bootstrap(node: NodeSettings) -> JSON:
    """Envoy's bootstrap. It changes only with the node's settings, never with a revision.

    Source: envoy.config.bootstrap.v3; "Configuring Envoy as an edge proxy".
    """
    return {
        "node": {"id": node.node, "cluster": node.gateway},
        "admin": {"address": {"pipe": {"path": str(node.admin_socket), "mode": OWNER_ONLY}}},
        "dynamic_resources": {
            "lds_config": wire.watched(node.folder / "lds.json"),
            "cds_config": wire.watched(node.folder / "cds.json"),
        },
        "stats_config": {
            "stats_matcher": {
                "inclusion_list": {"patterns": [{"prefix": prefix} for prefix in STATS_KEPT]}
            }
        },
        "layered_runtime": {"layers": [{"name": "static", "static_layer": _runtime()}]},
        "overload_manager": _overload(node),
    }


def _runtime() -> JSON:
    """Switches of Envoy's that we set against its default, each with its reason."""
    return {
        # an API may have thousands of templates below one prefix; warn, but never refuse
        "re2.max_program_size.warn_level": REGEX_SIZE_WARNED,
    }


def _overload(node: NodeSettings) -> JSON:
    """Refuse before falling over. Fails closed: above the limit a new request gets 503."""
    return {
        "refresh_interval": "0.25s",
        "resource_monitors": [
            wire.extension(
                "envoy.resource_monitors.fixed_heap",
                "envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
                max_heap_size_bytes=node.heap_bytes_max,
            ),
            wire.extension(
                "envoy.resource_monitors.global_downstream_max_connections",
                "envoy.extensions.resource_monitors.downstream_connections.v3"
                ".DownstreamConnectionsConfig",
                max_active_downstream_connections=node.connections_max,
            ),
        ],
        "actions": [
            _action("envoy.overload_actions.shrink_heap", 0.9),
            _action("envoy.overload_actions.stop_accepting_requests", 0.95),
        ],
    }


def _action(name: str, share: float) -> dict[str, Any]:
    heap = {"name": "envoy.resource_monitors.fixed_heap", "threshold": {"value": share}}
    return {"name": name, "triggers": [heap]}
