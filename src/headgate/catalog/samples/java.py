"""A call with Java's own HTTP client, of Java 16 and later.

Source: Java Language Specification §3.3 (`\\u` is read before everything else) and §3.10.7.
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
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_INDENT = " " * 16
_RESERVED = frozenset({"connection", "content-length", "expect", "host", "upgrade"})


@languages.register("java")
class Java(Language):
    """A class with a `main`, which `java Call.java` runs."""

    title = "Java"
    file_name = "Call.java"
    position = 5

    def write(self, request: SampleRequest) -> str:
        """A class of one call."""
        calls = "".join(f"            .{one}\n" for one in _calls(request))
        return (
            "import java.net.URI;\nimport java.net.http.HttpClient;\n"
            "import java.net.http.HttpRequest;\nimport java.net.http.HttpResponse;\n"
            "import java.nio.file.Path;\n\n"
            "public class Call {\n"
            "    public static void main(String[] arguments) throws Exception {\n"
            f"        HttpRequest request = HttpRequest.newBuilder(URI.create({_url(request)}))\n"
            f"{calls}            .build();\n"
            "        HttpResponse<String> response = HttpClient.newHttpClient()\n"
            "            .send(request, HttpResponse.BodyHandlers.ofString());\n"
            "        System.out.println(response.statusCode());\n"
            "        System.out.println(response.body());\n    }\n}\n"
        )


def quoted(text: str) -> str:
    """A string literal of ASCII. Octal for controls: `\\u000a` would end the line."""
    return '"' + "".join(_ESCAPES.get(one) or _shown(one) for one in text) + '"'


def lines(text: str) -> str:
    """A long text: a text block where nothing in it has to be quoted, else line by line."""
    if "\n" not in text or '"""' in text or text.endswith('"') or not all(map(_is_plain, text)):
        return _joined(text)
    block = text.replace("\n", f"\n{_INDENT}")
    return f'"""\n{_INDENT}{block}"""'


def _is_plain(letter: str) -> bool:
    return letter == "\n" or (0x20 <= ord(letter) < 0x7F and letter != "\\")


def _joined(text: str) -> str:
    parts = text.split("\n")
    texts = [f"{part}\n" for part in parts[:-1]] + (
        [parts[-1]] if parts[-1] or not parts[:-1] else []
    )
    return "\n                + ".join(map(quoted, texts))


def _shown(letter: str) -> str:
    code = ord(letter)
    if 0x20 <= code < 0x7F:
        return letter
    if code < 0x80:
        return f"\\{code:03o}"
    units = letter.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _url(request: SampleRequest) -> str:
    """`java.net.URI` takes neither `[` nor `|` in a query."""
    text = request.url_before_key if request.has_key_in_query else request.url
    for letter in "[]|":
        text = text.replace(letter, f"%{ord(letter):02X}")
    return (
        f'{quoted(text)} + System.getenv("{KEY_VARIABLE}")'
        if request.has_key_in_query
        else quoted(text)
    )


def _calls(request: SampleRequest) -> Iterator[str]:
    if request.header_key:
        key = request.header_key
        before = f"{quoted(key.prefix)} + " if key.prefix else ""
        yield f'header({quoted(key.name)}, {before}System.getenv("{KEY_VARIABLE}"))'
    for name, value in request.headers:
        if name.lower() not in _RESERVED:  # Java sets these itself, and refuses others to
            yield f"header({quoted(name)}, {quoted(value)})"
    body = request.body
    kind = ""
    if body is None:
        publisher = "noBody()"
    elif isinstance(body, FileBody):
        publisher = f"ofFile(Path.of({quoted(body.file_name)}))"
    elif not isinstance(body, FormBody):
        publisher = f"ofString({lines(body.text)})"
    elif body.is_multipart:
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        publisher = _parts(body)
    else:
        kind = "application/x-www-form-urlencoded"
        pairs = (f"{quote_plus(one.name)}={quote_plus(one.value)}" for one in body.fields)
        publisher = f"ofString({quoted('&'.join(pairs))})"
    if kind:
        yield f'header("Content-Type", {quoted(kind)})'
    yield f"method({quoted(request.method)}, HttpRequest.BodyPublishers.{publisher})"


def _parts(body: FormBody) -> str:
    """Java has no multipart: its parts, written out."""
    publishers: list[str] = []
    text = ""
    for one in body.fields:
        file = f'; filename="{part_name(one.file_name)}"' if one.file_name else ""
        text += f"--{BOUNDARY}\r\n"
        text += f'Content-Disposition: form-data; name="{part_name(one.name)}"{file}\r\n'
        kind = one.content_type or ("application/octet-stream" if file else "")
        text += f"Content-Type: {kind}\r\n\r\n" if kind else "\r\n"
        if one.file_name:
            publishers.append(f"HttpRequest.BodyPublishers.ofString({lines(text)})")
            publishers.append(
                f"HttpRequest.BodyPublishers.ofFile(Path.of({quoted(one.file_name)}))"
            )
            text = "\r\n"
        else:
            text += f"{one.value}\r\n"
    publishers.append(
        f"HttpRequest.BodyPublishers.ofString({lines(f'{text}--{BOUNDARY}--' + chr(13) + chr(10))})"
    )
    return "concat(\n                " + ",\n                ".join(publishers) + ")"
