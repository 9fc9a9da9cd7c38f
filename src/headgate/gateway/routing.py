"""Which operation does a request belong to? Path templates, their order, and the oracle.

The rule, the same here and in Envoy (`gateway/envoy/routes.py` compiles it, tests compare):

1. The API is the one with the longest base path that the path begins with, whole segments.
2. Within it the most specific template that matches decides: compared from the left, literal
   text goes before a parameter (OpenAPI 3.1, "Paths Object").
3. Within the template the method decides: none is `method_not_allowed`.

Paths are compared as sent, after dot segments are resolved: `%2F` is not `/`, `//` is an empty
segment that no parameter takes, a trailing slash counts, upper and lower case differ.
A dot segment hidden behind an encoded slash is on no path at all.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from headgate.model.snapshot import SnapshotAPI, SnapshotOperation

_PARAMETER = re.compile(r"\{([^{}]*)\}")
_UNRESERVED = "%!$&'()*+,;=:@~-._/"  # RFC 3986 pchar and "/": everything else is percent-encoded
_SEGMENT_REGEX = "[^/?#]+"
_REST_REGEX = "[^?#]+"  # {name+}, {+name}, {name*}: RFC 6570 reserved expansion

DEPTH_MAX = 32  # paths that are deeper have no depth of their own
DEPTH_VARIES = -1

HIDDEN_DOTS_REGEX = (
    r"(?i)[^?]*(?:"
    r"(?:/|\\|%2f|%5c)(?:\.|%2e){1,2}(?:%2f|%5c).*"
    r"|(?:%2f|%5c)(?:\.|%2e){1,2}(?:[/?].*)?"
    r")"
)
"""A path and query in which `.` or `..` stands beside an encoded slash. An upstream that decodes
before it resolves would serve another operation than the one that was checked and recorded. There
is a `%` in every such path."""


def quoted(path: str) -> str:
    """A literal path as it stands in a request: what RFC 3986 does not allow is encoded."""
    return quote(path, safe=_UNRESERVED)


@dataclass(frozen=True, slots=True)
class PathTemplate:
    """A path template with the base path in front, taken apart.

    `prefix` is the literal text before the first parameter, `regex` matches whole paths (both
    percent-encoded), `order` sorts templates most specific first, `is_literal` says that there
    is no parameter, `is_open` that behind `prefix` stand parameters alone, each a whole segment.
    `depth` is the number of segments: 0 when one of them is empty or they are more than
    `DEPTH_MAX`, `DEPTH_VARIES` when a parameter takes several. Two templates with one `regex` are
    the same path to a caller.
    """

    prefix: str
    regex: str
    order: tuple[tuple[int, int, int, str], ...]
    depth: int
    is_literal: bool
    is_open: bool


@lru_cache(maxsize=65_536)
def parse_template(path: str) -> PathTemplate:
    """`/pets/{id}.json` taken apart."""
    pieces = _PARAMETER.split(path)
    texts = [quoted(text) for text in pieces[::2]]
    regex = [re.escape(texts[0])]
    for name, text in zip(pieces[1::2], texts[1:], strict=True):
        regex += [_REST_REGEX if _takes_rest(name) else _SEGMENT_REGEX, re.escape(text)]
    names, behind = pieces[1::2], texts[1:]
    takes_rest = any(_takes_rest(name) for name in names)
    is_open = (
        bool(names) and not takes_rest and texts[0].endswith("/") and behind[-1] == ""
    ) and all(text == "/" for text in behind[:-1])
    depth = DEPTH_VARIES if takes_rest else _depth(path)
    return PathTemplate(texts[0], "".join(regex), _order(path), depth, not names, is_open)


def _depth(path: str) -> int:
    segments = _PARAMETER.sub("x", path).split("/")[1:]
    return len(segments) if all(segments) and len(segments) <= DEPTH_MAX else 0


def _order(path: str) -> tuple[tuple[int, int, int, str], ...]:
    """Per segment: literal text first, then the longer literal start, then the longer literal.

    Agrees with "longest `prefix` first", which is how Envoy's match tree looks.
    """
    order: list[tuple[int, int, int, str]] = []
    for segment in path.split("/"):
        names = _PARAMETER.findall(segment)
        if not names:
            order.append((0, 0, 0, segment))
            continue
        start, literal = segment.index("{"), len(_PARAMETER.sub("", segment))
        takes_rest = any(_takes_rest(name) for name in names)
        order.append((1, -start, 1 if takes_rest else 0, f"{99_999 - literal:05d}"))
    return tuple(order)


def _takes_rest(name: str) -> bool:
    return name.startswith("+") or name.endswith(("+", "*"))


@dataclass(frozen=True, slots=True)
class PathGroup:
    """All operations of one API that a caller reaches under the same path."""

    template: PathTemplate
    operations: tuple[SnapshotOperation, ...]

    @property
    def allow(self) -> str:
        """The value of the `Allow` header. Source: RFC 9110 §10.2.1."""
        return ", ".join(sorted({operation.method for operation in self.operations}))


def path_groups(api: SnapshotAPI) -> list[PathGroup]:
    """The API's operations by path, most specific first."""
    found: dict[str, tuple[PathTemplate, list[SnapshotOperation]]] = {}
    for operation in api.operations:
        template = parse_template(api.base_path + operation.path)
        found.setdefault(template.regex, (template, []))[1].append(operation)
    groups = [PathGroup(template, tuple(operations)) for template, operations in found.values()]
    return sorted(groups, key=lambda group: group.template.order)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a request is for. `kind` as in the route's metadata; `allow` with a wrong method."""

    kind: str
    api: SnapshotAPI | None = None
    operation: SnapshotOperation | None = None
    allow: str = ""


NOWHERE = Decision("no_route")


class Oracle:
    """The rule in plain Python: slow, obvious, the yardstick for Envoy."""

    def __init__(self, apis: Iterable[SnapshotAPI]) -> None:
        self._apis = sorted(apis, key=lambda api: len(api.base_path), reverse=True)
        self._groups = {api.row: path_groups(api) for api in self._apis}

    def decide(self, method: str, target: str) -> Decision:
        """What `method target` is for; `target` as it stands after dot segments are resolved."""
        if re.fullmatch(HIDDEN_DOTS_REGEX, target):
            return NOWHERE
        path = target.partition("?")[0]
        for api in self._apis:
            base = quoted(api.base_path)
            if path == base or path.startswith(base + "/"):
                return self._within(api, method, path)
        return NOWHERE

    def _within(self, api: SnapshotAPI, method: str, path: str) -> Decision:
        for group in self._groups[api.row]:
            if not re.fullmatch(group.template.regex, path):
                continue
            for operation in group.operations:
                if operation.method == method:
                    return Decision("operation", api, operation)
            return Decision("method_not_allowed", api, None, group.allow)
        return Decision("no_route", api)
