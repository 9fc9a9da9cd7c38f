"""How do requests get into Django, and how many at once?"""

from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest

from headgate.web.exchange import Scope
from headgate.web.threads import in_thread


class PooledHandler(ASGIHandler):
    """Django's handler with our bounded threads instead of one new thread per request.

    Without middleware: programs need none of what pages do (`SiteHandler`).
    """

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: FBT001, FBT002  # Django's signature
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        inner = self._get_response_async if is_async else self._get_response  # type: ignore[attr-defined]  # Django's own, without types
        self._middleware_chain = convert_exception_to_response(inner)

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


class SiteHandler(ASGIHandler):
    """Pages: Django's middleware and the view in one of our threads, from first to last."""

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  # Django's signature
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        await self.handle(dict(scope), receive, send)

    async def get_response_async(self, request: HttpRequest) -> Any:
        return await in_thread(self.get_response, request)

    async def run_get_response(self, request: HttpRequest) -> Any:
        response: Any = await super().run_get_response(request)
        if not response.streaming and response.status_code not in {204, 304}:
            response.setdefault("Content-Length", str(len(response.content)))
        return response
