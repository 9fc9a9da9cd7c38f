"""How do requests get into Django, and how many at once?"""

from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest

from headgate.web.exchange import Scope
from headgate.web.threads import in_thread


class PooledHandler(ASGIHandler):
    """Django's handler with our bounded threads instead of one new thread per request."""

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        await self.handle(dict(scope), receive, send)

    def resolve_request(self, request: HttpRequest) -> Any:
        view, args, kwargs = super().resolve_request(request)
        if iscoroutinefunction(view):
            return view, args, kwargs

        async def in_pool(*args: Any, **kwargs: Any) -> Any:
            return await in_thread(view, *args, **kwargs)

        return in_pool, args, kwargs

    async def run_get_response(self, request: HttpRequest) -> Any:
        response: Any = await super().run_get_response(request)
        if not response.streaming and response.status_code not in {204, 304}:
            response.setdefault("Content-Length", str(len(response.content)))
        return response
