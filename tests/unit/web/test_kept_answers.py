"""How long is the answer to a create kept, and who can read it?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import InvalidToken
from django.http import HttpResponse

from headgate.core.problems import Problem
from headgate.store.models import IdempotencyRecord
from headgate.web.api.idempotency import KEPT_FOR, RESERVED_FOR, Call, reserve, settle

AT = datetime(2030, 1, 1, tzinfo=UTC)
CALL = Call("a" * 64, "f" * 64, b"s" * 32, AT)
ANSWER = HttpResponse(b'{"key":"hg_secret"}', status=201, content_type="application/json")

pytestmark = pytest.mark.django_db


def later(span: timedelta) -> Call:
    return replace(CALL, at=AT + span)


def test_a_kept_answer_comes_back_within_its_day_and_not_after() -> None:
    assert reserve(CALL) is None
    settle(CALL, ANSWER)
    kept = reserve(later(KEPT_FOR - timedelta(seconds=1)))
    assert kept is not None
    assert (kept.status_code, kept.content) == (201, ANSWER.content)
    assert reserve(later(KEPT_FOR + timedelta(seconds=1))) is None


def test_a_call_that_is_still_running_is_not_run_again() -> None:
    assert reserve(CALL) is None
    with pytest.raises(Problem, match="still running"):
        reserve(later(timedelta(seconds=5)))


def test_a_call_whose_process_died_is_taken_over() -> None:
    assert reserve(CALL) is None
    assert reserve(later(RESERVED_FOR + timedelta(seconds=1))) is None


def test_a_call_that_failed_leaves_nothing() -> None:
    reserve(CALL)
    settle(CALL, HttpResponse(status=409))
    assert not IdempotencyRecord.objects.exists()


def test_the_key_with_another_request_is_refused() -> None:
    reserve(CALL)
    settle(CALL, ANSWER)
    with pytest.raises(Problem, match="another request"):
        reserve(replace(CALL, fingerprint="0" * 64))


def test_who_has_only_the_database_cannot_read_it() -> None:
    reserve(CALL)
    settle(CALL, ANSWER)
    assert b"hg_secret" not in bytes(IdempotencyRecord.objects.get().body)
    with pytest.raises(InvalidToken):
        reserve(replace(CALL, secret=b"x" * 32))
