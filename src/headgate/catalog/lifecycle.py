"""What may be done with a version of an API in which state, by whom, and who is told?

One table. A version begins as a draft and is published with its first publication. Deprecating
may be taken back. Retired ends by publishing again, and by nothing else: whoever brings a version
back has to say so with the word that puts it in service. Taking a version off its last gateway
makes a published one a draft; a deprecated or retired one stays that, so that it says so again
when it comes back.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from headgate.core.phrases import phrase, words_of
from headgate.core.problems import Problem, ProblemType
from headgate.model.events import EventKind
from headgate.model.lifecycle import Lifecycle

LINK_CHARACTERS_MAX = 2048
CALLERS_DAYS = 30  # whoever has called in these days is told, and is counted before a retirement
_LINK = re.compile(r"https?://[!#-;=?-\[\]_a-z~]+", re.IGNORECASE)


class Step(StrEnum):
    """What can be done with a version."""

    PUBLISH = "publish"
    UNPUBLISH = "unpublish"  # from the last gateway that had it
    DEPRECATE = "deprecate"
    UNDEPRECATE = "undeprecate"
    RETIRE = "retire"


class Right(StrEnum):
    """What whoever takes a step must hold; the words are those of tokens' scopes."""

    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Transition:
    """The state after a step, who may take it, and what callers are told."""

    to: Lifecycle
    right: Right = Right.WRITE
    notification: EventKind | None = None


TRANSITIONS: Mapping[tuple[Lifecycle, Step], Transition] = {
    (Lifecycle.DRAFT, Step.PUBLISH): Transition(Lifecycle.PUBLISHED),
    (Lifecycle.DRAFT, Step.UNPUBLISH): Transition(Lifecycle.DRAFT),
    (Lifecycle.PUBLISHED, Step.PUBLISH): Transition(Lifecycle.PUBLISHED),
    (Lifecycle.PUBLISHED, Step.UNPUBLISH): Transition(Lifecycle.DRAFT),
    (Lifecycle.PUBLISHED, Step.DEPRECATE): Transition(
        Lifecycle.DEPRECATED, notification=EventKind.API_DEPRECATED
    ),
    (Lifecycle.DEPRECATED, Step.PUBLISH): Transition(Lifecycle.DEPRECATED),
    (Lifecycle.DEPRECATED, Step.UNPUBLISH): Transition(Lifecycle.DEPRECATED),
    (Lifecycle.DEPRECATED, Step.DEPRECATE): Transition(  # with other dates or another successor
        Lifecycle.DEPRECATED, notification=EventKind.API_DEPRECATED
    ),
    (Lifecycle.DEPRECATED, Step.UNDEPRECATE): Transition(Lifecycle.PUBLISHED),
    (Lifecycle.DEPRECATED, Step.RETIRE): Transition(
        Lifecycle.RETIRED, notification=EventKind.API_RETIRED
    ),
    (Lifecycle.RETIRED, Step.PUBLISH): Transition(Lifecycle.PUBLISHED),
    (Lifecycle.RETIRED, Step.UNPUBLISH): Transition(Lifecycle.RETIRED),
}

_INSTEAD: Mapping[tuple[Lifecycle, Step], str] = {
    (Lifecycle.DRAFT, Step.DEPRECATE): words_of(
        "It has no callers: publish it first, or delete it."
    ),
    (Lifecycle.DRAFT, Step.RETIRE): words_of("It has no callers: delete it, or publish it first."),
    (Lifecycle.PUBLISHED, Step.UNDEPRECATE): words_of("There is nothing to take back."),
    (Lifecycle.PUBLISHED, Step.RETIRE): words_of(
        "Deprecate it first, so that its callers are told: headgate api deprecate {name}."
    ),
    (Lifecycle.RETIRED, Step.DEPRECATE): words_of(
        "Publish it first, which brings it back: headgate publish {name}."
    ),
    (Lifecycle.RETIRED, Step.UNDEPRECATE): words_of(
        "Publishing brings it back: headgate publish {name}."
    ),
    (Lifecycle.RETIRED, Step.RETIRE): words_of("There is nothing to do."),
}


def transition(state: Lifecycle, step: Step, name: str) -> Transition:
    """What a step leads to; `name` is the version's, for the message.

    Raises:
        Problem: CONFLICT: the step cannot be taken in this state.
    """
    found = TRANSITIONS.get((state, step))
    if found is None:
        instead = _INSTEAD.get((state, step))
        raise Problem(
            ProblemType.CONFLICT,
            phrase(
                "'{name}' is {state}, which cannot be: {step}.",
                name=name,
                state=phrase(_STATES[state]),
                step=step,
            ),
            phrase(instead, name=name)
            if instead
            else phrase("What can be done: {steps}.", steps=", ".join(steps(state))),
        )
    return found


def steps(state: Lifecycle) -> tuple[Step, ...]:
    """What can be done in a state, in the order of `Step`."""
    return tuple(step for step in Step if (state, step) in TRANSITIONS)


def link_error(link: str) -> str | None:
    """Why a text cannot be the address that callers are sent to; None if it can.

    It stands in a header field and in the body of an answer, so it has no character that either
    would have to escape. Source: RFC 3986 §2; RFC 8288 §3.
    """
    if len(link) > LINK_CHARACTERS_MAX:
        return phrase("A link has at most {most:,} characters.", most=LINK_CHARACTERS_MAX)
    if _LINK.fullmatch(link) is None:
        return phrase(
            "A link is an absolute address like https://example.com/moving, percent-encoded."
        )
    return None


_STATES: Mapping[Lifecycle, str] = {
    Lifecycle.DRAFT: words_of("a draft"),
    Lifecycle.PUBLISHED: words_of("published"),
    Lifecycle.DEPRECATED: words_of("deprecated"),
    Lifecycle.RETIRED: words_of("retired"),
}
