"""A call with PHP and its curl extension.

Source: PHP Manual, "Strings": single quotes hold everything but `'` and `\\`.
"""

from collections.abc import Iterator
from urllib.parse import quote_plus

from headgate.catalog.sample import (
    KEY_VARIABLE,
    FileBody,
    FormBody,
    Language,
    SampleRequest,
    languages,
    part_name,
)

BOUNDARY = "headgate-7f3c2f6e9a53"


@languages.register("php")
class PHP(Language):
    """A script."""

    title = "PHP"
    file_name = "call.php"
    position = 7

    def write(self, request: SampleRequest) -> str:
        """A script of one call."""
        options = "".join(f"    {one},\n" for one in _options(request))
        return (
            f"<?php\n$call = curl_init({_url(request)});\n"
            f"curl_setopt_array($call, [\n{options}]);\n"
            "$answer = curl_exec($call);\n"
            "echo curl_getinfo($call, CURLINFO_RESPONSE_CODE), PHP_EOL, $answer, PHP_EOL;\n"
        )


def quoted(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _url(request: SampleRequest) -> str:
    if request.has_key_in_query:
        return f"{quoted(request.url_before_key)} . getenv('{KEY_VARIABLE}')"
    return quoted(request.url)


def _options(request: SampleRequest) -> Iterator[str]:
    yield "CURLOPT_RETURNTRANSFER => true"
    yield f"CURLOPT_CUSTOMREQUEST => {quoted(request.method)}"
    if request.method == "HEAD":
        yield "CURLOPT_NOBODY => true"
    headers = [quoted(f"{name}: {value}") for name, value in request.headers]
    if request.header_key:
        key = request.header_key
        headers.insert(0, f"{quoted(f'{key.name}: {key.prefix}')} . getenv('{KEY_VARIABLE}')")
    body = request.body
    if isinstance(body, FormBody) and body.is_multipart:
        headers.append(quoted(f"Content-Type: multipart/form-data; boundary={BOUNDARY}"))
    if headers:
        yield (
            "CURLOPT_HTTPHEADER => [\n" + "".join(f"        {one},\n" for one in headers) + "    ]"
        )
    if body is not None:
        yield f"CURLOPT_POSTFIELDS => {_body(body)}"


def _body(body: object) -> str:
    if isinstance(body, FileBody):
        return f"file_get_contents({quoted(body.file_name)})"
    if not isinstance(body, FormBody):
        return quoted(getattr(body, "text", ""))
    if not body.is_multipart:
        pairs = (f"{quote_plus(one.name)}={quote_plus(one.value)}" for one in body.fields)
        return quoted("&".join(pairs))
    parts: list[str] = []
    for one in body.fields:
        file = f'; filename="{part_name(one.file_name)}"' if one.file_name else ""
        kind = one.content_type or ("application/octet-stream" if file else "")
        name = f'name="{part_name(one.name)}"{file}'
        head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {name}\r\n"
        head += f"Content-Type: {kind}\r\n\r\n" if kind else "\r\n"
        parts.append(_lines(head))
        parts.append(
            f"file_get_contents({quoted(one.file_name)})" if one.file_name else quoted(one.value)
        )
        parts.append('"\\r\\n"')
    return "\n        . ".join([*parts, _lines(f"--{BOUNDARY}--\r\n")])


def _lines(text: str) -> str:
    """A text with line ends that an editor does not change."""
    parts = text.split("\r\n")
    return ' . "\\r\\n" . '.join(map(quoted, parts))
