"""What does a call look like in somebody's language? The request, and who writes it.

A language is one file in `samples/`. It gets a request whose texts are safe to send and quotes them
for itself: whatever stands in a document, a sample is one statement of its language.
"""

import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from headgate.catalog.pointers import MISSING
from headgate.catalog.reference.operation import MediaView, OperationView, ParameterView
from headgate.catalog.styles import in_cookie, in_header, in_path, in_query
from headgate.core.registry import Registry
from headgate.model.contract import MULTIPART, URLENCODED, is_json_type
from headgate.model.snapshot import KeyLocation, KeySource

KEY_VARIABLE = "API_KEY"  # the environment variable that holds the reader's key
BODY_CHARACTERS_MAX = 20_000  # of a sample's body; a longer one is shortened to nothing
FIELDS_MAX = 50  # of a form
FILE_NAME = "upload.bin"
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")  # RFC 9110 §5.6.2
_VISIBLE = "".join(chr(code) for code in range(0x20, 0x7F))


@dataclass(frozen=True, slots=True)
class Key:
    """Where the key goes: into a header, after `prefix`, or into the query."""

    name: str
    prefix: str = ""
    is_in_query: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form. `file_name`: it is a file that the reader has."""

    name: str
    value: str
    file_name: str = ""
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class JSONBody:
    """A body of JSON."""

    value: Any

    @property
    def text(self) -> str:
        """The body, indented by two."""
        return clean(json.dumps(self.value, ensure_ascii=False, indent=2))


@dataclass(frozen=True, slots=True)
class TextBody:
    """A body that is sent as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class FileBody:
    """A body that is a file of the reader's."""

    file_name: str


@dataclass(frozen=True, slots=True)
class FormBody:
    """Fields: URL-encoded, or parts of a multipart body."""

    fields: tuple[Field, ...]
    is_multipart: bool


Body = JSONBody | TextBody | FileBody | FormBody


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """A request. `url` is percent-encoded, with its query; no text holds NUL or a lone surrogate.

    `headers` are without the key's, and hold the content type unless the body is a form.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    key: Key | None = None
    body: Body | None = None

    @property
    def url_before_key(self) -> str:
        """The URL, and the query up to the key's value where the key goes there."""
        if self.key is None or not self.key.is_in_query:
            return self.url
        return f"{self.url}{'&' if '?' in self.url else '?'}{quote(self.key.name, safe='')}="

    @property
    def has_key_in_query(self) -> bool:
        """Whether the key's value follows the URL."""
        return self.key is not None and self.key.is_in_query

    @property
    def header_key(self) -> Key | None:
        """The key, if it goes into a header."""
        return None if self.has_key_in_query else self.key


class Language(ABC):
    """Writes requests in one language. Each is one file in `samples/`."""

    title: ClassVar[str]
    """As readers know it."""
    needs: ClassVar[str] = ""
    """What must be installed beside the language itself, as a command."""
    file_name: ClassVar[str]
    """What a file with a sample would be called."""
    position: ClassVar[int]
    """Its place in lists: what most readers use comes first."""

    @abstractmethod
    def write(self, request: SampleRequest) -> str:
        """The sample, a whole program or command that prints the answer's status and body."""


languages: Registry[Language] = Registry("headgate.catalog.samples")


def samples(request: SampleRequest) -> list[tuple[str, Language, str]]:
    """Name, language and sample of every language, in the order of lists."""
    found = sorted(languages.items(), key=lambda item: item[1].position)
    return [(name, kind(), kind().write(request)) for name, kind in found]


def sample_request(
    view: OperationView, server: str, sources: tuple[KeySource, ...] = (), media_type: str = ""
) -> SampleRequest:
    """A call of the operation with its examples; `sources` empty: callers need no key.

    Required parameters are sent, and those that the document has examples of.
    """
    chosen = [one for one in view.parameters if one.is_required or one.is_example_given]
    chosen = [one for one in chosen if one.example is not MISSING]
    path = view.entry.path
    for one in chosen:
        if one.place == "path":
            path = path.replace("{" + one.name + "}", in_path(one.written))
    query = "&".join(
        filter(None, (in_query(one.written) for one in chosen if one.place == "query"))
    )
    url = server.rstrip("/") + quote(path, safe="/%:@!$&'()*+,;=~-._")
    body, kind = _body(view, media_type)
    headers = _headers(view, chosen)
    if kind:
        headers.append(("Content-Type", kind))
    return SampleRequest(
        method=view.entry.method,
        url=clean(f"{url}?{query}" if query else url),
        headers=tuple(headers),
        key=_key(sources),
        body=body,
    )


