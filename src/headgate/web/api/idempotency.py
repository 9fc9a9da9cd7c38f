"""Was this create asked before? One answer per Idempotency-Key for a day, kept encrypted.

The key that encrypts an answer is made of the installation's secret key and the caller's own
Idempotency-Key, which is not stored: the database alone shows no issued secret again.

Source: draft-ietf-httpapi-idempotency-key-header.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from cryptography.fernet import Fernet
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from headgate.core.clock import SystemClock
from headgate.core.problems import Bug, Problem, ProblemType
from headgate.store.models import IdempotencyRecord
from headgate.web.api.requests import actor

KEY_CHARACTERS_MAX = 255
KEPT_FOR = timedelta(hours=24)
RESERVED_FOR = timedelta(seconds=60)  # a reservation that old belongs to a process that died
REPLAYED = "Idempotency-Replayed"
KEPT_HEADERS = ("Content-Type", "Location", "ETag")
_RESERVED_STATUS = 0
_clock = SystemClock()


@dataclass(frozen=True, slots=True)
class Call:
    """One create: whose it is and which key it carries, what it asks for, when it came."""

    key_sha256: str
    fingerprint: str
    secret: bytes
    at: datetime


def call_of(request: HttpRequest) -> Call | None:
    """The call that `request` makes; None without an Idempotency-Key.

    Raises:
        Problem: the key is empty, too long or not printable ASCII.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not (0 < len(key) <= KEY_CHARACTERS_MAX and key.isascii() and key.isprintable()):
        raise Problem(
            ProblemType.INVALID_INPUT,
            f"Idempotency-Key is 1 to {KEY_CHARACTERS_MAX} printable ASCII characters.",
            "Send a fresh random text, such as a UUID, for every new thing you create.",
        )
    caller = actor(request).token
    asked = f"{request.method}\0{request.get_full_path()}\0".encode() + request.body
    return Call(
        hashlib.sha256(f"{caller}\0{key}".encode()).hexdigest(),
        hashlib.sha256(asked).hexdigest(),
        hmac.digest(settings.SECRET_KEY.encode(), f"idempotency\0{key}".encode(), "sha256"),
        _clock.now(),
    )


def required_call(request: HttpRequest) -> Call:
    """As `call_of`, where the header is known to be there."""
    call = call_of(request)
    if call is None:
        raise Bug("an idempotent call without its key")
    return call


def reserve(call: Call) -> HttpResponse | None:
    """The kept answer of an earlier equal call; None when this call is the first.

    Raises:
        Problem: the key was used for something else, or its first call is still running.
    """
    IdempotencyRecord.objects.filter(created_at__lt=call.at - KEPT_FOR).delete()
    IdempotencyRecord.objects.filter(
        key_sha256=call.key_sha256,
        status=_RESERVED_STATUS,
        created_at__lt=call.at - RESERVED_FOR,
    ).delete()
    found, is_new = IdempotencyRecord.objects.get_or_create(
        key_sha256=call.key_sha256,
        defaults={
            "fingerprint": call.fingerprint,
            "status": _RESERVED_STATUS,
            "body": b"",
            "created_at": call.at,
        },
    )
    if is_new:
        return None
    if found.fingerprint != call.fingerprint:
        raise Problem(
            ProblemType.INVALID_INPUT,
            "This Idempotency-Key was used for another request.",
            "Send a fresh key for every new thing you create.",
        )
    if found.status == _RESERVED_STATUS:
        raise Problem(
            ProblemType.CONFLICT,
            "The first request with this Idempotency-Key is still running.",
            "Wait a moment, then send it again to get its answer.",
        )
    return _opened(call, found)


def settle(call: Call, response: HttpResponseBase) -> None:
    """Keep the answer of a call that succeeded; forget one that failed, so it may be retried."""
    mine = IdempotencyRecord.objects.filter(key_sha256=call.key_sha256)
    if response.status_code >= 400 or not isinstance(response, HttpResponse):
        mine.delete()
        return
    kept = {
        "headers": {name: response[name] for name in KEPT_HEADERS if name in response},
        "content": response.content.decode(),
    }
    mine.update(status=response.status_code, body=_fernet(call).encrypt(orjson.dumps(kept)))


def _opened(call: Call, record: IdempotencyRecord) -> HttpResponse:
    kept = orjson.loads(_fernet(call).decrypt(bytes(record.body)))
    response = HttpResponse(kept["content"], status=record.status)
    for name, value in kept["headers"].items():
        response[name] = value
    response[REPLAYED] = "true"
    return response


def _fernet(call: Call) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(call.secret))
