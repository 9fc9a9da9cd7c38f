"""Are messages signed as the specification says, tried again, and given up in the end?"""

from datetime import UTC, datetime, timedelta

import pytest

from headgate.alerts.webhooks import (
    DISABLED_AFTER,
    RETRY_AFTER,
    TRIES_MAX,
    Attempt,
    DeliveryState,
    after,
    headers,
    message,
    new_secret,
)

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def _attempt(status: int | None, at: datetime = AT) -> Attempt:
    return Attempt(at, status, "" if status else "no answer", 3)


def test_a_message_is_signed_as_the_libraries_of_the_specification_verify_it() -> None:
    """The vector of the specification's own test suite."""
    made = headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        keys=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        at=datetime.fromtimestamp(1614265330, UTC),
    )
    assert made == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_another_body_id_time_or_secret_has_another_signature() -> None:
    keys = [new_secret(), new_secret()]
    found = {
        headers(one, body, keys=[key], at=at)["webhook-signature"]
        for one in ("evt_1", "evt_2")
        for body in (b"{}", b"[]")
        for key in keys
        for at in (AT, AT + timedelta(seconds=1))
    }
    assert len(found) == 16


def test_while_a_secret_is_replaced_both_sign() -> None:
    old, new = new_secret(), new_secret()
    both = headers("evt_1", b"{}", keys=[new, old], at=AT)["webhook-signature"].split(" ")
    alone = [headers("evt_1", b"{}", keys=[key], at=AT)["webhook-signature"] for key in (new, old)]
    assert both == alone


def test_a_secret_that_is_none_signs_nothing() -> None:
    with pytest.raises(ValueError, match="whsec_"):
        headers("evt_1", b"{}", keys=["whsec_not base64"], at=AT)


def test_a_secret_is_long_enough_and_never_the_same() -> None:
    assert len({new_secret() for _ in range(100)}) == 100
    assert new_secret(lambda count: b"\x00" * count) == "whsec_" + "A" * 43 + "="


def test_a_body_is_the_same_bytes_each_time() -> None:
    told = {
        "message_id": "evt_1",
        "kind": "quota.warning",
        "at": AT,
        "organization": "acme",
        "subject": "sub_1",
        "data": {"used": 8},
    }
    assert message(**told) == message(**told)
    assert message(**told).startswith(b'{"id":"evt_1","type":"quota.warning","timestamp":"2026-')


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_an_answer_of_2xx_ends_it_and_the_failing(status: int) -> None:
    found = after(_attempt(status), tries=3, failing_since=AT - timedelta(days=9))
    assert found.state is DeliveryState.DELIVERED
    assert (found.due_at, found.failing_since, found.disabled) == (None, None, "")


@pytest.mark.parametrize("status", [None, 199, 301, 400, 404, 500, 503])
def test_anything_else_is_tried_again_by_the_schedule_and_then_given_up(status: int | None) -> None:
    at, waits = AT, []
    for tries in range(1, TRIES_MAX):
        found = after(_attempt(status, at), tries=tries, failing_since=None)
        assert found.state is DeliveryState.WAITING
        assert found.due_at is not None
        assert found.failing_since == at
        waits.append(found.due_at - at)
    assert tuple(waits) == RETRY_AFTER
    last = after(_attempt(status), tries=TRIES_MAX, failing_since=None)
    assert (last.state, last.disabled) == (DeliveryState.GIVEN_UP, "")


def test_what_fails_for_days_is_disabled_and_what_failed_for_less_is_not() -> None:
    is_over = after(_attempt(500), tries=1, failing_since=AT - DISABLED_AFTER)
    assert is_over.state is DeliveryState.GIVEN_UP
    assert "3 days" in is_over.disabled
    second = timedelta(seconds=1)
    is_not = after(_attempt(500), tries=1, failing_since=AT - DISABLED_AFTER + second)
    assert (is_not.state, is_not.disabled) == (DeliveryState.WAITING, "")


def test_a_receiver_that_is_gone_is_disabled_at_once() -> None:
    found = after(_attempt(410), tries=1, failing_since=None)
    assert found.state is DeliveryState.GIVEN_UP
    assert "410" in found.disabled
