"""Where does each fact stand in the access table's file?

Native byte order: the file never leaves its machine. Structures are laid out as C does, sections
begin at whole pages. The filter's `layout.zig` is written from this description
(`python -m headgate.gateway.filter.layout`); a test holds it to that.
"""

import struct
from dataclasses import dataclass

LAYOUT_VERSION = 8
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
GRANTS_MAX = 1 << 20
BLOCK_SLOTS = 1 << 17
BLOCKS_MAX = BLOCK_SLOTS // 2  # unexpired blocks at one time
COUNTER_SLOTS = 1 << 18  # subjects that limits per application or address count at one time
REGION_MIN = 12  # an index region of 2^n entries begins at entry 2^n
REGION_MAX = 25
DIRTY_ROWS = 64  # rows that share one "changed" byte
PLAN_LIMITS = 8
SCOPED_LIMITS = 4  # per API and per operation
PRODUCTS_MAX = 16  # per API
SCOPE_SETS_MAX = 1 << 16  # different sets of scopes that credentials are restricted to
SCOPE_SET_BYTES_MAX = 512
SOURCES_MAX = 3  # key sources per API
SOURCE_NAME_BYTES_MAX = 34
GENERATION_BYTES_MAX = 64

ACTIVE = 1  # states of rows; 0 is a row that was never written
SUSPENDED = 2
REVOKED = 3
REMOVED = 4
SOURCE_HEADER = 1
SOURCE_BEARER = 2
SOURCE_QUERY = 3
BLOCK_BIT_CREDENTIAL = 129  # bits 0 to 128 are prefix lengths
BLOCK_BIT_APPLICATION = 130
BLOCK_BIT_TOKEN = 131
SHARE_NOTHING = 1  # a larger divisor: amount / divisor in a window that has no lease
MIX = 0x9E37_79B9_7F4A_7C15  # 2^64 by the golden ratio: spreads hashes of what is near


@dataclass(frozen=True, slots=True)
class Record:
    """The offsets of one structure's fields, and its size, in bytes.

    `fields` are all fields in their order, padding included, by their `struct` format; the format
    of a field that holds other records is their name and how many there are.
    """

    name: str
    size: int
    offsets: dict[str, int]
    fields: dict[str, str | tuple[str, int]]

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


def _record(name: str, **fields: "str | tuple[Record, int]") -> Record:
    offsets: dict[str, int] = {}
    formats = ""
    for field, kind in fields.items():
        item = kind if isinstance(kind, str) else f"{kind[0].size * kind[1]}s"
        formats += item
        # the size up to and with this field, less the field, is where it begins, padding included
        offsets[field] = struct.calcsize("@" + formats) - struct.calcsize("@" + item)
    known = {field: at for field, at in offsets.items() if not field.startswith("pad")}
    named = {
        field: kind if isinstance(kind, str) else (kind[0].name, kind[1])
        for field, kind in fields.items()
    }
    return Record(name, struct.calcsize("@" + formats), known, named)


HEADER = _record(
    "Header",
    magic="Q",
    state="Q",
    is_filled="Q",  # 1 once a complete set of rows has been applied
    credential_region="Q",
    subscription_region="Q",
    block_bits="4Q",  # 0-128: prefix lengths in use; from 129: kinds of ids
    hash_key="2Q",
    quota_divisor="Q",  # 0: a plan's quotas are this node's alone; otherwise see `SHARE_NOTHING`
    quota_since_s="Q",  # in windows that began earlier the divided part is nothing
    units_max="Q",  # the highest cost of an operation
    grant_region="Q",
    rate_nodes="Q",  # nodes that hold a shared rate together; 0 is 1
    clock_ns="Q",  # the latest time any worker saw, to some milliseconds
    clock_steps="Q",
    dropped="Q",
    damaged="Q",
    boot="Q",  # start of the newest Envoy that reads the table (`filter/concurrent.zig`)
    pad_filter="11Q",
    sequence="Q",
    credential_entries="Q",
    subscription_entries="Q",
    created_us="Q",
    grant_entries="Q",
    allocated="7Q",  # bytes of each row section that have disk space
    rows="7Q",  # one above the highest row of each row section
    generation=f"{GENERATION_BYTES_MAX}s",
    epoch="32s",
)
SOURCE = _record("Source", location="B", length="B", bytes=f"{SOURCE_NAME_BYTES_MAX}s")
SETTINGS = _record(
    "Settings",
    state="B",
    is_open="B",
    product_count="B",
    source_count="B",
    products=f"{PRODUCTS_MAX}I",
    sources=(SOURCE, SOURCES_MAX),
    pad="16s",
)
API = _record(  # a request reads two cache lines: this one's first and its settings' first
    "API",
    version="Q",  # copy `version & 1` is the valid one; 0: no such row
    limits=f"{SCOPED_LIMITS}Q",
    pad_limits="3Q",
    counters=f"{SCOPED_LIMITS}Q",
    pad_counters="4Q",
    copies=(SETTINGS, 2),
)
BYTE = Record("u8", 1, {}, {})
ENTRY = Record("u64", 8, {}, {})

