"""Callers that never rest: threads with a kept connection each, counting what they got."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2


class Load:
    """Calls `url` until it is stopped; `statuses` counts answers.

    `failures` has a line for each call without one: after how many seconds of the load, and why.
    """

    def __init__(self, url: str, threads: int) -> None:
        self._url = url
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self.statuses: Counter[int] = Counter()
        self.failures: list[str] = []
        self._begun = time.monotonic()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._is_over.is_set():
            with httpx2.Client(timeout=60) as client:
                self._call_until_it_fails(client)
            self._is_over.wait(0.02)

    def _call_until_it_fails(self, client: httpx2.Client) -> None:
        try:
            while not self._is_over.is_set():
                status = client.get(self._url).status_code
                with self._lock:
                    self.statuses[status] += 1
        except httpx2.HTTPError as error:
            with self._lock:
                self.failures.append(f"{time.monotonic() - self._begun:.3f}: {error!r}")


@contextmanager
def load(url: str, *, threads: int = 3) -> Iterator[Load]:
    """Call `url` from so many threads while the block runs."""
    made = Load(url, threads)
    made.start()
    try:
        yield made
    finally:
        made.stop()
