"""Under which path is an API served? The rules for base paths.

Source: RFC 3986 §3.3 (characters of a path), §5.2.4 (dot segments).
"""

import re

from headgate.core.phrases import phrase
from headgate.core.problems import Problem, ProblemType

BASE_PATH_CHARACTERS_MAX = 500

_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~!$&'()+,;=:@-]|%[0-9A-Fa-f]{2})+")
_NEXT_STEP = "Write it like /shop or /shop/v2."


def normalise(text: str) -> str:
    """A base path as it is stored: `/shop/v2`, or "" for the root; a `/` at the end is dropped.

    Raises:
        Problem: not an absolute path, or with an empty, dotted or templated segment, a query,
            a fragment, or characters that a path cannot have.
    """
    path = text.strip()
    mistake = _mistake(path)
    if mistake:
        raise Problem(
            ProblemType.INVALID_INPUT,
            phrase("The base path {text!r} {mistake}.", text=text[:80], mistake=mistake),
            _NEXT_STEP,
        )
    return path.rstrip("/")


def _mistake(path: str) -> str | None:
    if not path.startswith("/") and path:
        return "does not start with '/'"
    if len(path) > BASE_PATH_CHARACTERS_MAX:
        return f"is longer than {BASE_PATH_CHARACTERS_MAX} characters"
    for sign, what in (("?", "a query"), ("#", "a fragment"), ("{", "a template")):
        if sign in path:
            return f"has {what} in it"
    if path in ("", "/"):
        return None
    for segment in path.removesuffix("/")[1:].split("/"):
        if not segment:
            return "has an empty segment ('//')"
        if re.sub("%2e", ".", segment, flags=re.IGNORECASE) in (".", ".."):
            return f"has the segment {segment!r}"
        if "%2f" in segment.lower():
            return "has an escaped '/' in it"
        if _SEGMENT.fullmatch(segment) is None:
            return f"has characters in {segment!r} that a path cannot have"
    return None
