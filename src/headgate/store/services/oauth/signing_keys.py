"""Which keys sign tokens, and when does the next one take over?

A key is published before it signs, so that whoever keeps a copy of the key set has it by then,
and stays until the last token that it signed has ended. Every change of the set makes a new
revision of each gateway, which wakes the nodes: they hold the set themselves.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from headgate.access.clients import TOKEN_SECONDS_MAX
from headgate.access.jwts import new_key
from headgate.core.phrases import phrase
from headgate.core.problems import Bug, DependencyError
from headgate.model.access import CredentialKind
from headgate.model.tokens import CLOCK_SKEW_SECONDS, client_sha256
from headgate.store.models import Credential, Installation, SigningKey
from headgate.store.sealing import seal, unseal
from headgate.store.services import audit, feed
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.audit import Action
from headgate.store.services.gateway import publishing
from headgate.store.services.oauth import token_issuer
from headgate.store.services.transactions import change
from headgate.store.services.values import refused

PURPOSE = "signing key"
SIGNS_FOR = timedelta(days=30)
PUBLISHED_AHEAD = timedelta(days=1)  # well over the hour for which the key set may be cached
OUTLIVED_BY = timedelta(seconds=TOKEN_SECONDS_MAX + 2 * CLOCK_SKEW_SECONDS)
REKEYED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Signer:
    """The key that signs now."""

    key_id: str
    pem: bytes

    def __repr__(self) -> str:
        return f"Signer({self.key_id})"


def listed(actor: Actor) -> list[SigningKey]:
    """All keys, oldest first.

    Raises:
        Problem: FORBIDDEN without the scope `read`; NOT_FOUND for an organization's token.
    """
    actor.require_operator(Scope.READ, "signing key")
    return list(SigningKey.objects.order_by("pk"))


def signer(at: datetime) -> Signer:
    """The key that signs at this instant.

    Raises:
        DependencyError: it was sealed with another `secret.key`.
    """
    key = token_issuer.signs_now(at)
    if key is None:
        raise Bug("a token was asked for before the first signing key was made")
    return Signer(key.key_id, unseal(PURPOSE, bytes(key.sealed)))


def is_readable(at: datetime) -> bool:
    """Whether tokens can be signed; also where nobody has asked for one yet."""
    key = token_issuer.signs_now(at)
    if key is None:
        return True
    try:
        unseal(PURPOSE, bytes(key.sealed))
    except DependencyError:
        return False
    return True


def ensure(actor: Actor) -> None:
    """Make the first key if there is none, in the caller's transaction."""
    if not SigningKey.objects.exists():
        _add(actor, signs_at=actor.at)
        _changed(actor)


@change()
def rotate(actor: Actor, *, drop_former: bool = False) -> SigningKey:
    """A new key that signs from now on.

    `drop_former` takes all others away at once: every token that they signed ends with them.
    For a key that somebody else may have.

    Raises:
        Problem: FORBIDDEN without the scope `admin`.
    """
    actor.require_operator(Scope.ADMIN, "signing key")
    if drop_former:
        SigningKey.objects.all().delete()
    else:
        SigningKey.objects.filter(signs_at__gt=actor.at).delete()  # it has signed nothing yet
    key = _add(actor, signs_at=actor.at)
    _changed(actor, drop_former=str(drop_former).lower())
    return key


@change()
def retire(actor: Actor, key_id: str) -> None:
    """Take a former key away before its time: every token that it signed ends.

    Raises:
        Problem: FORBIDDEN without the scope `admin`; NOT_FOUND; CONFLICT: it signs, or is to.
    """
    actor.require_operator(Scope.ADMIN, "signing key")
    key = SigningKey.objects.filter(key_id=key_id).first()
    if key is None:
        raise not_found("signing key", key_id)
    if not is_former(key, actor.at):
        raise refused(
            phrase("The key {key_id} signs now, or is to sign next.", key_id=key_id),
            "Let another one sign first: headgate issuer rotate.",
        )
    key.delete()
    _changed(actor, retired=key_id)


def is_former(key: SigningKey, at: datetime) -> bool:
    """Whether a key has signed and does no more."""
    now = token_issuer.signs_now(at)
    return now is not None and (key.signs_at, key.pk) < (now.signs_at, now.pk)


@change()
def tend(actor: Actor) -> bool:
    """What time asks for: the next key ahead of its turn, the end of those that are over.

    Whether anything changed.
    """
    ended = SigningKey.objects.filter(ends_at__lte=actor.at).delete()[0]
    latest = SigningKey.objects.order_by("-signs_at", "-pk").first()
    is_due = latest is not None and latest.signs_at + SIGNS_FOR - PUBLISHED_AHEAD <= actor.at
    if is_due:
        _add(actor, signs_at=actor.at + PUBLISHED_AHEAD)
    if ended or is_due:
        _changed(actor)
    return bool(ended or is_due)


@change()
def settle_url(actor: Actor, url: str) -> bool:
    """Let the installation be known by `url`; every client's digest follows. True: it is new.

    Tokens that name another URL are not believed from then on.
    """
    installation = Installation.objects.select_for_update().get()
    if installation.issuer == url:
        return False
    installation.issuer = url
    installation.save()
    clients = Credential.objects.filter(kind=CredentialKind.OAUTH_CLIENT).order_by("pk")
    rows = list(clients.only("row", "id"))
    for row in rows:
        row.sha256 = client_sha256(url, row.id)
    Credential.objects.bulk_update(rows, ["sha256"], batch_size=REKEYED_AT_ONCE // 5)
    feed.touch(rows)
    if SigningKey.objects.exists():
        _changed(actor)
    return True


def _add(actor: Actor, *, signs_at: datetime) -> SigningKey:
    """A new key; those before it end once their last token has."""
    made = new_key()
    SigningKey.objects.filter(ends_at=None).update(ends_at=signs_at + OUTLIVED_BY)
    return SigningKey.objects.create(
        key_id=made.key_id,
        public=made.public,
        sealed=seal(PURPOSE, made.pem),
        created_at=actor.at,
        signs_at=signs_at,
    )


def _changed(actor: Actor, **more: str) -> None:
    keys = list(SigningKey.objects.order_by("pk").values_list("key_id", flat=True))
    issuer = token_issuer.url()
    audit.record(
        actor, Action.ISSUER_CHANGED, issuer, after={"issuer": issuer, "keys": keys, **more}
    )
    publishing.renew(actor, "keys of tokens")
