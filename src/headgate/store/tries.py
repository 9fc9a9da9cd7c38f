"""Where are the tries of people counted? In the database: for all processes, and over restarts.

`Tries` is a backend of Django's cache, because allauth keeps its limits in one; `SharedLimit` is
for pages of ours. Both fail closed: without the database nothing is tried. Values are JSON, names
are digests. At most `TRIES_MAX` are kept: in a flood of addresses the tries that end soonest are
forgotten first (fails open for them; logged by the job that forgets).
"""

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import transaction
from django.db.utils import IntegrityError

from headgate.core import pace
from headgate.core.clock import SystemClock
from headgate.store.models import Try

TRIES_MAX = 100_000
FORGOTTEN_AT_ONCE = 1000
LOOKED_EACH = 1000  # new rows of one process; the job looks as well
_made = itertools.count(1)


class Tries(BaseCache):
    """The cache of limits; not one to speed anything up."""

    def __init__(self, _location: str, parameters: Mapping[str, Any]) -> None:
        super().__init__(dict(parameters))
        self._clock = SystemClock()

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        found = Try.objects.filter(name=self._name(key, version)).first()
        return default if found is None or found.ends_at <= self._clock.now() else found.value

    def set(
        self,
        key: str,
        value: Any,
        timeout: Any = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        Try.objects.update_or_create(
            name=self._name(key, version),
            defaults={"value": value, "ends_at": self._end(timeout)},
        )
        _look_after(self._clock.now())

    def add(
        self,
        key: str,
        value: Any,
        timeout: Any = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        """True for exactly one of all who ask at this moment, in whichever process."""
        name, now = self._name(key, version), self._clock.now()
        try:
            with transaction.atomic():
                Try.objects.filter(name=name, ends_at__lte=now).delete()
                Try.objects.create(name=name, value=value, ends_at=self._end(timeout))
        except IntegrityError:
            return False
        _look_after(self._clock.now())
        return True

    def delete(self, key: str, version: int | None = None) -> bool:
        return bool(Try.objects.filter(name=self._name(key, version)).delete()[0])

    def clear(self) -> None:
        Try.objects.all().delete()

    def _name(self, key: str, version: int | None) -> str:
        return _digest(self.make_key(key, version))

    def _end(self, timeout: Any) -> datetime:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return self._clock.now() + timedelta(seconds=seconds or 0)


@dataclass(frozen=True, slots=True)
class SharedLimit:
    """At most `per_minute` tries of a subject at once, and that many a minute on average.

    `name` tells the limit from others.
    """

    name: str
    per_minute: int

    def take(self, subject: str, now: datetime) -> bool:
        """Count one try; False when there is none left."""
        at, name = now.timestamp(), _digest(f"{self.name}:{subject}")
        with transaction.atomic():
            rows = Try.objects.select_for_update()
            row, is_new = rows.get_or_create(name=name, defaults={"value": 0.0, "ends_at": now})
            if pace.wait_seconds(row.value, at, self.per_minute) > 0:
                return False
            row.value = pace.after_try(row.value, at, self.per_minute)
            row.ends_at = datetime.fromtimestamp(row.value, UTC)
            row.save(update_fields=["value", "ends_at"])
        if is_new:
            _look_after(now)
        return True


def forget(now: datetime) -> int:
    """Forget tries that have ended, and those beyond `TRIES_MAX`; how many, of what is left to
    forget at most `FORGOTTEN_AT_ONCE`."""
    over = list(
        Try.objects.filter(ends_at__lte=now).values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE]
    )
    beyond = Try.objects.count() - len(over) - TRIES_MAX
    if beyond > 0:
        soonest = Try.objects.filter(ends_at__gt=now).order_by("ends_at")
        over += soonest.values_list("pk", flat=True)[: min(beyond, FORGOTTEN_AT_ONCE)]
    return Try.objects.filter(pk__in=over).delete()[0]


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _look_after(now: datetime) -> None:
    if next(_made) % LOOKED_EACH == 0:
        forget(now)
