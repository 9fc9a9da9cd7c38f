"""How does a request to be tried get to a node, and what was found back to who asked?

In the memory of this process, because the request may carry a caller's credential: nothing of it is
stored or logged. Bounded in number and time. Nodes ask for work by a long poll, so a node that
polls another web process over the same store is not reached from here; whoever asks is told.
"""

import asyncio
import threading
from collections import deque
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotAnsweredError
from dataclasses import dataclass, field

from headgate.core.problems import Problem, ProblemType
from headgate.model.trial import TrialRequest, TrialResult

TRIALS_MAX = 2  # at once: each holds a thread that imports and questions about traffic want too
ANSWER_SECONDS_MAX = 12.0  # a node gives up after half of it


@dataclass(slots=True, eq=False)
class _Asked:
    gateway: str
    request: TrialRequest
    found: Future[TrialResult] = field(default_factory=Future)


@dataclass(slots=True, eq=False)
class _Poll:
    gateway: str
    loop: asyncio.AbstractEventLoop
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class TrialDesk:
    """Hands requests to nodes and results back. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[_Asked] = deque()
        self._asked: dict[str, _Asked] = {}
        self._polls: set[_Poll] = set()

    def ask(
        self, gateway: str, request: TrialRequest, *, seconds: float = ANSWER_SECONDS_MAX
    ) -> TrialResult:
        """What a node of the gateway found. Waits: not to be called in an event loop.

        Raises:
            Problem: TOO_MANY are under way; UNAVAILABLE: no node answered, or it could not try it.
        """
        asked = _Asked(gateway, request)
        with self._lock:
            if len(self._asked) >= TRIALS_MAX:
                raise Problem(
                    ProblemType.TOO_MANY,
                    f"{TRIALS_MAX} requests are being tried already.",
                    "Try again in a few seconds.",
                )
            self._asked[request.id] = asked
            self._waiting.append(asked)
            self._wake(gateway)
        try:
            found = asked.found.result(seconds)
        except NotAnsweredError:
            raise _no_answer(gateway) from None
        finally:
            self._forget(asked)
        if found.error:
            raise Problem(
                ProblemType.UNAVAILABLE,
                f"Node {found.node} could not try it: {found.error}.",
                "`headgate status` says how the node is; try again.",
            )
        return found

    async def next(self, gateway: str, *, wait_seconds: float) -> TrialRequest | None:
        """The next request for a node of the gateway, None when there is none in time."""
        poll = _Poll(gateway, asyncio.get_running_loop())
        with self._lock:
            self._polls.add(poll)
        try:
            async with asyncio.timeout(wait_seconds):
                while True:
                    if taken := self._take(gateway):
                        return taken.request
                    await poll.woken.wait()
                    poll.woken.clear()
        except TimeoutError:
            return None
        finally:
            with self._lock:
                self._polls.discard(poll)

    def answer(self, gateway: str, found: TrialResult) -> None:
        """What a node of the gateway found. One that nobody waits for is dropped."""
        with self._lock:
            asked = self._asked.get(found.id)
            if asked is not None and asked.gateway == gateway and not asked.found.done():
                asked.found.set_result(found)

    def _take(self, gateway: str) -> _Asked | None:
        with self._lock:
            for asked in self._waiting:
                if asked.gateway == gateway:
                    self._waiting.remove(asked)
                    return asked
        return None

    def _forget(self, asked: _Asked) -> None:
        with self._lock:
            self._asked.pop(asked.request.id, None)
            if asked in self._waiting:
                self._waiting.remove(asked)

    def _wake(self, gateway: str) -> None:
        for poll in self._polls:
            if poll.gateway == gateway and not poll.loop.is_closed():
                poll.loop.call_soon_threadsafe(poll.woken.set)


def _no_answer(gateway: str) -> Problem:
    return Problem(
        ProblemType.UNAVAILABLE,
        f"No node of the gateway {gateway} answered within {ANSWER_SECONDS_MAX:g} seconds.",
        "See with `headgate status` whether one runs; over several web processes, ask the one that"
        " the node is connected to.",
    )


desk = TrialDesk()
"""Of this process."""
