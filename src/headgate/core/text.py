"""How are names written? One rule for everything a person names."""

import re

NAME_CHARACTERS_MAX = 63  # a DNS label, so that a name may become part of a host name
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")


def name_error(name: str) -> str | None:
    """Why `name` cannot name an API, product, plan, organization or application; None if it can."""
    if len(name) > NAME_CHARACTERS_MAX:
        return f"{name[:20]!r}… is longer than {NAME_CHARACTERS_MAX} characters"
    if _NAME.fullmatch(name) is None:
        return f"{name!r} is not a name: a-z, 0-9, '.', '_', '-', a letter or digit at both ends"
    return None


def slug(text: str) -> str:
    """`text` as a name, for suggestions: lower case, everything else a hyphen."""
    found = re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._")
    return found[:NAME_CHARACTERS_MAX] or "unnamed"
