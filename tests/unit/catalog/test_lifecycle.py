"""Versions go from draft to retired by the table alone, and back only where it says so."""

import pytest

from headgate.catalog.lifecycle import (
    TRANSITIONS,
    Right,
    Step,
    link_error,
    steps,
    transition,
)
from headgate.core.problems import Problem, ProblemType
from headgate.model.events import EventKind
from headgate.model.lifecycle import Lifecycle


def walk(*taken: Step) -> Lifecycle:
    """The state of a new version after these steps."""
    state = Lifecycle.DRAFT
    for step in taken:
        state = transition(state, step, "pets@v1").to
    return state


def test_a_version_is_published_deprecated_and_retired() -> None:
    assert walk(Step.PUBLISH) is Lifecycle.PUBLISHED
    assert walk(Step.PUBLISH, Step.DEPRECATE) is Lifecycle.DEPRECATED
    assert walk(Step.PUBLISH, Step.DEPRECATE, Step.RETIRE) is Lifecycle.RETIRED


def test_a_deprecation_is_taken_back_and_a_retirement_by_publishing_alone() -> None:
    deprecated = (Step.PUBLISH, Step.DEPRECATE)
    assert walk(*deprecated, Step.UNDEPRECATE) is Lifecycle.PUBLISHED
    assert walk(*deprecated, Step.PUBLISH) is Lifecycle.DEPRECATED
    assert walk(*deprecated, Step.RETIRE, Step.PUBLISH) is Lifecycle.PUBLISHED
    with pytest.raises(Problem):
        walk(*deprecated, Step.RETIRE, Step.UNDEPRECATE)


def test_taking_a_version_off_the_last_gateway_keeps_what_was_said_of_its_end() -> None:
    assert walk(Step.PUBLISH, Step.UNPUBLISH) is Lifecycle.DRAFT
    assert walk(Step.PUBLISH, Step.DEPRECATE, Step.UNPUBLISH) is Lifecycle.DEPRECATED
    retired = (Step.PUBLISH, Step.DEPRECATE, Step.RETIRE)
    assert walk(*retired, Step.UNPUBLISH) is Lifecycle.RETIRED


@pytest.mark.parametrize(
    ("state", "step"),
    [(state, step) for state in Lifecycle for step in Step if (state, step) not in TRANSITIONS],
)
def test_every_other_step_is_refused_with_what_to_do_instead(state: Lifecycle, step: Step) -> None:
    with pytest.raises(Problem) as refused:
        transition(state, step, "pets@v1")
    assert refused.value.type is ProblemType.CONFLICT
    assert "pets@v1" in refused.value.detail
    assert refused.value.next_step
    assert "{" not in refused.value.next_step
    assert step not in steps(state)


def test_callers_are_told_of_a_deprecation_and_a_retirement_and_of_nothing_else() -> None:
    told = {key: one.notification for key, one in TRANSITIONS.items() if one.notification}
    assert told == {
        (Lifecycle.PUBLISHED, Step.DEPRECATE): EventKind.API_DEPRECATED,
        (Lifecycle.DEPRECATED, Step.DEPRECATE): EventKind.API_DEPRECATED,
        (Lifecycle.DEPRECATED, Step.RETIRE): EventKind.API_RETIRED,
    }


def test_rights_are_scopes_of_tokens() -> None:
    from headgate.store.services.actor import Scope

    assert {str(right) for right in Right} <= {str(scope) for scope in Scope}


@pytest.mark.parametrize("link", ["https://example.com/a?b=c&d=%20#e", "http://[::1]:80/x"])
def test_an_address_is_a_link(link: str) -> None:
    assert link_error(link) is None


@pytest.mark.parametrize(
    "link",
    [
        "",
        "example.com",
        "javascript:alert(1)",
        "https://example.com/a b",
        'https://example.com/"',
        "https://example.com/<x>",
        "https://example.com/\r\nx: y",
        "https://example.com/ä",
        "https://example.com/" + "x" * 2048,
    ],
)
def test_what_would_need_an_escape_is_no_link(link: str) -> None:
    assert link_error(link) is not None
