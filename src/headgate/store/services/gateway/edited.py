"""How would a gateway serve an API as it is edited, whatever is live?"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models import Q

from headgate.model.snapshot import PolicyUse, SnapshotAPI
from headgate.store.models import APIVersion, Operation, PolicyAttachment
from headgate.store.services.catalog import states
from headgate.store.services.gateway import contracts


def uses(rows: Iterable[PolicyAttachment]) -> tuple[PolicyUse, ...]:
    """Attached policies as values, in their order."""
    return tuple(PolicyUse(row.kind, row.settings) for row in rows)


def compile_api(version: APIVersion) -> SnapshotAPI:
    """An API version as a gateway serves it, from what is in the store now."""
    (found,) = compile_apis([version])
    return found


def compile_apis(versions: Sequence[APIVersion]) -> list[SnapshotAPI]:
    """The same of several, in their order."""
    operations: dict[int, list[Operation]] = defaultdict(list)
    rows = Operation.objects.filter(version__in=versions, removed_at=None)
    for row in rows.order_by("path", "method", "pk"):
        operations[row.version_id].append(row)
    attached: dict[tuple[int | None, int | None], list[PolicyAttachment]] = defaultdict(list)
    for use in PolicyAttachment.objects.filter(
        Q(version__in=versions) | Q(operation__version__in=versions)
    ):
        attached[use.version_id, use.operation_id].append(use)
    return [
        contracts.with_contract(
            SnapshotAPI(
                row=version.pk,
                name=version.api.name,
                version=version.name,
                base_path=version.base_path,
                upstream=version.upstream,
                operations=tuple(
                    row.compiled(uses(attached.get((None, row.pk), ())))
                    for row in operations[version.pk]
                ),
                key_sources=version.key_sources,
                policies=uses(attached.get((version.pk, None), ())),
                is_default=version.is_default,
                notice=states.notice(version),
                version_by=version.api.version_by if version.is_default else "",
            ),
            version,
        )
        for version in versions
    ]
