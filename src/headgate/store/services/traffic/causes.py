"""What happened to a request, in a sentence, and what is to be done about it in another?

The words are those of the answer that the caller got, less what depends on the route.
"""

from headgate.core.phrases import phrase
from headgate.gateway.envoy.answers import (
    ASK_PLACE,
    FILTER_ANSWERS,
    NEEDS_PLACE,
    RETRY,
    SEND_PLACE,
    WHERE_PLACE,
    Answer,
)
from headgate.gateway.envoy.envoy_answers import ENVOY_ANSWERS
from headgate.gateway.sensitive import ASK_SOMEWHERE
from headgate.model.record import RequestRecord, Verdict


def _next_step(answer: Answer) -> str:
    """Without what depends on the route."""
    return phrase(answer.next_step, **_ANYWHERE)


_ANYWHERE = {
    SEND_PLACE.strip("{}"): phrase("as the API says"),
    ASK_PLACE.strip("{}"): phrase(ASK_SOMEWHERE),
    WHERE_PLACE.strip("{}"): phrase("Use the version that the answer and its Link field name."),
    NEEDS_PLACE.strip("{}"): phrase("what the operation needs"),
}
"""What stands in the places of next steps where the route is not asked."""


def in_words(record: RequestRecord) -> tuple[str, str]:
    """What happened, and what to do about it."""
    return cause_in_words(record.verdict, record.status, record.cache)


def cause_in_words(verdict: Verdict, status: int, cache: str = "") -> tuple[str, str]:
    """The same of all requests that ended so."""
    if verdict is Verdict.ALLOWED:
        return _let_through(status, is_cached=cache == "hit")
    if verdict is Verdict.INVALID_REQUEST:
        return (
            phrase("The request does not fit the API's description; the answer listed the places."),
            phrase(
                "Correct them and send it again; the API's document says what the operation takes."
            ),
        )
    if verdict is Verdict.MAINTENANCE:
        return (
            phrase("The API's provider has taken it out of service on purpose."),
            phrase("Try again later."),
        )
    if verdict is Verdict.VALIDATOR_DOWN:
        return (
            phrase("The request could not be checked: no validator of the gateway answered."),
            phrase(RETRY),
        )
    if verdict is Verdict.TOO_LARGE:
        return _too_large(status)
    reason = verdict.value
    for answer in FILTER_ANSWERS:
        if answer.reason == reason:
            return phrase(answer.detail), _next_step(answer)
    for answer in ENVOY_ANSWERS:
        is_of_kind = answer.type == reason.replace("_", "-")
        if is_of_kind and (answer.status in {0, status} or not answer.flags):
            return phrase(answer.detail), phrase(answer.next_step)
    return phrase("The gateway refused the request: {reason}.", reason=reason.replace("_", " ")), ""


def _too_large(status: int) -> tuple[str, str]:
    for answer in (*FILTER_ANSWERS, *ENVOY_ANSWERS):
        if (answer.type, answer.status) == ("too-large", status):
            return phrase(answer.detail), phrase(answer.next_step)
    return (
        phrase("The request's body, URL or headers are larger than the API or the gateway takes."),
        phrase("Send a smaller body, fewer or shorter parameters and headers."),
    )


def _let_through(status: int, *, is_cached: bool) -> tuple[str, str]:
    if is_cached:
        return phrase("The gateway let the request through and answered it from its cache."), ""
    if status >= 500:
        return (
            phrase(
                "The gateway let the request through; the upstream itself answered {status}.",
                status=status,
            ),
            phrase("Ask the API's provider, with the request id."),
        )
    told = phrase(
        "The gateway let the request through and the upstream answered {status}.", status=status
    )
    return told, ""
