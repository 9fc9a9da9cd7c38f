"""Which answers are still known? A bounded memory; what was not used for longest goes first."""

from collections import OrderedDict


class Remembered:
    """Answers by digest, at most `entries_max`. Times in seconds of one steady clock."""

    def __init__(self, entries_max: int) -> None:
        self._entries_max = entries_max
        self._entries: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        self.forgotten = 0

    def get(self, digest: bytes, now: float) -> bytes | None:
        """The answer, if it still holds."""
        found = self._entries.get(digest)
        if found is None:
            return None
        until, answer = found
        if until <= now:
            del self._entries[digest]
            return None
        self._entries.move_to_end(digest)
        return answer

    def put(self, digest: bytes, answer: bytes, *, until: float) -> None:
        """Know an answer for some time."""
        self._entries[digest] = (until, answer)
        self._entries.move_to_end(digest)
        while len(self._entries) > self._entries_max:
            self._entries.popitem(last=False)
            self.forgotten += 1

    def __len__(self) -> int:
        return len(self._entries)