def clean(text: str) -> str:
    """A text that every language can hold: no NUL, no half of a character."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def header_value(text: str) -> str:
    """A text that can be sent in a header: what is not visible ASCII is percent-encoded."""
    return quote(clean(text), safe=_VISIBLE).strip()


def _headers(view: OperationView, chosen: list[ParameterView]) -> list[tuple[str, str]]:
    found = [("Accept", kind)] if (kind := _accepted(view)) else []
    named = (one for one in chosen if one.place == "header" and _TOKEN.fullmatch(one.name))
    found += [(one.name, header_value(in_header(one.written))) for one in named]
    cookies = "; ".join(
        filter(None, (in_cookie(one.written) for one in chosen if one.place == "cookie"))
    )
    if cookies:
        found.append(("Cookie", header_value(cookies)))
    return found


def _accepted(view: OperationView) -> str:
    """The content type of a success, JSON first."""
    kinds = [one.type for r in view.responses if r.status.startswith("2") for one in r.media]
    best = next((kind for kind in kinds if is_json_type(kind)), kinds[0] if kinds else "")
    return header_value(best)


def _key(sources: tuple[KeySource, ...]) -> Key | None:
    if not sources:
        return None
    first = sources[0]
    if first.location is KeyLocation.BEARER:
        return Key("Authorization", "Bearer ")
    if first.location is KeyLocation.QUERY:
        return Key(first.name, is_in_query=True)
    return Key(header_name(first.name))


def header_name(name: str) -> str:
    """A header's name as people write it: `X-API-Key`; to programs its case means nothing."""
    return "-".join(part.capitalize() for part in name.split("-")).replace("Api", "API")


def _body(view: OperationView, media_type: str) -> tuple[Body | None, str]:
    """The body and its content type; a form's is set by who sends it."""
    if view.body is None or not view.body.media:
        return None, ""
    wanted = [one for one in view.body.media if one.type == media_type]
    media = next(iter(wanted or sorted(view.body.media, key=_unlike_json)))
    kind = media.type.partition(";")[0].strip().lower()
    value = media.examples[0].value if media.examples else MISSING
    if value is MISSING:
        return (
            (None, "") if not view.body.is_required else (FileBody(FILE_NAME), header_value(kind))
        )
    if kind in (URLENCODED, MULTIPART) and isinstance(value, dict):
        return FormBody(tuple(_fields(media, value)), kind == MULTIPART), ""
    if is_json_type(kind) or kind in {"*/*", "application/*"}:
        declared = media.type if is_json_type(kind) else "application/json"
        return _json(value), header_value(declared)
    if isinstance(value, str) and (kind.startswith("text/") or "xml" in kind or "yaml" in kind):
        return TextBody(clean(value)[:BODY_CHARACTERS_MAX]), header_value(media.type)
    return FileBody(FILE_NAME), header_value(
        media.type if "*" not in kind else "application/octet-stream"
    )


def _unlike_json(media: MediaView) -> int:
    kind = media.type.partition(";")[0].strip().lower()
    return 0 if kind == "application/json" else 1 if is_json_type(kind) else 2


def _json(value: Any) -> JSONBody:
    is_small = len(json.dumps(value, ensure_ascii=False)) <= BODY_CHARACTERS_MAX
    return JSONBody(value if is_small else type(value)())


def _fields(media: MediaView, value: dict[str, Any]) -> list[Field]:
    formats = {one.name: one.format for one in media.schema.children} if media.schema else {}
    found: list[Field] = []
    for name, item in value.items():
        kind = header_value(media.encodings.get(name, ""))
        if formats.get(name) == "binary":
            found.append(Field(clean(name), "", FILE_NAME, kind))
            continue
        items = item if isinstance(item, list) else [item]
        found += [Field(clean(name), clean(_text(one)), "", kind) for one in items]
    return found[:FIELDS_MAX]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def part_name(text: str) -> str:
    """A name as it stands in quotes in `Content-Disposition`. Source: WHATWG HTML §4.10.21.8."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
