"""What of DuckDB is used here? Loaded with the first question, a third of a second's work.

Neither the start of a process nor one that never asks pays for it: `duck.Error` in an `except`
is looked up only when something was raised.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import (
        ConversionException,
        DuckDBPyConnection,
        Error,
        InvalidInputException,
        IOException,
        connect,
    )

    __all__ = [
        "ConversionException",
        "DuckDBPyConnection",
        "Error",
        "IOException",
        "InvalidInputException",
        "connect",
    ]
else:

    def __getattr__(name: str) -> Any:
        import duckdb

        return getattr(duckdb, name)
