"""How does a mail leave? Written down with what it tells, sent by `jobs`, tried again for a day.

At least once: a process that ends between the server's yes and our note of it sends it again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import orjson
from django.db.models import QuerySet

from headgate.core.ids import new_id
from headgate.core.problems import DependencyError
from headgate.store import sealing
from headgate.store.models import Mail
from headgate.store.models.rows import TITLE_CHARACTERS_MAX
from headgate.store.services.actor import Actor

TRIES_MAX = 12  # a mail server that is down for a day misses nothing
WAIT_FIRST = timedelta(seconds=15)
WAIT_MAX = timedelta(hours=4)
AT_ONCE_MAX = 5  # under one lease
WAITING_MAX = 100_000  # beyond it, new mails are refused: somebody floods, or nothing is sent


@dataclass(frozen=True, slots=True)
class Letter:
    """What is in a mail. `unsubscribe`: the address that ends mails of its kind, or nothing."""

    text: str
    unsubscribe: str = ""


class Sender(Protocol):
    """Gives a mail to a server."""

    def __call__(self, to: str, subject: str, letter: Letter) -> None:
        """Send one.

        Raises:
            DependencyError: not now (`is_retryable`), or never.
        """


def queue(actor: Actor, *, to: str, subject: str, text: str, unsubscribe: str = "") -> Mail:
    """A mail that will be sent if the transaction of the caller succeeds.

    Raises:
        DependencyError: too many wait already.
    """
    if Mail.objects.filter(due_at__isnull=False).count() >= WAITING_MAX:
        raise DependencyError(f"{WAITING_MAX:,} mails wait to be sent already", is_retryable=True)
    mail_id = new_id("mai")
    return Mail.objects.create(
        id=mail_id,
        created_at=actor.at,
        to=to,
        subject=" ".join(subject.split())[:TITLE_CHARACTERS_MAX],
        sealed=sealing.seal(_purpose(mail_id), orjson.dumps(Letter(text, unsubscribe))),
        due_at=actor.at,
    )


def is_waiting(at: datetime) -> bool:
    """Whether a mail is due."""
    return Mail.objects.filter(due_at__lte=at).exists()


def failing() -> QuerySet[Mail]:
    """The mails that could not be sent at their last try, the newest first."""
    return Mail.objects.filter(sent_at=None).exclude(error="").order_by("-pk")


def letter_of(mail: Mail) -> Letter:
    """What is in a mail that waits.

    Raises:
        DependencyError: sealed with another `secret.key`.
    """
    return Letter(**orjson.loads(sealing.unseal(_purpose(mail.id), bytes(mail.sealed or b""))))


def send_due(actor: Actor, send: Sender) -> tuple[int, int]:
    """Send what is due, at most `AT_ONCE_MAX`; how many were sent, and how many failed."""
    due = Mail.objects.filter(due_at__lte=actor.at).order_by("due_at")[:AT_ONCE_MAX]
    sent = failed = 0
    for mail in due:
        try:
            send(mail.to, mail.subject, letter_of(mail))
        except DependencyError as error:
            failed += 1
            _put_off(mail, actor, error)
        else:
            sent += 1
            mail.sealed, mail.due_at, mail.sent_at, mail.error = None, None, actor.at, ""
        mail.tries += 1
        mail.save()
    return sent, failed


def _put_off(mail: Mail, actor: Actor, error: DependencyError) -> None:
    mail.error = str(error)[:TITLE_CHARACTERS_MAX]
    if not error.is_retryable or mail.tries + 1 >= TRIES_MAX:
        mail.sealed, mail.due_at = None, None
        return
    mail.due_at = actor.at + min(WAIT_FIRST * 2**mail.tries, WAIT_MAX)


def _purpose(mail_id: str) -> str:
    return f"mail {mail_id}"
