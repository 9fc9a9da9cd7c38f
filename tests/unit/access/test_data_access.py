"""Is there one way for a request for sensitive data, from which nothing leads back?"""

from itertools import product

from headgate.access.data_access import OPEN, TRANSITIONS, AccessState, AccessStep, transition


def test_only_what_is_open_can_be_taken_further() -> None:
    for state, step in product(AccessState, AccessStep):
        if state not in OPEN:
            assert transition(state, step) is None, f"{step} of what is {state}"


def test_a_grant_comes_from_a_request_and_from_nothing_else() -> None:
    leading = [key for key, to in TRANSITIONS.items() if to is AccessState.GRANTED]
    assert leading == [(AccessState.ASKED, AccessStep.GRANT)]


def test_every_state_is_reached_and_no_step_leads_nowhere() -> None:
    assert set(TRANSITIONS.values()) | {AccessState.ASKED} == set(AccessState)
    assert {step for _, step in TRANSITIONS} == set(AccessStep)
