"""To which scopes is a credential restricted? Sets that many credentials share, each once.

A credential's row names a set by its number; a set is never changed nor given up, so that no
reader sees half of one. There are few in practice: what applications may do, not who does it.
"""

from collections.abc import Sequence

import structlog

from headgate.gateway import table_layout as layout
from headgate.gateway.table_file import CHUNK_BYTES, TableFile, fence

_SET = layout.SECTIONS["scope_set"]
_NOT_RESTRICTED = 0
_NOTHING = 1  # the set of no scope, for what there is no room for: fails closed

_log = structlog.get_logger()


class ScopeSets:
    """The sets of one access table. Not for use by several threads at once."""

    def __init__(self, file: TableFile) -> None:
        self._file = file
        self._numbers: dict[str, int] = {}
        self._reserved = 0
        while (words := self._words(len(self._numbers) + 1)) is not None:
            self._numbers[words] = len(self._numbers) + 1

    def number_of(self, scopes: Sequence[str]) -> int:
        """The set's number, written when it is new; 0 for none. What does not fit grants nothing.

        Raises:
            DependencyError: the disk is full.
        """
        if not scopes:
            return _NOT_RESTRICTED
        if not self._numbers:
            self._add("")
        words = " ".join(scopes)
        found = self._numbers.get(words)
        if found is not None:
            return found
        is_full = len(self._numbers) + 1 >= _SET.count
        if is_full or len(words.encode()) > layout.SCOPE_SET_BYTES_MAX:
            _log.error("a set of scopes has no room in the access table and grants nothing")
            return _NOTHING
        return self._add(words)

    def _add(self, words: str) -> int:
        number, encoded = len(self._numbers) + 1, words.encode()
        self._reserve((number + 1) * _SET.record.size)
        at = _SET.at(number, "text")
        self._file.bytes[at : at + len(encoded)] = encoded
        fence()
        self._file.words[_SET.at(number, "published") // 8] = len(encoded) + 1
        self._numbers[words] = number
        return number

    def _words(self, number: int) -> str | None:
        if number >= _SET.count:
            return None
        length = self._file.words[_SET.at(number, "published") // 8]
        if length == 0:
            return None
        at = _SET.at(number, "text")
        return bytes(self._file.bytes[at : at + length - 1]).decode("ascii", "replace")

    def _reserve(self, size: int) -> None:
        wanted = min(-(-size // CHUNK_BYTES) * CHUNK_BYTES, _SET.size)
        if wanted > self._reserved:
            self._file.reserve(_SET.offset, wanted)
            self._reserved = wanted
