"""How does Envoy spell things? Type names, file sources and durations, each in one place."""

from pathlib import Path
from typing import Any

TYPE = "type.googleapis.com/"
LISTENER = "envoy.config.listener.v3.Listener"
ROUTES = "envoy.config.route.v3.RouteConfiguration"
ROUTE_LIST = "envoy.config.route.v3.RouteList"
CLUSTER = "envoy.config.cluster.v3.Cluster"
SECRET = "envoy.extensions.transport_sockets.tls.v3.Secret"  # noqa: S105  # a type's name
CONNECTION_MANAGER = (
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
)
EXTENSION = "envoy.config.core.v3.TypedExtensionConfig"
ROUTER = "envoy.extensions.filters.http.router.v3.Router"

ROUTES_FILE = "rds.pb"  # Envoy tells the form by the ending
ROUTES_NAME = "gateway"  # also the middle of the stats `http.gateway.rds.gateway.*`
CERTIFICATE_NAME = "gateway"
CLIENTS_NAME = "clients"
ACCESS_FILTER = "headgate"
TRIAL_FILTER = "headgate_trial"  # also what the access filter is told (`filter/filter.zig`)

JSON = dict[str, Any]
"""A message of Envoy's in its JSON form."""


def typed(name: str, /, **fields: Any) -> JSON:
    """A `google.protobuf.Any` that holds a message of the type `name`."""
    return {"@type": TYPE + name, **fields}


def extension(name: str, type_name: str, /, **fields: Any) -> JSON:
    """A `TypedExtensionConfig`: an extension by its name and configuration."""
    return {"name": name, "typed_config": typed(type_name, **fields)}


def watched(path: Path) -> JSON:
    """A configuration source that Envoy reads again whenever a rename puts a file at `path`.

    Without `watched_directory`: with it, every rename in the folder makes Envoy read all files.
    """
    return {
        "path_config_source": {"path": str(path)},
        "resource_api_version": "V3",
    }


def seconds(value: float) -> str:
    """A duration as protobuf's JSON writes it; exact to the millisecond."""
    return f"{value:.3f}".rstrip("0").rstrip(".") + "s"


def discovery(type_name: str, revision: int, resources: list[Any]) -> JSON:
    """A `DiscoveryResponse` as Envoy reads it from a file."""
    return {
        "version_info": str(revision),
        "type_url": TYPE + type_name,
        "resources": resources,
    }
