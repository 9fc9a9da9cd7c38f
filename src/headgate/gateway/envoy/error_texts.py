"""How does Envoy write the answers of an API that wants them in a form of its own?

Mappers that stand before the general ones, guarded by the route's metadata. The guard is looked at
last, when status and reason fit already: other APIs' refusals pay little, requests nothing.
"""

import json
from collections.abc import Iterable
from xml.sax.saxutils import escape

from headgate.gateway.envoy import wire
from headgate.gateway.envoy.answers import Answer
from headgate.gateway.envoy.wire import JSON
from headgate.gateway.error_bodies import ERRORS_WORD, PLACE, ErrorBody, ErrorTexts
from headgate.gateway.policy import parse, policies
from headgate.model.logline import METADATA_NAMESPACE
from headgate.model.snapshot import PolicyUse, Snapshot

ERROR_TEXTS_MAX = 16  # different sets at one gateway: a refusal may look at each


def error_texts(snapshot: Snapshot) -> tuple[ErrorTexts, ...]:
    """The different sets of texts that hold anywhere, in a lasting order."""
    places: list[Iterable[PolicyUse]] = [snapshot.policies]
    for api in snapshot.apis:
        places.append(api.policies)
        places += [one.policies for one in api.operations if one.policies]
    own = (use for uses in places for use in uses if policies[use.kind].writes_errors)
    found = (parse(use).error_texts() for use in own)
    by_key = {one.key: one for one in found if one is not None}
    return tuple(by_key[key] for key in sorted(by_key))


def body_of(texts: ErrorTexts, answer: Answer, status: int) -> ErrorBody | None:
    """The first text that is for this answer."""
    return next((one for one in texts.bodies if one.fits(answer.type, status)), None)


def statuses(texts: ErrorTexts) -> list[int]:
    """Every status that one of the texts asks for."""
    return sorted({status for one in texts.bodies for status in one.statuses})


def holds_here(texts: ErrorTexts) -> JSON:
    """A filter of Envoy's: whether the route has these texts."""
    place = f"xds.route_metadata.filter_metadata['{METADATA_NAMESPACE}']['{ERRORS_WORD}']"
    return {
        "extension_filter": wire.extension(
            "envoy.access_loggers.extension_filters.cel",
            "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
            expression=f"{place} == '{texts.key}'",
        )
    }


def body_format(body: ErrorBody, members: dict[str, str]) -> JSON:
    """Envoy's format of one text; `members` are escaped and may hold Envoy's commands."""
    parts, end = [], 0
    for found in PLACE.finditer(body.body):
        parts += [body.body[end : found.start()].replace("%", "%%"), members[found.group(1)]]
        end = found.end()
    parts.append(body.body[end:].replace("%", "%%"))
    return {
        "text_format_source": {"inline_string": "".join(parts)},
        "content_type": body.content_type,
    }


def escaped(text: str, form: str) -> str:
    """Plain text inside a string of JSON, or an element or attribute of XML; Envoy's `%` too."""
    if form == "json":
        text = json.dumps(text)[1:-1]
    elif form == "xml":
        text = escape(text, {'"': "&quot;", "'": "&#39;"})
    return text.replace("%", "%%")
