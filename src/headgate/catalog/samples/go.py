"""A call with Go's net/http.

Source: The Go Programming Language Specification, "String literals".
"""

from collections.abc import Iterator

from headgate.catalog.sample import (
    KEY_VARIABLE,
    Field,
    FileBody,
    FormBody,
    Language,
    SampleRequest,
    languages,
    part_name,
)

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@languages.register("go")
class Go(Language):
    """A program."""

    title = "Go"
    file_name = "call.go"
    position = 4

    def write(self, request: SampleRequest) -> str:
        """A program of one call."""
        body, packages = _body(request)
        packages |= {"fmt", "io", "net/http"} | ({"os"} if request.key else set())
        imports = "".join(f'\t"{name}"\n' for name in sorted(packages))
        reader = "body" if body else "nil"
        lines = [
            *body,
            f"request, err := http.NewRequest({quoted(request.method)}, {_url(request)}, {reader})",
            *_CHECK,
            *_headers(request),
            "response, err := http.DefaultClient.Do(request)",
            *_CHECK,
            "defer response.Body.Close()",
            "answer, err := io.ReadAll(response.Body)",
            *_CHECK,
            "fmt.Println(response.StatusCode)",
            "fmt.Println(string(answer))",
        ]
        code = "".join(f"\t{line}\n" for line in lines)
        return f"package main\n\nimport (\n{imports})\n\nfunc main() {{\n{code}}}\n"


_CHECK = ("if err != nil {", "\tpanic(err)", "}")


def quoted(text: str) -> str:
    """An interpreted string literal."""
    return '"' + "".join(_ESCAPES.get(one) or _shown(one) for one in text) + '"'


def _shown(letter: str) -> str:
    if letter.isprintable():
        return letter
    code = ord(letter)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _text(text: str) -> str:
    """A text of several lines, raw where that is possible."""
    is_raw = "`" not in text and all(one.isprintable() or one in "\n\t" for one in text)
    return f"`{text}`" if is_raw and "\ufeff" not in text else quoted(text)


def _url(request: SampleRequest) -> str:
    if request.has_key_in_query:
        return f'{quoted(request.url_before_key)}+os.Getenv("{KEY_VARIABLE}")'
    return quoted(request.url)


def _headers(request: SampleRequest) -> Iterator[str]:
    if request.header_key:
        key = request.header_key
        before = f"{quoted(key.prefix)}+" if key.prefix else ""
        yield f'request.Header.Set({quoted(key.name)}, {before}os.Getenv("{KEY_VARIABLE}"))'
    for name, value in request.headers:
        yield f"request.Header.Set({quoted(name)}, {quoted(value)})"
    if isinstance(request.body, FormBody):
        kind = (
            "form.FormDataContentType()"
            if request.body.is_multipart
            else '"application/x-www-form-urlencoded"'
        )
        yield f'request.Header.Set("Content-Type", {kind})'


def _body(request: SampleRequest) -> tuple[list[str], set[str]]:
    """The lines that make `body`, and the packages that they need."""
    body = request.body
    if body is None:
        return [], set()
    if isinstance(body, FileBody):
        return [f"body, err := os.Open({quoted(body.file_name)})", *_CHECK], {"os"}
    if not isinstance(body, FormBody):
        return [f"body := strings.NewReader({_text(body.text)})"], {"strings"}
    if not body.is_multipart:
        lines = [f"form.Add({quoted(one.name)}, {quoted(one.value)})" for one in body.fields]
        lines = ["form := url.Values{}", *lines, "body := strings.NewReader(form.Encode())"]
        return lines, {"net/url", "strings"}
    lines = ["body := &bytes.Buffer{}", "form := multipart.NewWriter(body)"]
    packages = {"bytes", "mime/multipart"}
    for number, one in enumerate(body.fields):
        made, needed = _part(number, one)
        lines += made
        packages |= needed
    return [*lines, "form.Close()"], packages


def _part(number: int, field: Field) -> tuple[list[str], set[str]]:
    """The lines that write one part of a multipart body, and the packages that they need."""
    name, file, part = quoted(field.name), quoted(field.file_name), f"part{number}"
    if not field.file_name and not field.content_type:
        return [f"form.WriteField({name}, {quoted(field.value)})"], set()
    opened: list[str] = []
    needed: set[str] = set()
    copied = [f"io.WriteString({part}, {quoted(field.value)})"]
    if field.file_name:
        opened, needed = [f"file{number}, err := os.Open({file})", *_CHECK], {"os"}
        copied = [f"if _, err := io.Copy({part}, file{number}); err != nil {{", *_CHECK[1:]]
    made = f"{part}, err := form.CreateFormFile({name}, {file})"
    if field.content_type:  # the writer's own methods know no other types
        named = f'form-data; name="{part_name(field.name)}"'
        named += f'; filename="{part_name(field.file_name)}"' if field.file_name else ""
        header = f'"Content-Disposition": {{{quoted(named)}}}, '
        header += f'"Content-Type": {{{quoted(field.content_type)}}}'
        made = f"{part}, err := form.CreatePart(textproto.MIMEHeader{{{header}}})"
        needed.add("net/textproto")
    return [*opened, made, *_CHECK, *copied], needed
