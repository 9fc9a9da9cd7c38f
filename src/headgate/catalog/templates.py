"""Which requests does a path template match? Its parameters, and what is wrong with it.

Source: OpenAPI 3.1.1 §4.8.8.2 "Path Templating".
"""

import re

from headgate.catalog.document import PATH_CHARACTERS_MAX
from headgate.core.phrases import phrase

_PARAMETER = re.compile(r"\{([^{}]*)\}")
_NOT_IN_PATHS = re.compile(r"[\x00-\x20\x7f\\^`|<>\"]")
_DOTS = frozenset({".", ".."})


def parameters(path: str) -> tuple[str, ...]:
    """The names in braces, in order."""
    return tuple(_PARAMETER.findall(path))


def shape(path: str) -> str:
    """The template without its parameters' names: templates of one shape match the same."""
    return _PARAMETER.sub("{}", path)


def mistake(path: str) -> str | None:
    """Why no request can be routed by this template; None if it can."""
    if not path.startswith("/"):
        return phrase("must start with '/'")
    if len(path) > PATH_CHARACTERS_MAX:
        return phrase("is longer than {most:,} characters", most=PATH_CHARACTERS_MAX)
    names = parameters(path)
    bare = _PARAMETER.sub("", path)
    if "{" in bare or "}" in bare:
        return phrase("has a brace without its counterpart")
    if "" in (name.strip() for name in names):
        return phrase("has a parameter without a name")
    if len(set(names)) != len(names):
        return phrase("names a parameter twice")
    if "?" in bare or "#" in bare:
        return phrase("has a query or fragment in it; a request is routed by its path alone")
    if _NOT_IN_PATHS.search(bare) or not bare.isascii():
        return phrase("has characters that a path cannot have; escape them with %")
    segments = path.split("/")[1:]
    if "" in segments[:-1]:
        return phrase("has an empty segment ('//')")
    if _DOTS & set(segments):
        return phrase("has the segment '.' or '..'")
    return None
