"""Which columns have the stored files, and what stands for one that an older file lacks?

Files are never rewritten for a new release, so files of several schemas lie beside each other for
as long as they are kept. Every reader therefore names all columns with their types: DuckDB finds
them in each file by name, and takes the neutral value where a file was written before there was
such a column. A merge writes what it has read, so merged files have the present schema.

A new column goes into `ADDED` with its neutral value, once files without it are out in the world.
One that was there from the start has none: what lacks it is no file of ours.
"""

from collections.abc import Mapping
from dataclasses import fields

from headgate.traffic.record import COLUMN_SQL
from headgate.traffic.summaries import NAMES
from headgate.traffic.sums import Measures

_TYPES = {
    "started_at": "TIMESTAMP",
    "status": "USMALLINT",
    "duration_us": "BIGINT",
    "upstream_us": "BIGINT",
    "request_bytes": "BIGINT",
    "response_bytes": "BIGINT",
    "attempts": "USMALLINT",
    "synthetic": "BOOLEAN",
    "batch": "BIGINT",
    "family": "UTINYINT",
    "bucket": "USMALLINT",
}

RECORD_TYPES: Mapping[str, str] = {
    name: _TYPES.get(name, "VARCHAR")
    for name in (*COLUMN_SQL, "node", "gateway", "batch", "filter_verdict")
}
"""Columns of a file of records, and their types."""
SUMMARY_TYPES: Mapping[str, str] = {
    **{name: _TYPES.get(name, "VARCHAR") for name in ("family", *NAMES)},
    **{item.name: _TYPES.get(item.name, "BIGINT") for item in fields(Measures)},
}
"""Columns of a summary, and their types."""

ADDED: Mapping[str, str] = {
    "filter_verdict": "",
    "observed": "",
    "limits": "",
    "would_refuse": "0",
}
"""Columns that an older file may lack, and what stands for them: nothing was known, or counted."""


_SCHEMA = "MAP(VARCHAR, STRUCT(name VARCHAR, type VARCHAR, default_value VARCHAR))"


def _read(types: Mapping[str, str], files: str, more: str = "") -> str:
    """Written as a text that is cast: as a literal it takes DuckDB thrice as long to bind."""
    columns = ", ".join(
        f'{name}={{"name": {name}, "type": {kind}, "default_value": {_neutral(name)}}}'
        for name, kind in types.items()
    )
    return f"read_parquet({files}, schema = '{{{columns}}}'::{_SCHEMA}{more})"


def _neutral(name: str) -> str:
    return f'"{ADDED[name]}"' if name in ADDED else "NULL"


def records_in(files: str) -> str:
    """The records of files; `files` is a string or parameter of SQL."""
    return _read(RECORD_TYPES, files)


RECORD_FILES = records_in("?")
"""The records of the list of files that is the next parameter, as a table of SQL."""
SUMMARY_FILES = _read(SUMMARY_TYPES, "?", ", filename = true")
"""The same for summaries, each row with the name of its file."""
