"""How do templates write instants, numbers, amounts and sentences? The same everywhere."""

import re
from datetime import datetime
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from headgate.web.site import words

register = template.Library()
BYTE_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
SHORT_FROM = 10_000
CODE = re.compile(r"`([^`]+)`")


@register.filter
def instant(value: datetime | None) -> SafeString | str:
    """`<time>` with the exact instant in UTC; scripts may show it in the reader's own zone."""
    if value is None:
        return "–"
    return format_html(
        '<time datetime="{}">{} UTC</time>',
        value.isoformat(timespec="seconds").replace("+00:00", "Z"),
        value.strftime("%Y-%m-%d %H:%M"),
    )


@register.filter
def said(value: str) -> str:
    """What a service says, in the reader's language."""
    return words.said(value)


@register.filter
def prose(value: str) -> SafeString:
    """What a service says, in the reader's language, with what stands in `backticks` as code."""
    parts = enumerate(CODE.split(words.said(value)))  # every other one was found
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", x) if n % 2 else x,) for n, x in parts)
    )


@register.filter
def ago(value: datetime | None) -> SafeString | str:
    """`<time>` that says how long ago, with the exact instant as its title."""
    if value is None:
        return "–"
    exact = value.strftime("%Y-%m-%d %H:%M:%S UTC")
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        value.isoformat(timespec="seconds").replace("+00:00", "Z"),
        exact,
        _("%(time)s ago") % {"time": timesince(value, depth=1)},
    )


@register.filter
def count(value: float | None) -> str:
    """A number for people: 1,234, 12.3k, 4.5M."""
    if value is None:
        return "–"
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit and value >= SHORT_FROM:
            return f"{value / limit:.3g}{letter}"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


@register.filter
def ratio(value: float | None) -> str:
    """A share of one as per cent."""
    return "–" if value is None else f"{value * 100:.2f} %"


@register.filter
def size(value: float | None) -> str:
    """Bytes in the unit that fits."""
    if value is None:
        return "–"
    amount, unit = float(value), BYTE_UNITS[0]
    for unit in BYTE_UNITS:  # the unit that it ended at is used below
        if amount < 1024 or unit == BYTE_UNITS[-1]:
            break
        amount /= 1024
    return f"{amount:,.0f} {unit}" if unit == "bytes" else f"{amount:,.1f} {unit}"


@register.filter
def milliseconds(value: float | None) -> str:
    """Milliseconds with the digits that matter."""
    if value is None:
        return "–"
    return f"{value:.1f} ms" if value < 100 else f"{value:,.0f} ms"


@register.simple_tag(takes_context=True)
def with_query(context: dict[str, Any], **changes: object) -> str:
    """The query of this page with some fields changed; an empty one is left out."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        if value in {"", None}:
            query.pop(name, None)
        else:
            query[name] = str(value)
    text = query.urlencode()
    return f"?{text}" if text else "?"
