"""What was worked out a moment ago? Kept for a while, so that it is not worked out for each reader.

The clock is the caller's. Two who ask at once for what is not kept may both work it out.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """Values by key, each for `length`.

    Of more than `keys_max` the one that was asked for longest ago goes.
    """

    def __init__(self, length: timedelta, *, keys_max: int) -> None:
        self._length = length
        self._keys_max = keys_max
        self._found: OrderedDict[K, tuple[datetime, V]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: K, now: datetime, make: Callable[[], V]) -> V:
        """The value, by `make` where none is kept that is young enough."""
        with self._lock:
            made_at, value = self._found.get(key, (None, None))
            if made_at is not None and timedelta(0) <= now - made_at < self._length:
                self._found.move_to_end(key)
                return value  # type: ignore[return-value]  # it was kept with its instant
        made = make()
        with self._lock:
            self._found[key] = (now, made)
            self._found.move_to_end(key)
            while len(self._found) > self._keys_max:
                self._found.popitem(last=False)
        return made
