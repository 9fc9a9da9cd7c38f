"""Which header fields and words tell callers that a version or an operation ends?

Source: RFC 9745 (`Deprecation`, a structured date), RFC 8594 (`Sunset`, an HTTP date),
RFC 8288 and RFC 5829 (`Link`, `successor-version`).
"""

from email.utils import format_datetime

from headgate.gateway.routing import quoted
from headgate.model.lifecycle import Notice

WHERE_WORD = "where"  # in a route's metadata: where callers go
ASK = "Ask the provider of this API."


def notice_fields(notice: Notice) -> dict[str, str]:
    """The fields of an answer, by name; a field that has nothing to say is left out."""
    found = {"deprecation": f"@{int(notice.deprecated_at.timestamp())}"}
    if notice.sunset_at is not None:
        found["sunset"] = format_datetime(notice.sunset_at, usegmt=True)
    if links := _links(notice):
        found["link"] = ", ".join(links)
    return found


def retired_words(notice: Notice) -> dict[str, str]:
    """What the answer 410 needs to know of a route: its fields, and where to go.

    Every word is there, an empty one for a field that the answer does not have.
    """
    fields = dict.fromkeys(("deprecation", "sunset", "link"), "") | notice_fields(notice)
    return fields | {WHERE_WORD: _where(notice)}


def _links(notice: Notice) -> list[str]:
    found = []
    if notice.link:
        found.append(f'<{notice.link}>; rel="deprecation"; type="text/html"')
        if notice.sunset_at is not None:
            found.append(f'<{notice.link}>; rel="sunset"; type="text/html"')
    if notice.successor:
        found.append(f'<{quoted(notice.successor_path) or "/"}>; rel="successor-version"')
    return found


def _where(notice: Notice) -> str:
    parts = []
    if notice.successor:
        choice = f" with {notice.successor_choice}" if notice.successor_choice else ""
        parts.append(f"Use {notice.successor} at {quoted(notice.successor_path) or '/'}{choice}.")
    if notice.link:
        parts.append(f"More: {notice.link}")
    return " ".join(parts) or ASK
