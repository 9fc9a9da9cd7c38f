"""Does the explanation of a refusal say what the answer said?"""

import pytest

from headgate.model.record import Verdict
from headgate.store.services.traffic.causes import cause_in_words


@pytest.mark.parametrize(
    ("status", "what", "step"),
    [
        (413, "body is larger", "smaller body"),
        (414, "URL is longer", "shorter parameters"),
        (431, "headers are larger", "smaller headers"),
        (0, "body, URL or headers", "smaller body, fewer"),  # of many, that ended so in all ways
    ],
)
def test_what_was_too_large_is_named_as_in_the_answer(status: int, what: str, step: str) -> None:
    told, to_do = cause_in_words(Verdict.TOO_LARGE, status)
    assert what in told
    assert step in to_do


@pytest.mark.parametrize("verdict", Verdict)
def test_each_verdict_has_a_sentence_of_its_own(verdict: Verdict) -> None:
    told, _ = cause_in_words(verdict, 200 if verdict is Verdict.ALLOWED else 0)
    assert "refused the request:" not in told
