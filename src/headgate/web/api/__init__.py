"""The REST API under /api/v1: one module per resource, thin over the services."""

from headgate.web.api.application import build
from headgate.web.api.routers import ROUTERS

api = build(ROUTERS)
