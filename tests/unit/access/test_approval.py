"""Does a request for a subscription go only where the table lets it?"""

import pytest

from headgate.access.approval import TRANSITIONS, RequestState, RequestStep, Side, transition


def test_only_an_open_request_can_be_granted_declined_or_withdrawn() -> None:
    assert {state for state, _ in TRANSITIONS} == {RequestState.ASKED}
    assert {step for _, step in TRANSITIONS} == set(RequestStep)


@pytest.mark.parametrize("state", [state for state in RequestState if state != "asked"])
@pytest.mark.parametrize("step", list(RequestStep))
def test_a_request_that_was_decided_stays_so(state: RequestState, step: RequestStep) -> None:
    assert transition(state, step) is None


def test_those_who_ask_cannot_grant() -> None:
    sides = {step: found.side for (_, step), found in TRANSITIONS.items()}
    assert sides == {
        RequestStep.GRANT: Side.PROVIDER,
        RequestStep.DECLINE: Side.PROVIDER,
        RequestStep.WITHDRAW: Side.CONSUMER,
    }
