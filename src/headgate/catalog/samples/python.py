"""A call with Python and requests, the client that most use.

Source: Python Language Reference §2.4.1 "String and Bytes literals".
"""

from collections.abc import Iterator
from typing import Any

from headgate.catalog.sample import (
    KEY_VARIABLE,
    FileBody,
    FormBody,
    JSONBody,
    Language,
    SampleRequest,
    languages,
)

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LINE_CHARACTERS_MAX = 60


@languages.register("python")
class Python(Language):
    """A script."""

    title = "Python"
    needs = "pip install requests"
    file_name = "call.py"
    position = 2

    def write(self, request: SampleRequest) -> str:
        """A script of one call."""
        arguments = [quoted(request.method), _url(request), *_arguments(request)]
        lines = "".join(f"    {one},\n" for one in arguments)
        imports = "import os\n\nimport requests\n" if request.key else "import requests\n"
        return (
            f"{imports}\nresponse = requests.request(\n{lines})\n"
            "print(response.status_code)\nprint(response.text)\n"
        )


def quoted(text: str) -> str:
    """A string literal of ASCII and printable characters."""
    return '"' + "".join(_ESCAPES.get(one) or _shown(one) for one in text) + '"'


def literal(value: Any, indent: int = 0) -> str:
    """A JSON value as Python writes it, over several lines where it is long."""
    if isinstance(value, dict):
        parts = [f"{quoted(str(k))}: {literal(v, indent + 4)}" for k, v in value.items()]
        return _bracketed("{", parts, "}", indent)
    if isinstance(value, list):
        return _bracketed("[", [literal(one, indent + 4) for one in value], "]", indent)
    if isinstance(value, str):
        return quoted(value)
    return repr(value)


def _bracketed(opening: str, parts: list[str], closing: str, indent: int) -> str:
    short = opening + ", ".join(parts) + closing
    if len(short) <= _LINE_CHARACTERS_MAX and "\n" not in short:
        return short
    inner = "".join(f"{' ' * (indent + 4)}{part},\n" for part in parts)
    return f"{opening}\n{inner}{' ' * indent}{closing}"


def _shown(letter: str) -> str:
    if letter.isprintable() and not 0xD800 <= ord(letter) <= 0xDFFF:
        return letter
    code = ord(letter)
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )


def _url(request: SampleRequest) -> str:
    if request.has_key_in_query:
        return f'{quoted(request.url_before_key)} + os.environ["{KEY_VARIABLE}"]'
    return quoted(request.url)


def _arguments(request: SampleRequest) -> Iterator[str]:
    headers = {name: quoted(value) for name, value in request.headers}
    if request.header_key:
        key = request.header_key
        variable = f'os.environ["{KEY_VARIABLE}"]'
        headers = {
            key.name: f"{quoted(key.prefix)} + {variable}" if key.prefix else variable
        } | headers
    if headers:
        lines = "".join(f"        {quoted(k)}: {v},\n" for k, v in headers.items())
        yield f"headers={{\n{lines}    }}"
    body = request.body
    if isinstance(body, JSONBody):
        yield f"json={literal(body.value, 4)}"
    elif isinstance(body, FileBody):
        yield f'data=open({quoted(body.file_name)}, "rb")'
    elif isinstance(body, FormBody):
        yield _form(body)
    elif body is not None:
        yield f"data={quoted(body.text)}.encode()"
    yield "timeout=30"


def _form(body: FormBody) -> str:
    if not body.is_multipart:
        parts = [f"({quoted(one.name)}, {quoted(one.value)})" for one in body.fields]
        return f"data={_bracketed('[', parts, ']', 4)}"
    parts = []
    for one in body.fields:
        kind = f", {quoted(one.content_type)}" if one.content_type else ""
        if one.file_name:
            sent = f'({quoted(one.file_name)}, open({quoted(one.file_name)}, "rb"){kind})'
        else:
            sent = f"(None, {quoted(one.value)}{kind})"
        parts.append(f"({quoted(one.name)}, {sent})")
    return f"files={_bracketed('[', parts, ']', 4)}"
