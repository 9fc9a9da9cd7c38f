"""How is a message to a webhook signed, when is it tried again, and when is it given up?

Source: Standard Webhooks, specification 1.0 (github.com/standard-webhooks/standard-webhooks).
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson

from headgate.core.ids import RandomBytes
from headgate.core.phrases import words_of

SECRET_PREFIX = "whsec_"  # noqa: S105  # what a secret starts with
SECRET_BYTES = 32  # the specification asks for 24 to 64
RETRY_AFTER = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long after each failed attempt the next one is made; the specification's schedule."""

TRIES_MAX = len(RETRY_AFTER) + 1
DISABLED_AFTER = timedelta(days=3)  # of nothing but failures
HAS_FAILED = words_of("Every attempt of 3 days failed.")
IS_GONE = words_of("It answered 410 Gone.")
ANSWER_BYTES_MAX = 512  # of an answer's body: enough to see what the receiver says of itself
ERROR_CHARACTERS_MAX = 300
GONE = 410


class DeliveryState(StrEnum):
    """How far a delivery is."""

    WAITING = "waiting"  # for its first attempt or its next
    DELIVERED = "delivered"  # answered 2xx
    GIVEN_UP = "given_up"  # every attempt failed, or the webhook ended


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call of a receiver. `status` is None when nothing was answered: `error` says why.

    `answer`: the beginning of the body.
    """

    at: datetime
    status: int | None
    error: str
    duration_ms: int
    answer: str = ""

    @property
    def is_success(self) -> bool:
        """Whether the receiver has taken the message. A redirection is not followed."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Progress:
    """How it goes on after an attempt. `due_at` is None when nothing more is to be tried.

    `disabled`: why the webhook is not called any more, empty while it is.
    """

    state: DeliveryState
    due_at: datetime | None
    failing_since: datetime | None
    disabled: str = ""


def after(attempt: Attempt, *, tries: int, failing_since: datetime | None) -> Progress:
    """What follows from the attempt that is number `tries` of its delivery.

    `failing_since`: of the webhook, before this attempt.
    """
    if attempt.is_success:
        return Progress(DeliveryState.DELIVERED, None, None)
    since = failing_since or attempt.at
    if attempt.status == GONE:
        return Progress(DeliveryState.GIVEN_UP, None, since, IS_GONE)
    if attempt.at - since >= DISABLED_AFTER:
        return Progress(DeliveryState.GIVEN_UP, None, since, HAS_FAILED)
    if tries >= TRIES_MAX:
        return Progress(DeliveryState.GIVEN_UP, None, since)
    return Progress(DeliveryState.WAITING, attempt.at + RETRY_AFTER[tries - 1], since)


def new_secret(random_bytes: RandomBytes = secrets.token_bytes) -> str:
    """A new secret of a webhook, as its receiver is to keep it."""
    return SECRET_PREFIX + base64.b64encode(random_bytes(SECRET_BYTES)).decode()


def headers(
    message_id: str, body: bytes, *, keys: Sequence[str], at: datetime
) -> Mapping[str, str]:
    """The fields of one attempt; each of `keys` signs, so that receivers may hold either.

    Raises:
        ValueError: a key is not `whsec_` and base64.
    """
    sent_s = int(at.timestamp())
    signed = f"{message_id}.{sent_s}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(sent_s),
        "webhook-signature": " ".join(f"v1,{_signature(key, signed)}" for key in keys),
    }


def message(
    *,
    message_id: str,
    kind: str,
    at: datetime,
    organization: str | None,
    subject: str,
    data: Mapping[str, Any],
) -> bytes:
    """The body that is sent: the same bytes at every attempt."""
    told = {
        "id": message_id,
        "type": kind,
        "timestamp": at.isoformat().replace("+00:00", "Z"),
        "organization": organization,
        "subject": subject,
        "data": dict(data),
    }
    return orjson.dumps(told)


def _signature(key: str, signed: bytes) -> str:
    try:
        raw = base64.b64decode(key.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a webhook's secret is whsec_ and base64") from error
    return base64.b64encode(hmac.digest(raw, signed, hashlib.sha256)).decode()
