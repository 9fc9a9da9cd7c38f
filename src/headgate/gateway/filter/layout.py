"""How does the filter read the access table's layout? Written from `gateway/table_layout.py`.

`python -m headgate.gateway.filter.layout` writes `layout.zig`; a test holds the file to it. Its
digest goes into the library, so that a node can tell a stale one before Envoy loads it.
"""

import hashlib
import re

from headgate.gateway import table_layout
from headgate.gateway.filter import FOLDER
from headgate.gateway.table_layout import Record

PATH = FOLDER / "layout.zig"
MARK = "headgate access table layout "
"""What stands in the library before the version and digest of the layout it was built for."""

DIGEST_DIGITS = 16
_TYPES = {"s": "u8", "B": "u8", "I": "u32", "Q": "u64"}


def layout_zig() -> str:
    """The module in Zig, and what a library says that was built with it."""
    return f'{_declarations()}\npub const SIGNATURE = "{signature()}";\n'


def signature() -> str:
    """The layout's version and digest, as they stand in the library after `MARK`."""
    digest = hashlib.sha256(_declarations().encode()).hexdigest()[:DIGEST_DIGITS]
    return f"{table_layout.LAYOUT_VERSION}.{digest}"


def built_for(library: bytes) -> str:
    """The `signature` that a library was built with; empty when it does not say."""
    found = re.search(re.escape(MARK.encode()) + rb"(\d+\.[0-9a-f]{%d})" % DIGEST_DIGITS, library)
    return "" if found is None else found[1].decode()


def _declarations() -> str:
    """Constants, structures, and where each section stands."""
    lines = [
        "//! Where does each fact stand in the access table's file?",
        "//!",
        "//! Written by `python -m headgate.gateway.filter.layout` from `gateway/table_layout.py`,",
        "//! which says what each number means. Change it there.",
        "",
    ]
    magic = int.from_bytes(table_layout.MAGIC, "little")
    numbers = {"MAGIC": magic} | {
        name: value
        for name, value in vars(table_layout).items()
        if name.isupper() and isinstance(value, int)
    }
    lines += [f"pub const {name} = {value};" for name, value in numbers.items()]
    records = {record.name: record for record in (table_layout.SOURCE, table_layout.SETTINGS)}
    records |= {section.record.name: section.record for section in table_layout.SECTIONS.values()}
    lines += ["", *(_struct(record) for record in records.values() if record.fields)]
    lines += ["", "pub const Section = struct { Row: type, offset: usize, count: usize };"]
    lines += [
        f"pub const {name}: Section = .{{ .Row = {section.record.name}, "
        f".offset = {section.offset}, .count = {section.count} }};"
        for name, section in table_layout.SECTIONS.items()
    ]
    sizes = " and ".join(f"@sizeOf({r.name}) == {r.size}" for r in records.values() if r.fields)
    lines += ["", "comptime {", f"    if (!({sizes})) unreachable;", "}"]
    return "\n".join(lines) + "\n"


def _struct(record: Record) -> str:
    fields = ", ".join(f"{name}: {_type(kind)}" for name, kind in record.fields.items())
    return f"pub const {record.name} = extern struct {{ {fields} }};"


def _type(kind: str | tuple[str, int]) -> str:
    if isinstance(kind, tuple):
        return f"[{kind[1]}]{kind[0]}"
    found = re.fullmatch(r"(\d*)([sBIQ])", kind)
    if found is None:
        raise ValueError(f"{kind!r} is no format of this layout")
    return f"[{found[1]}]{_TYPES[found[2]]}" if found[1] else _TYPES[found[2]]


if __name__ == "__main__":
    PATH.write_text(layout_zig())
