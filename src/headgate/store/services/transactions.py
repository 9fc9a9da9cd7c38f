"""How do changes keep out of each other's way? One after another, on either database.

A service checks first and then writes: what it checked must still hold when it writes. On SQLite
an IMMEDIATE transaction is alone; on PostgreSQL a lock that ends with the transaction makes it
so. Reading waits for nobody, and neither do node reports nor the traffic store.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.utils import IntegrityError, OperationalError

from headgate.core.problems import DependencyError, Problem, ProblemType

CHANGES_LOCK = 0x48474348  # "HGCH": the number of the lock on PostgreSQL


@contextmanager
def change() -> Iterator[None]:
    """One transaction of a service, alone among its like; also a decorator: `@change()`.

    Raises:
        DependencyError: the database is busy for too long, full, or gone.
        Problem: CONFLICT: another process, of another version, made the same thing meanwhile.
    """
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHANGES_LOCK])
            yield
    except IntegrityError as error:
        raise Problem(
            ProblemType.CONFLICT,
            "The same was made or changed at this very moment.",
            "Read it again, then repeat your change if it is still needed.",
        ) from error
    except OperationalError as error:
        raise DependencyError(
            f"The database cannot store this: {str(error).strip()}.", is_retryable=True
        ) from error
