"""How is a secret kept so that the database alone does not show it?

Sealed for its own row: a value copied onto another row cannot be opened. Only what hands a
snapshot to a node asks for values.
"""

from headgate.core.problems import DependencyError
from headgate.store import sealing
from headgate.store.models import StoredSecret


def seal(secret_id: str, value: str) -> bytes:
    """`value` as it is stored."""
    return sealing.seal(_purpose(secret_id), value.encode())


def opened(secret: StoredSecret) -> str:
    """The value.

    Raises:
        DependencyError: `secret.key` is not the one that it was stored under.
    """
    try:
        return sealing.unseal(_purpose(secret.id), bytes(secret.sealed)).decode()
    except DependencyError as error:
        raise DependencyError(
            f"The secret '{secret.name}' was stored under another secret.key: store it again with"
            f" `headgate secret set {secret.name}`",
            is_retryable=False,
        ) from error


def is_readable(secret: StoredSecret) -> bool:
    """Whether its value can still be opened."""
    try:
        opened(secret)
    except DependencyError:
        return False
    return True


def _purpose(secret_id: str) -> str:
    return f"secret {secret_id}"
