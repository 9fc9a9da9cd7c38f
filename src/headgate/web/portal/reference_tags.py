"""How do templates write what stands in an API's document?"""

import json
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe

from headgate.catalog.reference.markdown import html
from headgate.catalog.sample import header_name

VALUE_CHARACTERS_MAX = 20_000
register = template.Library()


@register.filter
def markdown(text: str) -> SafeString:
    """A description as HTML, out of which everything that could run has been taken."""
    return mark_safe(html(text))  # noqa: S308  # sanitized: catalog/reference/markdown.py


@register.filter
def json_value(value: Any) -> str:
    """A value as a reader reads it: JSON with two spaces, texts that are bodies as they are."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return text if len(text) <= VALUE_CHARACTERS_MAX else text[: VALUE_CHARACTERS_MAX - 1] + "…"


register.filter("header_name", header_name)
