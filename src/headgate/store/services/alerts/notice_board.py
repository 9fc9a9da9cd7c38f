"""What does an organization have to do, and by when? What ends that its own applications use.

Versions and operations are those that they have called in the last 30 days, as the records say, so
nobody is told of what they do not call. Keys are those that end within 30 days, or have just ended.
Where teams limit a member, only what belongs to applications in reach is told.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from headgate.catalog.lifecycle import CALLERS_DAYS
from headgate.core.kept import Kept
from headgate.model.access import CredentialKind
from headgate.model.lifecycle import Lifecycle
from headgate.store.models import APIVersion, Credential, Operation
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.catalog import catalogue, states
from headgate.store.services.consumers import reach
from headgate.store.services.traffic import reading
from headgate.store.services.traffic.names import names, organization_id
from headgate.traffic import queries
from headgate.traffic.io.parquet import at_us
from headgate.traffic.queries import RequestFilter

VERSIONS_MAX = 500  # that are ending: the ones whose end comes first
OPERATIONS_MAX = 2_000
KEYS_MAX = 200
KEYS_BEFORE = timedelta(days=30)
KEYS_AFTER = timedelta(days=7)
KEPT = timedelta(minutes=5)
KINDS = (CredentialKind.KEY, CredentialKind.BASIC, CredentialKind.OAUTH_CLIENT)


@dataclass(frozen=True, slots=True)
class Use:
    """How one application of the organization has called what ends."""

    application: str
    calls: int
    last_call_at: datetime


@dataclass(frozen=True, slots=True)
class Ending:
    """A version that ends or has ended, or one of its operations, and who uses it."""

    version: APIVersion
    operation: Operation | None
    sunset_at: datetime | None
    successor: APIVersion | None
    uses: tuple[Use, ...]

    @property
    def is_retired(self) -> bool:
        """Whether it is refused already."""
        return self.version.lifecycle == Lifecycle.RETIRED


@dataclass(frozen=True, slots=True)
class _Call:
    application: str
    api: str
    version: str
    operation: str
    calls: int
    last_call_at: datetime


_calls: Kept[tuple[str, str, tuple[str, ...]], tuple[_Call, ...]] = Kept(KEPT, keys_max=512)


def endings(actor: Actor) -> list[Ending]:
    """What ends that the organization's applications call, the first to end first.

    Raises:
        Problem: FORBIDDEN without the scope `traffic`.
        DependencyError: the records cannot be read.
    """
    actor.require(Scope.TRAFFIC)
    versions, operations = _versions(), _operations()
    apis = sorted({one.api.name for one in versions} | {o.version.api.name for o in operations})
    if not apis or actor.organization is None:
        return []
    owner = organization_id(actor, actor.organization)
    key = str(settings.HEADGATE_DATA), owner, tuple(apis)
    calls = _calls.get(key, actor.at, lambda: _called(owner, apis, actor.at))
    within = reach.applications_of(actor)
    if within is not None:
        calls = tuple(call for call in calls if call.application in within)
    known = names(call.application for call in calls)
    found = [_ending(one, None, calls, known) for one in versions]
    found += [_ending(one.version, one, calls, known) for one in operations]
    return sorted(
        (one for one in found if one.uses),
        key=lambda one: (not one.is_retired, one.sunset_at is None, one.sunset_at or actor.at),
    )


def keys(actor: Actor) -> list[Credential]:
    """Keys and clients of the organization that end soon or have just ended, the first first."""
    actor.require(Scope.READ)
    rows = reach.within(
        actor, Credential.objects.filter(application__removed_at=None), "application"
    )
    rows = rows.filter(
        kind__in=KINDS,
        revoked_at=None,
        replaced_by=None,
        expires_at__gt=actor.at - KEYS_AFTER,
        expires_at__lte=actor.at + KEYS_BEFORE,
    )
    rows = rows.select_related("application__organization")
    return list(rows.order_by("expires_at", "pk")[:KEYS_MAX])


def _versions() -> list[APIVersion]:
    rows = APIVersion.objects.filter(
        lifecycle__in=(Lifecycle.DEPRECATED, Lifecycle.RETIRED), removed_at=None
    )
    return list(rows.select_related("api").order_by("sunset_at", "pk")[:VERSIONS_MAX])


def _operations() -> list[Operation]:
    """Deprecated operations of versions that go on."""
    rows = Operation.objects.filter(
        ~Q(version__lifecycle=Lifecycle.DEPRECATED),
        version__in=catalogue.published(),
        is_deprecated=True,
        deprecated_at__isnull=False,
        removed_at=None,
    )
    rows = rows.select_related("version__api").order_by("sunset_at", "pk")
    return list(rows[:OPERATIONS_MAX])


def _called(owner: str, apis: Sequence[str], now: datetime) -> tuple[_Call, ...]:
    filters = RequestFilter(since=now - timedelta(days=CALLERS_DAYS), organization=owner)
    condition, values = queries.where(filters)
    place = reading.reader()
    rows = reading.with_files(
        lambda: reading.listed(place, filters),
        lambda files: reading.run(
            place,
            queries.own_calls_sql(f"{condition} AND {queries.AMONG_APIS}"),
            files,
            [*values, list(apis)],
        ),
    )
    return tuple(
        _Call(app, api, ver, operation, calls, at_us(last))
        for app, api, ver, operation, calls, last in rows
    )


def _ending(
    version: APIVersion,
    operation: Operation | None,
    calls: Sequence[_Call],
    known: Mapping[str, str],
) -> Ending:
    sums: dict[str, list[_Call]] = defaultdict(list)
    for call in calls:
        is_meant = operation is None or call.operation == operation.id
        if (call.api, call.version) == (version.api.name, version.name) and is_meant:
            sums[call.application].append(call)
    uses = [
        Use(
            known.get(application, application),
            sum(call.calls for call in some),
            max(call.last_call_at for call in some),
        )
        for application, some in sums.items()
        if application
    ]
    return Ending(
        version,
        operation,
        version.sunset_at if operation is None else operation.sunset_at,
        states.successor_of(version) if operation is None else None,
        tuple(sorted(uses, key=lambda use: -use.calls)),
    )
