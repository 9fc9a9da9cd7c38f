"""A call with fetch, as in Node.js 20 and later.

Source: ECMA-262 §12.9.4 "String Literals" (U+2028 and U+2029 may stand in them since 2019).
"""

import json
from collections.abc import Iterator

from headgate.catalog.sample import (
    KEY_VARIABLE,
    FileBody,
    FormBody,
    JSONBody,
    Language,
    SampleRequest,
    languages,
)

_SEPARATORS = {"\u2028": "\\u2028", "\u2029": "\\u2029", "\x7f": "\\u007f"}


@languages.register("javascript")
class JavaScript(Language):
    """An ES module."""

    title = "JavaScript"
    file_name = "call.mjs"
    position = 3

    def write(self, request: SampleRequest) -> str:
        """A module of one call."""
        before = "\n".join(_before(request))
        options = "".join(f"  {one},\n" for one in _options(request))
        return (
            f"{before}const response = await fetch({_url(request)}, {{\n{options}}});\n"
            "console.log(response.status);\nconsole.log(await response.text());\n"
        )


def quoted(text: str) -> str:
    """A string literal."""
    return _escaped(json.dumps(text, ensure_ascii=False))


def _escaped(text: str) -> str:
    for letter, escape in _SEPARATORS.items():
        text = text.replace(letter, escape)
    return text


def _url(request: SampleRequest) -> str:
    if request.has_key_in_query:
        return f"{quoted(request.url_before_key)} + process.env.{KEY_VARIABLE}"
    return quoted(request.url)


def _before(request: SampleRequest) -> Iterator[str]:
    """What has to stand before the call: the file, and a form with several parts."""
    body = request.body
    has_file = isinstance(body, FormBody) and any(one.file_name for one in body.fields)
    if has_file or isinstance(body, FileBody):
        yield 'import { openAsBlob } from "node:fs";\n\n'
    if not isinstance(body, FormBody) or not body.is_multipart:
        return
    lines = ["const form = new FormData();"]
    for one in body.fields:
        kind = f", {{ type: {quoted(one.content_type)} }}" if one.content_type else ""
        if one.file_name:
            sent = f"await openAsBlob({quoted(one.file_name)}{kind}), {quoted(one.file_name)}"
        else:
            sent = f"new Blob([{quoted(one.value)}]{kind})" if kind else quoted(one.value)
        lines.append(f"form.append({quoted(one.name)}, {sent});")
    yield "\n".join(lines) + "\n\n"


def _options(request: SampleRequest) -> Iterator[str]:
    yield f"method: {quoted(request.method)}"
    headers = [f"{quoted(name)}: {quoted(value)}" for name, value in request.headers]
    if request.header_key:
        key = request.header_key
        before = f"{quoted(key.prefix)} + " if key.prefix else ""
        headers.insert(0, f"{quoted(key.name)}: {before}process.env.{KEY_VARIABLE}")
    if headers:
        yield "headers: {\n" + "".join(f"    {one},\n" for one in headers) + "  }"
    body = request.body
    if isinstance(body, JSONBody):
        yield f"body: JSON.stringify({_escaped(body.text).replace(chr(10), chr(10) + '  ')})"
    elif isinstance(body, FileBody):
        yield f"body: await openAsBlob({quoted(body.file_name)})"
    elif isinstance(body, FormBody):
        pairs = (f"    [{quoted(one.name)}, {quoted(one.value)}],\n" for one in body.fields)
        yield (
            "body: form"
            if body.is_multipart
            else ("body: new URLSearchParams([\n" + "".join(pairs) + "  ])")
        )
    elif body is not None:
        yield f"body: {quoted(body.text)}"
