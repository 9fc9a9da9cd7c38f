"""What did the callers see? A bounded load whose every request can be told from the others."""

import http.client
import threading
import time
from dataclasses import dataclass, field

TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Answered:
    """One whole answer: the path that was called, its status, and when it ended (monotonic)."""

    path: str
    status: int
    ended: float


@dataclass
class Load:
    """`threads` callers, each with one connection, each `per_second` requests a second.

    A connection that breaks is opened anew; its request is counted as broken, never repeated.
    """

    port: int
    prefix: str
    key: str
    threads: int = 4
    per_second: float = 30.0
    answered: list[Answered] = field(default_factory=list)
    broken: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _running: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Begin calling."""
        for number in range(self.threads):
            thread = threading.Thread(target=self._call, args=(number,), daemon=True)
            thread.start()
            self._running.append(thread)

    def stop(self) -> None:
        """End calling; every request under way has ended when this returns."""
        self._stop.set()
        for thread in self._running:
            thread.join()

    def _call(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        count = 0
        while not self._stop.wait(1 / self.per_second):
            count += 1
            path = f"{self.prefix}/t{number}n{count}"
            try:
                connection.request("GET", path, headers={"x-api-key": self.key})
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                with self._lock:
                    self.broken += 1
                continue
            with self._lock:
                self.answered.append(Answered(path, response.status, time.monotonic()))
        connection.close()
