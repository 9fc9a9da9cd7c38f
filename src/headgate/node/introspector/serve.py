"""What do the two sockets of an introspector answer? Envoy's questions, and the agent's orders.

The agent's (`<socket>.control`) answers `GET /readings`, `GET /process` with its pid, and
`PUT /settings`, upon which the settings are read anew from their file.
"""

import asyncio
import os
import signal
from pathlib import Path

import orjson

from headgate.core.clock import SystemClock
from headgate.model.introspection import IntrospectionServer
from headgate.node.introspector.asking import Asking
from headgate.node.introspector.desk import Desk
from headgate.node.local_http import (
    NO_CONTENT,
    NOT_FOUND,
    Connection,
    control_name,
    json_answer,
    listen,
)


async def serve(socket: Path, settings: Path) -> None:
    """Answer until SIGTERM or SIGINT. The first answer comes once the settings are read."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Asking() as asking:
        desk = Desk(asking.ask, SystemClock())
        doors = _Doors(desk, settings)
        doors.read_settings()
        servers = (
            await listen(socket, doors.answer_envoy),
            await listen(socket.with_name(control_name(socket.name)), doors.answer_agent),
        )
        await stop.wait()
        for server in servers:
            server.close()


class _Doors:
    """Both sockets' answers."""

    def __init__(self, desk: Desk, settings: Path) -> None:
        self._desk = desk
        self._settings = settings
        self._tasks: set[asyncio.Task[None]] = set()

    def read_settings(self) -> None:
        """Know what the file says; nothing when it is not there.

        Raises:
            ValueError, TypeError: the file is none of ours.
        """
        try:
            listed = orjson.loads(self._settings.read_bytes())
        except FileNotFoundError:
            listed = []
        self._desk.keep([IntrospectionServer(**one) for one in listed])

    def answer_envoy(self, asked: Connection) -> None:
        """One question; what is remembered is answered at once."""
        question = self._desk.question(asked.headers)
        if isinstance(question, bytes):
            asked.write(question)
            return
        task = asyncio.get_running_loop().create_task(_answer(asked, question))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def answer_agent(self, asked: Connection) -> None:
        """One order."""
        order = (asked.method, asked.target)
        if order == (b"GET", b"/readings"):
            asked.write(json_answer(orjson.dumps(self._desk.readings())))
        elif order == (b"GET", b"/process"):
            asked.write(json_answer(str(os.getpid()).encode()))
        elif order == (b"PUT", b"/settings"):
            try:
                self.read_settings()
            except (OSError, ValueError, TypeError) as error:
                asked.write(json_answer(orjson.dumps(str(error)), "422 Unprocessable Content"))
            else:
                asked.write(NO_CONTENT)
        else:
            asked.write(NOT_FOUND)


async def _answer(asked: Connection, question: "asyncio.Future[bytes]") -> None:
    asked.write(await asyncio.shield(question))  # it is others' question too
