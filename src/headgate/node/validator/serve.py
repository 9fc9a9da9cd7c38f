"""What do the two sockets of a validator answer? Envoy's questions, and the agent's orders.

The agent's (`<socket>.control`) answers `GET /readings`, `GET /process` with its
pid, and `PUT /contracts` with a list of ids.
"""

import asyncio
import os
import signal
from functools import partial
from pathlib import Path

import orjson

from headgate.node.local_http import (
    NO_CONTENT,
    NOT_FOUND,
    Connection,
    control_name,
    json_answer,
    listen,
)
from headgate.node.validator.desk import Desk


async def serve(socket: Path, contracts: Path) -> None:
    """Answer until SIGTERM or SIGINT. The first answer comes once all contracts are compiled."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    desk = Desk(contracts)
    await desk.keep_all()
    servers = (
        await listen(socket, partial(_answer_envoy, desk)),
        await listen(socket.with_name(control_name(socket.name)), _Agent(desk).answer),
    )
    await stop.wait()
    for server in servers:
        server.close()


def _answer_envoy(desk: Desk, asked: Connection) -> None:
    asked.write(desk.answer(asked.method, asked.target, asked.headers, asked.body()))


class _Agent:
    """Answers the agent's orders, one at a time."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._tasks: set[asyncio.Task[None]] = set()

    def answer(self, asked: Connection) -> None:
        """One order."""
        order = (asked.method, asked.target)
        if order == (b"GET", b"/readings"):
            asked.write(json_answer(self._desk.readings()))
        elif order == (b"GET", b"/process"):
            asked.write(json_answer(str(os.getpid()).encode()))
        elif order == (b"PUT", b"/contracts"):
            task = asyncio.get_running_loop().create_task(self._keep(asked, asked.body()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            asked.write(NOT_FOUND)

    async def _keep(self, asked: Connection, body: bytes) -> None:
        try:
            wanted = orjson.loads(body)
            await self._desk.keep(wanted["contracts"], types=wanted["problem_types"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            asked.write(json_answer(orjson.dumps(str(error)), "422 Unprocessable Content"))
        else:
            asked.write(NO_CONTENT)
