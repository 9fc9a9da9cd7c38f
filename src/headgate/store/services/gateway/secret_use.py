"""Which secrets does a snapshot name, are they there, and do their values fit?"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from headgate.core.phrases import phrase
from headgate.core.problems import Detail
from headgate.gateway.compile import check
from headgate.gateway.secrets import Reference, fill, reference_mistakes, references
from headgate.model.snapshot import Snapshot
from headgate.store.models import StoredSecret
from headgate.store.services.gateway.secret_values import opened


@dataclass(frozen=True, slots=True)
class SecretUse:
    """The places of a snapshot that name secrets, the version of each, and what is wrong."""

    named: list[Reference]
    versions: dict[str, int]
    mistakes: list[Detail]


def of(snapshot: Snapshot) -> SecretUse:
    """What a snapshot names; a name under which nothing is stored is a mistake."""
    named = references(snapshot)
    names = {one.name for one in named}
    live = StoredSecret.objects.filter(removed_at=None) if names else StoredSecret.objects.none()
    versions = {n: v for n, v in live.values_list("name", "version") if n in names}
    return SecretUse(named, versions, reference_mistakes(named, versions))


def unfit_values(snapshot: Snapshot, use: SecretUse) -> list[Detail]:
    """Places that do not take the value of their secret; what the value is, is not said.

    Raises:
        DependencyError: a secret was stored under another `secret.key`.
    """
    if not use.named:
        return []
    wrong = check(fill(replace(snapshot, secrets=values(use.versions))))
    return [
        Detail(
            phrase(
                "{owner}: the value of the secret '{name}' does not fit here",
                owner=at.owner,
                name=at.name,
            ),
            at.pointer,
        )
        for one in wrong
        for at in use.named
        if at.pointer.startswith(one.pointer)
    ] or [Detail("the value of a secret does not fit here", one.pointer) for one in wrong]


def values(names: Iterable[str]) -> dict[str, str]:
    """The values of those named secrets that there are, for a node.

    Raises:
        DependencyError: as `unfit_values`.
    """
    wanted = list(names)
    if not wanted:
        return {}
    found = StoredSecret.objects.filter(name__in=wanted, removed_at=None)
    return {secret.name: opened(secret) for secret in found}
