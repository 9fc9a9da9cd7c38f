"""Where does each fact stand in the access table's file? The same bytes as `filter/table.zig`.

Native byte order: the file never leaves its machine. Structures are laid out as C does, sections
begin at whole pages. A test compares this description with the one the filter prints.
"""

import struct
from dataclasses import dataclass

LAYOUT_VERSION = 1
MAGIC = f"HGTBL{LAYOUT_VERSION:03d}".encode()
FAMILY = MAGIC[:5]  # a file that begins so is an access table of some layout
STATE_READY = 1
STATE_RETIRED = 2
PAGE_BYTES = 4096

APPLICATIONS_MAX = 1 << 22  # every …_MAX is one above the highest row number
OPERATIONS_MAX = 1 << 20
PLANS_MAX = 1 << 16
APIS_MAX = 1 << 16
SUBSCRIPTIONS_MAX = 1 << 24
CREDENTIALS_MAX = 1 << 24
BLOCK_SLOTS = 1 << 17
BLOCKS_MAX = BLOCK_SLOTS // 2  # unexpired blocks at one time
COUNTER_SLOTS = 1 << 18  # subjects that limits per application or address count at one time
REGION_MIN = 12  # an index region of 2^n entries begins at entry 2^n
REGION_MAX = 25
DIRTY_ROWS = 64  # rows that share one "changed" byte
PRODUCTS_MAX = 16  # per API
SOURCES_MAX = 3  # key sources per API
SOURCE_NAME_BYTES_MAX = 34
GENERATION_BYTES_MAX = 64

BLOCK_BIT_CREDENTIAL = 129  # bits 0 to 128 are prefix lengths
BLOCK_BIT_APPLICATION = 130
BLOCK_BIT_TOKEN = 131


@dataclass(frozen=True, slots=True)
class Record:
    """The offsets of one structure's fields, and its size, in bytes."""

    size: int
    offsets: dict[str, int]

    def __getitem__(self, field: str) -> int:
        return self.offsets[field]


@dataclass(frozen=True, slots=True)
class Section:
    """A run of `count` records of the file."""

    offset: int
    record: Record
    count: int

    @property
    def size(self) -> int:
        """Bytes of the whole section, without the padding to the next page."""
        return self.record.size * self.count

    def at(self, row: int, field: str) -> int:
        """Offset in the file of one field of one record."""
        return self.offset + row * self.record.size + self.record.offsets[field]


def _record(**fields: str) -> Record:
    offsets: dict[str, int] = {}
    formats = ""
    for name, item in fields.items():
        formats += item
        # the size up to and with this field, less the field, is where it begins, padding included
        offsets[name] = struct.calcsize("@" + formats) - struct.calcsize("@" + item)
    known = {name: at for name, at in offsets.items() if not name.startswith("pad")}
    return Record(struct.calcsize("@" + formats), known)


HEADER = _record(
    magic="8s",
    state="Q",
    is_filled="Q",
    credential_region="Q",
    subscription_region="Q",
    block_bits="4Q",
    hash_key="2Q",
    pad_writer="5Q",
    clock_ns="Q",
    clock_steps="Q",
    dropped="Q",
    damaged="Q",
    pad_filter="12Q",
    sequence="Q",
    credential_entries="Q",
    subscription_entries="Q",
    created_us="Q",
    allocated="6Q",
    rows="6Q",
    generation="64s",
    epoch="32s",
)
SETTINGS = _record(
    state="I",
    is_open="I",
    product_count="I",
    source_count="I",
    products="16I",
    sources="108s",
    pad="I",
)
_API = _record(version="Q", limits="4Q", counters="4Q", pad="7Q", copies=f"{2 * SETTINGS.size}s")
API = Record(
    _API.size,
    _API.offsets | {f"copies.{name}": at for name, at in SETTINGS.offsets.items()},
)
BYTE = Record(1, {})
ENTRY = Record(8, {})

_SECTIONS: tuple[tuple[str, Record, int], ...] = (
    ("header", HEADER, 1),
    ("application_dirty", BYTE, APPLICATIONS_MAX // DIRTY_ROWS),
    ("operation_dirty", BYTE, OPERATIONS_MAX // DIRTY_ROWS),
    ("block", _record(tag="Q", key="16s", expires_us="Q", prefix="Q", row="Q"), BLOCK_SLOTS),
    ("counter", _record(key="Q", value="Q"), COUNTER_SLOTS),
    ("credential_index", ENTRY, 2 << REGION_MAX),
    ("subscription_index", ENTRY, 2 << REGION_MAX),
    ("plan", _record(id="16s", state="Q", limits="8Q", pad="5Q"), PLANS_MAX),
    ("api", API, APIS_MAX),
    (
        "operation",
        _record(api="Q", allowed="Q", rejected="Q", limits="4Q", counters="4Q", pad="5Q"),
        OPERATIONS_MAX,
    ),
    (
        "application",
        _record(id="16s", organization="16s", state="Q", allowed="Q", rejected="Q", pad="Q"),
        APPLICATIONS_MAX,
    ),
    (
        "subscription",
        _record(
            id="16s",
            application="I",
            product="I",
            plan_state="Q",
            expires_us="Q",
            counters="8Q",
            pad="3Q",
        ),
        SUBSCRIPTIONS_MAX,
    ),
    (
        "credential",
        _record(
            sha256="32s",
            id="16s",
            application="I",
            pad_body="I",
            state="Q",
            expires_us="Q",
            last_used_s="Q",
            uses="Q",
            pad="Q",
        ),
        CREDENTIALS_MAX,
    ),
)


def _place() -> tuple[dict[str, Section], int]:
    sections: dict[str, Section] = {}
    at = 0
    for name, record, count in _SECTIONS:
        sections[name] = Section(at, record, count)
        at = -(-(at + record.size * count) // PAGE_BYTES) * PAGE_BYTES
    return sections, at


SECTIONS, FILE_BYTES = _place()
ROW_SECTIONS = ("plan", "api", "operation", "application", "subscription", "credential")
"""Sections addressed by row, in the order of the header's `allocated` and `rows`."""


def description() -> dict[str, object]:
    """The layout in the form in which the filter prints its own."""
    found: dict[str, object] = {"file_bytes": FILE_BYTES}
    for name, section in SECTIONS.items():
        found[name] = {
            "offset": section.offset,
            "size": section.record.size,
            "count": section.count,
        } | section.record.offsets
    return found
