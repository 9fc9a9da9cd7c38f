"""A call with curl, for a POSIX shell.

Source: POSIX.1-2017 Shell §2.2.2 (single quotes hold everything but themselves); curl(1).
"""

from collections.abc import Iterator
from urllib.parse import quote

from headgate.catalog.sample import (
    KEY_VARIABLE,
    FileBody,
    FormBody,
    Language,
    SampleRequest,
    languages,
)


@languages.register("curl")
class Curl(Language):
    """The command line."""

    title = "curl"
    file_name = "call.sh"
    position = 1

    def write(self, request: SampleRequest) -> str:
        """One command over several lines."""
        return " \\\n  ".join(_parts(request)) + "\n"


def quoted(text: str) -> str:
    """A word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def _parts(request: SampleRequest) -> Iterator[str]:
    is_head = request.method == "HEAD"
    method = "" if request.method == "GET" else f" -X {request.method}"
    yield "curl --globoff" + (" --head" if is_head else method) + " " + _url(request)
    if request.header_key:
        key = request.header_key
        yield f'-H {quoted(f"{key.name}: {key.prefix}")}"${KEY_VARIABLE}"'
    for name, value in request.headers:
        yield f"-H {quoted(f'{name}: {value}' if value else f'{name};')}"
    body = request.body
    if isinstance(body, FormBody):
        yield from _form(body)
    elif isinstance(body, FileBody):
        yield f"--data-binary {quoted('@' + body.file_name)}"
    elif body is not None:
        yield f"--data-raw {quoted(body.text)}"


def _url(request: SampleRequest) -> str:
    if request.has_key_in_query:
        return f'{quoted(request.url_before_key)}"${KEY_VARIABLE}"'
    return quoted(request.url)


def _form(body: FormBody) -> Iterator[str]:
    for field in body.fields:
        if not body.is_multipart:
            yield f"--data-urlencode {quoted(f'{quote(field.name)}={field.value}')}"
        elif field.file_name:
            kind = f";type={field.content_type}" if field.content_type else ""
            yield f"-F {quoted(f'{_name(field.name)}=@{field.file_name}{kind}')}"
        elif field.content_type:
            text = field.value.replace("\\", "\\\\").replace('"', '\\"')
            part = f'{_name(field.name)}="{text}";type={field.content_type}'
            yield f"-F {quoted(part)}"
        else:
            yield f"--form-string {quoted(f'{_name(field.name)}={field.value}')}"


def _name(name: str) -> str:
    """The name of a part ends at the first `=` for curl."""
    return name.replace("=", "%3D")
