"""Which marks are in force, and which of them counts for an operation? Nothing is changed here."""

from collections.abc import Iterable
from urllib.parse import urlencode

from django.db.models import QuerySet

from headgate.model import sensitive as values
from headgate.store.models import API, Operation, SensitiveMark
from headgate.store.services.alerts import notices


def live() -> QuerySet[SensitiveMark]:
    """All marks that are in force."""
    rows = SensitiveMark.objects.filter(removed_at=None, api__removed_at=None)
    return rows.select_related("api")


def current() -> tuple[values.SensitiveMark, ...]:
    """All marks as gateways hold callers to them."""
    return tuple(_value(row) for row in live().order_by("pk"))


def of_operation(api: API, operation: str, method: str, path: str) -> SensitiveMark | None:
    """The mark that counts for an operation; None where its data is not sensitive."""
    rows = {row.pk: row for row in live().filter(api=api)}
    found = values.mark_of(map(_value, rows.values()), operation, method, path)
    return rows[found.row] if found else None


def at(api: API, operation: str = "") -> SensitiveMark | None:
    """The mark at exactly this place: an operation's id, or the whole API."""
    return live().filter(api=api, operation=operation).first()


def marked(api: API, operations: Iterable[tuple[str, str, str]]) -> frozenset[str]:
    """Which of the operations, given as id, method and path, give sensitive data."""
    marks = [_value(row) for row in live().filter(api=api)]
    if not marks:
        return frozenset()
    return frozenset(one[0] for one in operations if values.mark_of(marks, *one))


def of_name(api: API, operation: str) -> SensitiveMark | None:
    """The same by an operation's id in any version, or for the API where it is empty."""
    found = Operation.objects.filter(version__api=api, version__removed_at=None, removed_at=None)
    row = found.filter(id=operation).order_by("-version__is_default", "-version").first()
    if row is not None:
        return of_operation(api, row.id, row.method, row.path)
    rows = live().filter(api=api, operation__in={operation, ""})
    return rows.order_by("-operation").first()


def asked_at(row: SensitiveMark) -> str:
    """The portal's page on which access is asked for."""
    query = f"?{urlencode({'operation': row.operation})}" if row.operation else ""
    return f"/apis/{row.api.name}/access{query}"


def _value(row: SensitiveMark) -> values.SensitiveMark:
    return values.SensitiveMark(
        row.pk, row.api.name, row.operation, row.method, row.path, notices.address(asked_at(row))
    )
