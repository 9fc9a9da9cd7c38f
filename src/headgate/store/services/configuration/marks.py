"""How is it written down which data of an API is sensitive? The list of a document is exact.

Grants are no configuration: they are given by people, for a time.
"""

from collections import defaultdict
from typing import Any

from headgate.store.services.actor import Actor
from headgate.store.services.catalog import apis
from headgate.store.services.consumers import sensitive, sensitive_marks
from headgate.store.services.values import invalid

Item = dict[str, Any]


def marks() -> dict[int, list[Item]]:
    """The marks of each API that has any, by the API's row."""
    found: defaultdict[int, list[Item]] = defaultdict(list)
    for row in sensitive_marks.live():
        found[row.api_id].append(
            {
                "operation": row.operation,
                "owner": row.owner,
                "why": row.why,
                "days_max": row.days_max,
            }
        )
    return {api: sorted(items, key=lambda item: item["operation"]) for api, items in found.items()}


def change(actor: Actor, api: str, wanted: list[Item]) -> None:
    """Make exactly these the marks of an API.

    Raises:
        Problem: NOT_FOUND: an operation; INVALID_INPUT.
    """
    by_operation = {item["operation"]: item for item in wanted}
    if len(by_operation) < len(wanted):
        raise invalid("Each operation is marked once.", "/sensitive")
    for row in sensitive_marks.live().filter(api=apis.find(api)):
        item = by_operation.pop(row.operation, None)
        if item is None:
            sensitive.unmark(actor, row.id)
        else:
            sensitive.update(
                actor, row.id, owner=item["owner"], why=item["why"], days_max=item["days_max"]
            )
    for item in by_operation.values():
        sensitive.mark(actor, api=api, **item)
