"""Whom does the filter refuse at sight? Addresses, credentials, applications, tokens, for a time.

A small open-addressing table. A block ends by its own time; the place of one that has ended is
used again. A place that changes hands carries a mark meanwhile, so that readers pass over it.
"""

import ipaddress
import struct

from headgate.core.problems import Problem, ProblemType
from headgate.gateway import table_layout as layout
from headgate.gateway.table_file import TableFile, fence
from headgate.model.access import BlockKind, BlockRow, RowState

_SECTION = layout.SECTIONS["block"]
_WORDS = _SECTION.record.size // 8
_FIRST = _SECTION.offset // 8
_TAG, _KEY, _EXPIRES, _PREFIX, _ROW = (
    _SECTION.record[name] // 8 for name in ("tag", "key", "expires_us", "prefix", "row")
)
_CHANGING = 1  # a tag that no block has
_MASK_64 = 0xFFFF_FFFF_FFFF_FFFF
_HALVES = struct.Struct("=QQ")
_BITS = {
    BlockKind.CREDENTIAL: layout.BLOCK_BIT_CREDENTIAL,
    BlockKind.APPLICATION: layout.BLOCK_BIT_APPLICATION,
    BlockKind.TOKEN: layout.BLOCK_BIT_TOKEN,
}


def block_hash(key: bytes, kind: int) -> int:
    """62 bits of the key and its kind; the filter computes the same."""
    mixed = 0
    for part in (*_HALVES.unpack(key), kind):
        mixed = ((mixed ^ part) * layout.MIX) & _MASK_64
    return (mixed ^ mixed >> 32) & ((1 << 62) - 1)


def block_key(block: BlockRow) -> tuple[bytes, int]:
    """The 16 bytes and the prefix length (or the number of the id's kind) of a block.

    Raises:
        ValueError: the subject is no address, network, id, or token's digest.
    """
    if block.kind is not BlockKind.ADDRESS:
        is_token = block.kind is BlockKind.TOKEN
        key = bytes.fromhex(block.subject) if is_token else block.subject.encode()
        if len(key) != 16:
            raise ValueError(f"{block.subject!r} does not stand for 16 bytes")
        return key, _BITS[block.kind]
    network = ipaddress.ip_network(block.subject, strict=False)
    packed = network.network_address.packed
    if network.version == 4:
        return b"\0" * 10 + b"\xff\xff" + packed, network.prefixlen + 96
    return packed, network.prefixlen


class BlockTable:
    """The blocks of a table, as its writer sees them."""

    def __init__(self, file: TableFile, now_us: int) -> None:
        self._file = file
        self._places: dict[int, int] = {}
        bits = [0, 0, 0, 0]
        words = file.words
        for place in range(layout.BLOCK_SLOTS):
            at = _FIRST + place * _WORDS
            if words[at + _TAG] > _CHANGING and words[at + _EXPIRES] > now_us:
                self._places[words[at + _ROW]] = place
                bits[words[at + _PREFIX] >> 6] |= 1 << (words[at + _PREFIX] & 63)
        for index, value in enumerate(bits):
            file.set_header("block_bits", value, index)

    def check(self, blocks: tuple[BlockRow, ...], now_us: int) -> None:
        """Whether there is room for all of them.

        Raises:
            Problem: too many blocks are in force.
            ValueError: a block names nothing that can be blocked.
        """
        new = 0
        for block in blocks:
            block_key(block)
            new += block.row not in self._places
        if len(self._places) + new <= layout.BLOCKS_MAX:
            return
        words = self._file.words
        self._places = {
            row: place
            for row, place in self._places.items()
            if words[_FIRST + place * _WORDS + _EXPIRES] > now_us
        }
        if len(self._places) + new > layout.BLOCKS_MAX:
            raise Problem(
                ProblemType.TOO_MANY,
                f"At most {layout.BLOCKS_MAX:,} blocks can be in force at one time.",
                "Remove blocks, or block a network instead of its addresses.",
            )

    def put(self, block: BlockRow, expires_us: int, now_us: int) -> None:
        """Set, move the end of, or lift a block."""
        words = self._file.words
        ends = expires_us if block.state is RowState.ACTIVE else 0
        known = self._places.get(block.row)
        if known is not None:
            words[_FIRST + known * _WORDS + _EXPIRES] = ends
            if not ends:
                del self._places[block.row]
            return
        if ends <= now_us:
            return
        key, prefix = block_key(block)
        tag = block_hash(key, prefix)
        place = tag & (layout.BLOCK_SLOTS - 1)
        while words[(at := _FIRST + place * _WORDS) + _TAG] and words[at + _EXPIRES] > now_us:
            place = (place + 1) & (layout.BLOCK_SLOTS - 1)
        if words[at + _TAG]:
            self._places.pop(words[at + _ROW], None)
            words[at + _TAG] = _CHANGING
            fence()
        self._file.bytes[(at + _KEY) * 8 : (at + _KEY) * 8 + 16] = key
        words[at + _EXPIRES] = ends
        words[at + _PREFIX] = prefix
        words[at + _ROW] = block.row
        index, bit = prefix >> 6, 1 << (prefix & 63)
        self._file.set_header("block_bits", self._file.header("block_bits", index) | bit, index)
        fence()
        words[at + _TAG] = tag | 1 << 63
        self._places[block.row] = place
