"""Where does code that waits for the database run? In a few threads, never in the event loop.

A request that only waits (a long poll, a publication on its way) holds none of them.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import connections

P = ParamSpec("P")
T = TypeVar("T")

THREADS_MAX = 8  # SQLite lets one writer in at a time, and two cores answer no faster with more
SLOW_THREADS_MAX = 4  # for imports and questions about traffic, which take seconds
_threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="store")
_slow_threads = ThreadPoolExecutor(SLOW_THREADS_MAX, thread_name_prefix="slow")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of `function`, which may use the database, run in one of the threads.

    A connection that the database has closed is dropped first, so that a restart of
    PostgreSQL costs no request after it.
    """
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, partial(_run, function, *args, **kwargs))


async def in_slow_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """As `in_thread`, for what may take seconds: it never keeps short requests waiting."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_slow_threads, partial(_run, function, *args, **kwargs))


def _run(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    for connection in connections.all(initialized_only=True):
        connection.close_if_unusable_or_obsolete()
    try:
        return function(*args, **kwargs)
    finally:
        for connection in connections.all(initialized_only=True):
            connection.close_if_unusable_or_obsolete()
