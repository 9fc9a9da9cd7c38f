"""How are names written? One rule for everything a person names."""

import re

from headgate.core.phrases import phrase

NAME_CHARACTERS_MAX = 63  # a DNS label, so that a name may become part of a host name
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")


def name_error(name: str) -> str | None:
    """Why `name` cannot name an API, product, plan, organization or application; None if it can."""
    if len(name) > NAME_CHARACTERS_MAX:
        return phrase(
            "{name!r}… is longer than {most} characters", name=name[:20], most=NAME_CHARACTERS_MAX
        )
    if _NAME.fullmatch(name) is None:
        return phrase(
            "{name!r} is not a name: a-z, 0-9, '.', '_', '-', a letter or digit at both ends",
            name=name,
        )
    return None


def slug(text: str) -> str:
    """`text` as a name, for suggestions: lower case, everything else a hyphen."""
    found = re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._")
    return found[:NAME_CHARACTERS_MAX] or "unnamed"
