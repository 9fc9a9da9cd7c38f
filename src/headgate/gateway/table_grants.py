"""Who may have what is sensitive, and until when? The grants in the access table.

The end stands in the row and the filter looks at its own clock: a grant ends on time while nobody
is there to take it away. Fails closed: without a row, or with one that is not read, nothing is
granted.
"""

from headgate.gateway import table_layout as layout
from headgate.gateway.table_file import TableFile, fence
from headgate.gateway.table_index import HashIndex, pair_hash
from headgate.model.access import GrantRow

_GRANT = layout.SECTIONS["grant"]


class GrantTable:
    """The grants of one access table. Not for use by several threads at once."""

    def __init__(self, file: TableFile) -> None:
        self._file = file
        self._index = HashIndex(file, "grant")

    def reserve(self, more: int) -> None:
        """Make room in the index for `more` grants.

        Raises:
            Problem: more than there can be.
            DependencyError: no space on the disk.
        """
        self._index.reserve(more)

    def put(self, row: GrantRow, state: int, expires_us: int) -> None:
        """Write or change a grant; its row must be reserved."""
        words = self._file.words
        words[_GRANT.at(row.row, "application") // 8] = row.mark << 32 | row.application
        words[_GRANT.at(row.row, "expires_us") // 8] = expires_us
        fence()
        words[_GRANT.at(row.row, "state") // 8] = state
        self._point_to(row)

    def _point_to(self, row: GrantRow) -> None:
        """Let the entry of the application and the mark name its newest grant."""
        fingerprint = pair_hash(row.application, row.mark)
        pair = row.mark << 32 | row.application
        for place, other in self._index.rows(fingerprint):
            if self._file.words[_GRANT.at(other, "application") // 8] == pair:
                if row.row > other:
                    self._index.point(place, fingerprint, row.row)
                return
        self._index.put(fingerprint, row.row)
