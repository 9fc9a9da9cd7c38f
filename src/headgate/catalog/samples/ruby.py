"""A call with Ruby and its standard library.

Source: Ruby documentation, "Literals": `#` begins code in double quotes.
"""

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

_ESCAPES = {"\\": "\\\\", '"': '\\"', "#": "\\#", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@languages.register("ruby")
class Ruby(Language):
    """A script."""

    title = "Ruby"
    file_name = "call.rb"
    position = 8

    def write(self, request: SampleRequest) -> str:
        """A script of one call."""
        method, has_answer = quoted(request.method), str(request.method != "HEAD").lower()
        has_body = str(request.body is not None).lower()
        lines = [
            'require "net/http"',
            "",
            f"uri = URI({_url(request)})",
            f"request = Net::HTTPGenericRequest.new({method}, {has_body}, {has_answer}, uri)",
            *_headers(request),
            *_body(request),
            'is_tls = uri.scheme == "https"',
            "response = Net::HTTP.start(uri.host, uri.port, use_ssl: is_tls) do |http|",
            "  http.request(request)",
            "end",
            "puts response.code",
            "puts response.body",
        ]
        return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """A string literal in double quotes."""
    return '"' + "".join(_ESCAPES.get(one) or _shown(one) for one in text) + '"'


def _shown(letter: str) -> str:
    return letter if letter.isprintable() else f"\\u{{{ord(letter):x}}}"


def _url(request: SampleRequest) -> str:
    """`URI` takes neither `[` nor `|` in a query."""
    text = request.url_before_key if request.has_key_in_query else request.url
    for letter in "[]|":
        text = text.replace(letter, f"%{ord(letter):02X}")
    return f'{quoted(text)} + ENV["{KEY_VARIABLE}"]' if request.has_key_in_query else quoted(text)


def _headers(request: SampleRequest) -> Iterator[str]:
    if request.header_key:
        key = request.header_key
        before = f"{quoted(key.prefix)} + " if key.prefix else ""
        yield f'request[{quoted(key.name)}] = {before}ENV["{KEY_VARIABLE}"]'
    for name, value in request.headers:
        yield f"request[{quoted(name)}] = {quoted(value)}"


def _body(request: SampleRequest) -> Iterator[str]:
    body = request.body
    if isinstance(body, FileBody):
        yield f"request.body = File.binread({quoted(body.file_name)})"
    elif isinstance(body, FormBody):
        parts = "".join(f"  {_part(one, body.is_multipart)},\n" for one in body.fields)
        if body.is_multipart:
            yield f'request.set_form([\n{parts}], "multipart/form-data")'
        else:
            yield f"request.set_form_data([\n{parts}])"
    elif isinstance(body, JSONBody):
        # no line of JSON is the word that ends it, and nothing in it is read as code
        lines = "\n".join(f"  {line}" for line in body.text.split("\n"))
        yield f"request.body = <<~'JSON'.chomp\n{lines}\nJSON"
    elif body is not None:
        yield f"request.body = {quoted(body.text)}"


def _part(one: object, is_multipart: bool) -> str:  # noqa: FBT001  # the form's own flag
    name, value = quoted(getattr(one, "name", "")), quoted(getattr(one, "value", ""))
    file, kind = getattr(one, "file_name", ""), getattr(one, "content_type", "")
    # without a name of a file Ruby leaves the type out; a browser says "blob"
    named = "" if file else 'filename: "blob", '
    options = f", {{ {named}content_type: {quoted(kind)} }}" if kind and is_multipart else ""
    if file:
        return f'[{name}, File.open({quoted(file)}, "rb"){options}]'
    return f"[{name}, {value}{options}]"
