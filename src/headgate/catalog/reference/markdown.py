"""How does a stranger's Markdown become HTML that can do nothing but be read?

CommonMark with tables; HTML in it is parsed and all but a list of harmless elements is taken out.
Pictures become links: a page asks no other host. Headings begin below those of the page.

Source: CommonMark 0.31; OWASP "Cross Site Scripting Prevention" (sanitize what is HTML).
"""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

MARKDOWN_CHARACTERS_MAX = 50_000
RENDERED_MAX = 2_000  # texts whose HTML is kept
KEPT_CHARACTERS_MAX = 4_000  # a longer text is rendered each time
HEADING_FIRST = 3
OWN_HEADING_FIRST = 2
HEADING_LAST = 6
_TAGS = frozenset(
    {"a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em"}
    | {"h2", "h3", "h4", "h5", "h6", "hr", "i", "ins", "kbd", "li", "mark", "ol", "p", "pre"}
    | {
        "q",
        "s",
        "samp",
        "small",
        "span",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "th",
    }
    | {"thead", "tr", "u", "ul", "var"}
)
_ATTRIBUTES: dict[str, set[str]] = {"a": {"href", "title"}, "ol": {"start"}, "abbr": {"title"}}
_ADDRESSES = ("https://", "http://", "mailto:")
_GONE = frozenset({"script", "style", "template", "iframe", "object", "svg", "math", "noscript"})


def html(text: str) -> str:
    """Safe HTML of a Markdown text."""
    text = text[:MARKDOWN_CHARACTERS_MAX]
    return _kept(text) if len(text) <= KEPT_CHARACTERS_MAX else _rendered(text)


def html_of_operators(text: str) -> str:
    """Safe HTML of what operators write as pages: it may lead to pages of ours, and has no
    heading above it but the title."""
    rendered = _markdown().render(text[:MARKDOWN_CHARACTERS_MAX], {"first": OWN_HEADING_FIRST})
    return _cleaned(rendered, (*_ADDRESSES, "/"))


def plain(text: str, characters_max: int) -> str:
    """The words of a Markdown text, for places where no HTML stands."""
    rendered = nh3.clean(html(text), tags=set(), clean_content_tags=set(_GONE))
    words = " ".join(_unescaped(rendered).split())
    return words if len(words) <= characters_max else words[: characters_max - 1].rstrip() + "…"


def _unescaped(text: str) -> str:
    """The text of HTML that has no elements."""
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&amp;", "&")):
        text = text.replace(entity, letter)
    return text


@lru_cache(maxsize=RENDERED_MAX)
def _kept(text: str) -> str:
    return _rendered(text)


def _rendered(text: str) -> str:
    return _cleaned(_markdown().render(text), _ADDRESSES)


def _cleaned(rendered: str, addresses: tuple[str, ...]) -> str:
    return nh3.clean(
        rendered,
        tags=set(_TAGS),
        clean_content_tags=set(_GONE),
        attributes=_ATTRIBUTES,
        attribute_filter=partial(_attribute, addresses),
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener",
        strip_comments=True,
    )


def _attribute(addresses: tuple[str, ...], _element: str, name: str, value: str) -> str | None:
    """Only whole addresses: one without a host would be a page of ours that a stranger chose."""
    target = value.strip().lower()
    if name == "href" and (not target.startswith(addresses) or target.startswith(("//", "/\\"))):
        return None
    if name == "start" and not value.isdecimal():
        return None
    return value


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable(
        ["table", "strikethrough"]
    )
    parser.core.ruler.push("headings_below", _lower_headings)
    parser.add_render_rule("image", _picture_link)
    return parser


def _lower_headings(state: Any) -> None:
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            level = int(token.tag[1:]) + state.env.get("first", HEADING_FIRST) - 1
            token.tag = f"h{min(level, HEADING_LAST)}"


def _picture_link(
    renderer: Any, tokens: Sequence[Token], index: int, options: Any, environment: Any
) -> str:
    token = tokens[index]
    text = renderer.renderInlineAsText(token.children or [], options, environment)
    address = str(token.attrGet("src") or "")
    return f'<a href="{_escaped(address)}">{_escaped(text) or "picture"}</a>'


def _escaped(text: str) -> str:
    for letter, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(letter, entity)
    return text
