"""A call with C# and HttpClient, of .NET 7 and later.

Source: C# Language Specification §6.4.5.6 "String literals".
"""

from collections.abc import Iterator

from headgate.catalog.sample import (
    KEY_VARIABLE,
    FileBody,
    FormBody,
    Language,
    SampleRequest,
    languages,
    part_name,
)

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@languages.register("csharp")
class CSharp(Language):
    """A program of top-level statements."""

    title = "C#"
    file_name = "Program.cs"
    position = 6

    def write(self, request: SampleRequest) -> str:
        """A program of one call."""
        method = f"new HttpMethod({quoted(request.method)})"
        program = [
            "using System.Net.Http.Headers;",
            "",
            "using var client = new HttpClient();",
            f"using var request = new HttpRequestMessage({method}, {_url(request)});",
            *_headers(request),
            *_body(request),
            "using var response = await client.SendAsync(request);",
            "Console.WriteLine((int)response.StatusCode);",
            "Console.WriteLine(await response.Content.ReadAsStringAsync());",
        ]
        return "\n".join(program) + "\n"


def quoted(text: str) -> str:
    """A regular string literal of ASCII."""
    return '"' + "".join(_ESCAPES.get(one) or _shown(one) for one in text) + '"'


def _shown(letter: str) -> str:
    if 0x20 <= ord(letter) < 0x7F:
        return letter
    units = letter.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def lines(text: str) -> str:
    """A raw literal where that is possible, else line by line."""
    if (
        "\n" in text
        and '"""' not in text
        and all(0x20 <= ord(one) < 0x7F or one == "\n" for one in text)
    ):
        block = text.replace("\n", "\n    ")
        return f'"""\n    {block}\n    """'
    parts = text.split("\n")
    texts = [f"{part}\n" for part in parts[:-1]] + [parts[-1]]
    return "\n    + ".join(map(quoted, texts))


def _url(request: SampleRequest) -> str:
    if request.has_key_in_query:
        variable = f'Environment.GetEnvironmentVariable("{KEY_VARIABLE}")'
        return f"{quoted(request.url_before_key)} + {variable}"
    return quoted(request.url)


def _headers(request: SampleRequest) -> Iterator[str]:
    if request.header_key:
        key = request.header_key
        variable = f'Environment.GetEnvironmentVariable("{KEY_VARIABLE}")'
        before = f"{quoted(key.prefix)} + " if key.prefix else ""
        yield f"request.Headers.TryAddWithoutValidation({quoted(key.name)}, {before}{variable});"
    for name, value in request.headers:
        if name.lower() != "content-type":
            yield f"request.Headers.TryAddWithoutValidation({quoted(name)}, {quoted(value)});"


def _body(request: SampleRequest) -> Iterator[str]:
    body = request.body
    if body is None:
        return
    if isinstance(body, FormBody):
        yield from _form(body)
        return
    if isinstance(body, FileBody):
        made = f"new ByteArrayContent(File.ReadAllBytes({quoted(body.file_name)}))"
    else:
        made = f"new StringContent({lines(body.text)})"
    yield f"request.Content = {made};"
    for name, value in request.headers:
        if name.lower() == "content-type":
            parsed = f"MediaTypeHeaderValue.Parse({quoted(value)})"
            yield f"request.Content.Headers.ContentType = {parsed};"


def _form(body: FormBody) -> Iterator[str]:
    if not body.is_multipart:
        pairs = ",\n    ".join(
            f"new KeyValuePair<string, string>({quoted(one.name)}, {quoted(one.value)})"
            for one in body.fields
        )
        yield f"request.Content = new FormUrlEncodedContent(new[] {{\n    {pairs}\n}});"
        return
    yield "var form = new MultipartFormDataContent();"
    for number, one in enumerate(body.fields):
        if one.file_name:
            file = quoted(one.file_name)
            yield f"var part{number} = new ByteArrayContent(File.ReadAllBytes({file}));"
        else:
            yield f"var part{number} = new StringContent({quoted(one.value)});"
        if one.content_type:
            parsed = f"MediaTypeHeaderValue.Parse({quoted(one.content_type)})"
            yield f"part{number}.Headers.ContentType = {parsed};"
        named = quoted(f'"{part_name(one.name)}"')
        file = f", {quoted(one.file_name)}" if one.file_name else ""
        yield f"form.Add(part{number}, {named}{file});"
    yield "request.Content = form;"
