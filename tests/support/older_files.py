"""How does a test get files of records as an earlier release wrote them?"""

from pathlib import Path

import duckdb

from headgate.traffic.columns import ADDED
from headgate.traffic.io.parquet import WRITE_OPTIONS


def make_older(path: Path) -> None:
    """A file as the first release wrote it: without every column that was added since."""
    take_away(path, [name for name in columns(path) if name in ADDED])


def take_away(path: Path, gone: list[str]) -> None:
    """The same file without some columns."""
    assert gone
    older = path.with_suffix(".older")
    duckdb.execute(
        f"COPY (SELECT * EXCLUDE ({', '.join(gone)}) FROM '{path}') TO '{older}' {WRITE_OPTIONS}"
    )
    older.replace(path)


def columns(path: Path) -> dict[str, str]:
    """The columns of a file, with their types."""
    rows = duckdb.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
    return {row[0]: row[1] for row in rows}