_SECTIONS: tuple[tuple[str, Record, int], ...] = (
    ("header", HEADER, 1),
    ("application_dirty", BYTE, APPLICATIONS_MAX // DIRTY_ROWS),
    ("operation_dirty", BYTE, OPERATIONS_MAX // DIRTY_ROWS),
    ("subscription_dirty", BYTE, SUBSCRIPTIONS_MAX // DIRTY_ROWS),  # its lease runs low
    ("quota_dirty", BYTE, SUBSCRIPTIONS_MAX // DIRTY_ROWS),  # a quota was used, or refused
    (
        "block",
        _record("Block", tag="Q", key="16s", expires_us="Q", prefix="Q", row="Q"),
        BLOCK_SLOTS,
    ),
    ("counter", _record("Counter", key="Q", value="Q"), COUNTER_SLOTS),
    ("credential_index", ENTRY, 2 << REGION_MAX),
    ("subscription_index", ENTRY, 2 << REGION_MAX),
    (
        "plan",
        _record("Plan", id="16s", state="Q", limits=f"{PLAN_LIMITS}Q", pad="5Q"),
        PLANS_MAX,
    ),
    ("api", API, APIS_MAX),
    (
        "operation",
        _record(
            "Operation",
            api="Q",  # 0: no such row
            allowed="Q",
            rejected="Q",
            limits=f"{SCOPED_LIMITS}Q",
            cost="Q",  # what a call takes from rates and quotas
            counters=f"{SCOPED_LIMITS}Q",
            pad="4Q",
        ),
        OPERATIONS_MAX,
    ),
    (
        "application",
        _record(
            "Application",
            id="16s",
            organization="16s",
            state="Q",
            allowed="Q",
            rejected="Q",
            pad="Q",
        ),
        APPLICATIONS_MAX,
    ),
    (
        "subscription",
        _record(
            "Subscription",
            id="16s",
            application="I",
            product="I",
            plan_state="Q",  # the plan's row in the low half, the state in the high half
            expires_us="Q",
            counters=f"{PLAN_LIMITS}Q",
            # by slot: 128 and the low seven bits of the window in which its quota last refused
            refused=f"{PLAN_LIMITS}B",
            pad="2Q",
        ),
        SUBSCRIPTIONS_MAX,
    ),
    (
        "credential",
        _record(
            "Credential",
            sha256="32s",
            id="16s",
            application="I",
            scope_set="I",  # 0: not restricted
            state="Q",
            expires_us="Q",
            last_used_s="Q",
            uses="Q",
            pad="Q",
        ),
        CREDENTIALS_MAX,
    ),
    ("grant_index", ENTRY, 2 << REGION_MAX),
    (
        "grant",
        _record("Grant", application="I", mark="I", state="Q", expires_us="Q", pad="Q"),
        GRANTS_MAX,
    ),
    # One word per slot of the subscription in the same row: final 1, window code 3, window's
    # index 28, amount 32. It holds for that window alone.
    ("lease", _record("Lease", words=f"{PLAN_LIMITS}Q"), SUBSCRIPTIONS_MAX),
    # Words between spaces, written once and never changed. `published`: one more than their length.
    (
        "scope_set",
        _record("ScopeSet", published="Q", text=f"{SCOPE_SET_BYTES_MAX}s"),
        SCOPE_SETS_MAX,
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
INDEXES = ("credential", "subscription", "grant")
"""Sections with an index `…_index`, whose region stands in the header as `…_region`."""
ROW_SECTIONS = ("plan", "api", "operation", "application", "subscription", "credential", "grant")
"""Sections addressed by row, in the order of the header's `allocated` and `rows`."""
