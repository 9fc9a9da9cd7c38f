"""Who may do a piece of background work now? One holder at a time, proved at each commit."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from headgate.core.problems import DependencyError
from headgate.store.models import Lease


class LeaseLostError(DependencyError):
    """Somebody else took the work over: drop what is not committed and take the lease anew."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the lease '{name}' was taken over by another process", is_retryable=True)


@dataclass(frozen=True, slots=True)
class Held:
    """A lease that was taken. `token` is the fence, `progress` the last committed number."""

    name: str
    holder: str
    token: int
    length: timedelta
    expires_at: datetime
    progress: int


def take(name: str, *, holder: str, now: datetime, length: timedelta) -> Held | None:
    """The lease under a new token, or None while somebody else holds it.

    A lease that would run for more than twice its length was written before the clock stepped
    back: it counts as expired, else the work would stand still until the old time returns.
    """
    expires_at = now + length
    seen = Lease.objects.filter(name=name).first()
    if seen is None:
        seen, _ = Lease.objects.get_or_create(
            name=name, defaults={"holder": "", "token": 0, "expires_at": now}
        )
    is_held = now < seen.expires_at < now + 2 * length
    if is_held and seen.holder not in {holder, ""}:
        return None
    won = Lease.objects.filter(name=name, token=seen.token).update(
        token=seen.token + 1, holder=holder, expires_at=expires_at
    )
    if not won:
        return None
    return Held(name, holder, seen.token + 1, length, expires_at, seen.progress)


def prove(held: Held, *, now: datetime, progress: int | None = None) -> Held:
    """Renew the lease, and with `progress` write down how far the work has come.

    Called first in a transaction, it locks the lease's row until the commit: nobody can take
    over in between, and a holder that slept too long finds out before it has changed anything.

    Raises:
        LeaseLostError: the token is no longer this holder's.
    """
    expires_at = now + held.length
    values: dict[str, object] = {"expires_at": expires_at}
    if progress is not None:
        values["progress"] = progress
    if not Lease.objects.filter(name=held.name, token=held.token).update(**values):
        raise LeaseLostError(held.name)
    return replace(
        held, expires_at=expires_at, progress=held.progress if progress is None else progress
    )


def release(held: Held, *, now: datetime) -> None:
    """Let the next process have the work at once."""
    Lease.objects.filter(name=held.name, token=held.token).update(holder="", expires_at=now)
