"""Which application does the web process serve? The layers, outermost last."""

import os

import django
from django.conf import settings
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "headgate.store.settings")
django.setup(set_prefix=False)

# Django's models can be imported only now
from headgate.core.clock import Clock, SystemClock  # noqa: E402  # see above
from headgate.core.ids import new_id  # noqa: E402  # see above
from headgate.web.authentication import Authentication, is_for_programs  # noqa: E402  # see above
from headgate.web.envelope import Envelope  # noqa: E402  # see above
from headgate.web.exchange import ASGIApp, Receive, Scope, Send  # noqa: E402  # see above
from headgate.web.handler import PooledHandler, SiteHandler  # noqa: E402  # see above
from headgate.web.node_api import NodeAPI  # noqa: E402  # see above


def build(clock: Clock) -> Envelope:
    """The whole application."""
    get_resolver().url_patterns  # noqa: B018  # the URLs load now, not at the first request
    node_api: ASGIApp = NodeAPI(inbox=settings.HEADGATE_DATA / "inbox")
    programs: ASGIApp = PooledHandler()
    pages: ASGIApp = SiteHandler()

    async def divided(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        chosen = programs if is_for_programs(path) else pages
        await (node_api if path.startswith("/node/") else chosen)(scope, receive, send)

    return Envelope(
        Authentication(divided, clock=clock), clock=clock, new_request_id=lambda: new_id("req")
    )


application = build(SystemClock())
