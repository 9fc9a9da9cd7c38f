"""How do a batch's counts get into the totals? By addition, in the batch's own transaction.

Written as SQL rather than through the ORM: a batch changes thousands of rows. SQLite and
PostgreSQL take the same statement.
"""

from collections.abc import Mapping

from django.db import connection

from headgate.store.models import TrafficTotal
from headgate.traffic.sums import TotalKey


def add(node: str, totals: Mapping[TotalKey, int]) -> None:
    """Add a batch's counts to what is stored."""
    quote = connection.ops.quote_name
    table = quote(TrafficTotal._meta.db_table)  # noqa: SLF001  # Django's public name for it
    keys = [quote(name) for name in ("node", *TotalKey._fields)]
    places = ", ".join(["%s"] * (len(keys) + 1))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({', '.join(keys)}, records) VALUES ({places})"  # noqa: S608  # names of our own
            f" ON CONFLICT ({', '.join(keys)})"
            f" DO UPDATE SET records = {table}.records + excluded.records",
            [(node, *key, number) for key, number in totals.items()],
        )
