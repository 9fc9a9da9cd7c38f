"""Which resources are there, in the order in which the documentation shows them?"""

from ninja import Router

from headgate.web.api import (
    apis,
    applications,
    audit,
    blocks,
    configuration,
    gateways,
    health,
    keys,
    nodes,
    organizations,
    policies,
    products,
    publishing,
    releases,
    secrets,
    status,
    subscriptions,
    tokens,
    traffic,
)

ROUTERS: dict[str, Router] = {
    "APIs": apis.router,
    "Publishing": publishing.router,
    "Releases": releases.router,
    "Policies": policies.router,
    "Secrets": secrets.router,
    "Products": products.router,
    "Organizations": organizations.router,
    "Applications": applications.router,
    "Subscriptions": subscriptions.router,
    "Keys": keys.router,
    "Blocks": blocks.router,
    "Traffic": traffic.router,
    "Gateways": gateways.router,
    "Nodes": nodes.router,
    "Status": status.router,
    "Configuration": configuration.router,
    "Tokens": tokens.router,
    "Audit": audit.router,
    "Health": health.router,
}
