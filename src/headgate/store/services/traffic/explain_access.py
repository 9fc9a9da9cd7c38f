"""Did a request need a grant for sensitive data, and did its application have one?"""

from headgate.core.phrases import phrase, words_of
from headgate.model.record import RequestRecord, Verdict
from headgate.store.models import Operation, SensitiveMark
from headgate.store.services.alerts import notices
from headgate.store.services.consumers import data_access, sensitive_marks


def access(record: RequestRecord) -> tuple[str, str] | None:
    """The outcome and what to say of it, with whom to ask; None where nothing is sensitive."""
    is_refused = record.verdict is Verdict.ACCESS_NOT_GRANTED
    mark = _mark(record)
    if mark is None:
        told = phrase("The operation was sensitive then, and is not any more: call it again.")
        return ("refused", told) if is_refused else None
    named = {"place": mark.place, "why": mark.why.rstrip(".")}
    if is_refused:
        where = notices.address(sensitive_marks.asked_at(mark)) or phrase("in the developer portal")
        words = words_of(
            "{place} gives sensitive data ({why}), and the application had no grant. "
            "Ask {where}; {owner} decides."
        )
        return "refused", phrase(words, **named, where=where, owner=mark.owner)
    found = data_access.grant_at(record.application, mark, record.started_at)
    if found is None or found.until is None:
        return None  # refused before it was looked at, or marked since
    words = words_of(
        "{place} gives sensitive data ({why}); "
        "the grant {grant} holds until {until:%Y-%m-%d %H:%M} UTC."
    )
    return "passed", phrase(words, **named, grant=found.id, until=found.until)


def _mark(record: RequestRecord) -> SensitiveMark | None:
    row = (
        Operation.objects.filter(
            version__api__name=record.api, version__name=record.version, id=record.operation
        )
        .select_related("version__api")
        .order_by("-pk")
        .first()
    )
    if row is None:
        return None
    return sensitive_marks.of_operation(row.version.api, row.id, row.method, row.path)
