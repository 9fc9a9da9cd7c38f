"""Which values of a request may a policy's text name? Placeholders such as `{{path.id}}`.

`{{path.NAME}}` (of the operation's path template), `{{query.NAME}}`, `{{header.NAME}}`,
`{{method}}`, `{{host}}`, `{{request_id}}`. What a request does not carry is empty.
"""

import re
from dataclasses import dataclass

from headgate.core.phrases import phrase
from headgate.gateway.routing import quoted

PLACEHOLDER = re.compile(r"\{\{\s*([a-z_]+)(?:\.([^{}\s]{1,128}))?\s*\}\}")
PLAIN = frozenset({"method", "host", "request_id"})
NAMED = frozenset({"path", "query", "header"})
PARAMETER = re.compile(r"\{([^{}]+)\}")
_MAGIC = re.compile(r"([^A-Za-z0-9/_])")


@dataclass(frozen=True, slots=True)
class Value:
    """One placeholder: what it is taken from, and the name there."""

    source: str
    name: str = ""


def pieces(text: str) -> list[str | Value]:
    """A text as literal pieces and values, in order.

    Raises:
        ValueError: a placeholder that means nothing.
    """
    found: list[str | Value] = []
    at = 0
    for match in PLACEHOLDER.finditer(text):
        found.append(text[at : match.start()])
        source, name = match.group(1), match.group(2) or ""
        if not (source in PLAIN and not name) and not (source in NAMED and name):
            raise ValueError(
                phrase(
                    "{place} names no value of a request; there are "
                    "path.NAME, query.NAME, header.NAME, method, host and request_id",
                    place=match.group(0),
                )
            )
        found.append(Value(source, name.lower() if source == "header" else name))
        at = match.end()
    found.append(text[at:])
    if "{{" in "".join(piece for piece in found if isinstance(piece, str)):
        raise ValueError(
            phrase("{{{{ begins a placeholder such as {{{{path.id}}}}, and one is not closed")
        )
    return [piece for piece in found if piece != ""]


def unknown_parameters(text: str, template: str) -> list[str]:
    """Names of path parameters in `text` that the template does not have."""
    known = set(PARAMETER.findall(template))
    return [
        value.name
        for value in pieces(text)
        if isinstance(value, Value) and value.source == "path" and value.name not in known
    ]


def takes_rest(parameter: str) -> bool:
    """Whether a path parameter takes several segments: `{+rest}` or `{rest*}`."""
    return parameter.startswith("+") or parameter.endswith(("+", "*"))


def lua_pattern(template: str) -> tuple[str, list[str]]:
    """The template as a pattern of Lua's with a capture per parameter, and their names.

    Source: Lua 5.1 reference manual §5.4.1.
    """
    parts = PARAMETER.split(template)
    made = ["^"]
    for index, part in enumerate(parts):
        if index % 2 == 0:
            made.append(_MAGIC.sub(r"%\1", quoted(part)))
        else:
            made.append("(.+)" if takes_rest(part) else "([^/]+)")
    return "".join([*made, "$"]), [name.strip("+*") for name in parts[1::2]]
