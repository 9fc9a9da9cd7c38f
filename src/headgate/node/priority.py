"""Who waits on a node when the processor is short? What builds a revision, not what serves calls.

Envoy's workers and the validators keep the usual priority. The agent's work in threads, which
translates and writes, and Envoy's main thread, which builds the routes of each revision, come
after them, so that publishing is felt less in the calls' latency. With time to spare nothing
changes. The control plane is no part of it: its pages have their own users.
"""

import os
import threading
from contextlib import suppress

BEHIND_CALLS = 5
"""A nice value: a third of the weight of a thread at 0, so nothing starves. Source: sched(7)."""


def thread_behind_calls() -> None:
    """For the calling thread alone; processes that other threads start are not touched."""
    _step_back(threading.get_native_id())


def main_thread_behind_calls(pid: int) -> None:
    """For the first thread of another process of ours and threads that it starts from now on."""
    _step_back(pid)


def _step_back(thread: int) -> None:
    """Linux takes a thread's id for a process's. Source: setpriority(2), "C library/kernel
    differences"."""
    with suppress(OSError):  # it ended meanwhile, or a sandbox forbids it: only priority is lost
        nice = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, max(nice, BEHIND_CALLS))
