"""Is it still what the caller has seen? Entity tags for reading again and for changing.

Source: RFC 9110 §8.8.3 (ETag), §13.1.1 (If-Match), §13.1.2 (If-None-Match).
"""

import hashlib
import re

from headgate.core.problems import Detail, Problem, ProblemType

_VOLATILE = re.compile(rb'"last_used_at":(?:null|"[^"]*")')
"""Use of a key is no change of it: a tag stays good while the key is being used."""
_TAG = re.compile(r'(W/)?"[^"]*"')
FIELD_PATTERN = r'^(\*|(W/)?"[!#-~]*"(, *(W/)?"[!#-~]*")*)$'
"""What If-Match and If-None-Match may hold: `*`, or tags between commas."""
_FIELD = re.compile(FIELD_PATTERN)


def entity_tag(content: bytes) -> str:
    """The tag of a JSON representation; it changes when anything that a caller can set does."""
    return f'"{hashlib.sha256(_VOLATILE.sub(b"", content)).hexdigest()[:32]}"'


def check_field(name: str, field: str) -> None:
    """Let only well-formed conditions pass: one that is misspelt must not be ignored.

    Raises:
        Problem: the field is not made of entity tags.
    """
    if _FIELD.fullmatch(field) is None:
        raise Problem(
            ProblemType.INVALID_INPUT,
            f"{name} holds no entity tag.",
            'Send the ETag of the answer as it came, with its quotes: "…".',
            [Detail(f"header {name!r} is not `*` or a list of quoted tags")],
        )


def is_named(tag: str, field: str, *, is_weak: bool) -> bool:
    """Does a field value such as `"a", "b"` or `*` name `tag`?

    `is_weak` compares as If-None-Match does; otherwise a weak tag never matches (If-Match).
    """
    if field.strip() == "*":
        return True
    for match in _TAG.finditer(field):
        if match[1] and not is_weak:
            continue
        if match[0].removeprefix("W/") == tag:
            return True
    return False


def changed_meanwhile() -> Problem:
    """The problem of an If-Match that names an older state."""
    return Problem(
        ProblemType.PRECONDITION_FAILED,
        "This has changed since you read it.",
        "Read it again, apply your change to what it is now, and send its new ETag in If-Match.",
    )
