"""Which pages do the two sites have? Those that links lead to, one address of each kind.

Found as a person finds them, from the first page on: a page that is added tomorrow and linked is
among them without being named here.
"""

import html
import re
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from django.urls import Resolver404, resolve

LINK = re.compile(r'<a\b[^>]*?\shref="(/[^"#]*)')
START = "/console", "/"
APART = ("format=",)  # the same list for programs


def walk(get: Callable[[str], str | None], starts: Iterable[str] = START) -> dict[str, str]:
    """The kinds of pages with one address each, in the order in which they are found.

    `get` gives a page's text, None for what is no page. Links of `starts` are followed also where
    there are several of one kind.
    """
    found: dict[str, str] = {}
    waiting = list(starts)
    first = set(waiting)
    while waiting:
        address = waiting.pop(0)
        kind = kind_of(address)
        if not kind or (kind in found and address not in first):
            continue
        first.discard(address)
        text = get(address)
        if text is None:
            continue
        found.setdefault(kind, address)
        targets = [html.unescape(one) for one in LINK.findall(text)]
        waiting += [one for one in targets if not any(part in one for part in APART)]
    return found


def kind_of(address: str) -> str:
    """The name of an address in `urls.py`, with what makes it a page of its own; "" for none."""
    parts = urlsplit(address)
    try:
        match = resolve(parts.path)
    except Resolver404:
        return ""
    own = [str(match.kwargs[name]) for name in ("place", "kind", "file") if name in match.kwargs]
    own += [name for name in ("kind", "as") if f"{name}=" in parts.query]
    return " ".join([match.url_name, *own]) if match.url_name else ""
