"""What does the gateway serve while it must not serve? One route that answers 503.

Used when the record is contractual (`FullSpool.REFUSE`) and the spool is full. It takes the place
of the revision's routes; the refused calls are recorded like any other.
"""

import orjson

from headgate.core.problems import ProblemType
from headgate.gateway.envoy import wire
from headgate.gateway.envoy.binary import discovery_file

_PROBLEM = {
    "title": "Unavailable",
    "status": 503,
    "detail": "The gateway has no room left to record calls, so it takes none.",
    "next_step": "Try again later; if it goes on, tell the API's provider.",
}
_SWITCHED_OFF = wire.typed("envoy.config.route.v3.FilterConfig", disabled=True)


def refusing_routes(revision: int, types: str) -> bytes:
    """The routes file that refuses every call, under the version of `revision`.

    `types` is what the `type` of a problem begins with.
    """
    problem = _PROBLEM | {"type": types + ProblemType.UNAVAILABLE}
    route = {
        "match": {"prefix": "/"},
        "direct_response": {
            "status": 503,
            "body": {"inline_string": orjson.dumps(problem).decode()},
        },
        "typed_per_filter_config": {wire.ACCESS_FILTER: _SWITCHED_OFF},
    }
    hosts = [{"name": "refusing", "domains": ["*"], "routes": [route]}]
    routes = wire.typed(wire.ROUTES, name=wire.ROUTES_NAME, virtual_hosts=hosts)
    return discovery_file(wire.discovery(wire.ROUTES, revision, [routes]))
