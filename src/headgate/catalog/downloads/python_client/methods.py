"""Which method calls an operation? Required parameters first, everything typed."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from headgate.catalog.downloads.python_client.names import Names
from headgate.catalog.downloads.python_client.types import ANYTHING, Types
from headgate.catalog.reference.markdown import plain
from headgate.catalog.reference.operation import MediaView, OperationView, ParameterView
from headgate.catalog.sample import header_value
from headgate.catalog.samples.python import quoted
from headgate.model.contract import MULTIPART, URLENCODED, is_json_type

SUMMARY_CHARACTERS_MAX = 200
PREFIX = "models."
_LINE = 88


@dataclass(frozen=True, slots=True)
class _Argument:
    name: str
    type: str
    is_required: bool
    parameter: ParameterView | None = None

    @property
    def declared(self) -> str:
        if self.is_required:
            return f"{self.name}: {self.type}"
        known = self.type if self.type.endswith("None") else f"{self.type} | None"
        return f"{self.name}: {known if self.type != ANYTHING else ANYTHING} = None"


def method(name: str, view: OperationView, types: Types) -> str:
    """The source of one method, indented as a member of a class."""
    names = Names("self", "body", "transport")
    arguments = [
        _Argument(
            names.function(one.name),
            types.of(one.schema.at, prefix=PREFIX),
            one.is_required,
            one,
        )
        for one in view.parameters
    ]
    media = _body_media(view)
    if media is not None and view.body is not None:
        arguments.append(_Argument("body", _body_type(media, types), view.body.is_required))
    arguments.sort(key=lambda one: not one.is_required)
    first = [one for one in arguments if one.parameter and one.parameter.place == "path"]
    rest = [one for one in arguments if one not in first]
    listed = ["self", *(one.declared for one in first), *(["*"] if rest else [])]
    listed += [one.declared for one in rest]
    answer = _answer_type(view, types)
    head = f"def {name}({', '.join(listed)}) -> {answer}:"
    if len(head) > _LINE:
        inner = "".join(f"    {one},\n" for one in listed)
        head = f"def {name}(\n{inner}) -> {answer}:"
    body = "".join(f"    {line}\n" for line in _lines(view, arguments, media, answer))
    return textwrap.indent(f"{head}\n{body}", "    ")


def _lines(
    view: OperationView, arguments: list[_Argument], media: MediaView | None, answer: str
) -> Iterator[str]:
    yield docstring(plain(view.entry.summary or view.entry.id, SUMMARY_CHARACTERS_MAX))
    path = view.entry.path
    call = [quoted(view.entry.method), quoted(path)]
    for place in ("path", "query", "header", "cookie"):
        written = [
            _written(one.name, one.parameter)
            for one in arguments
            if one.parameter is not None and one.parameter.place == place
        ]
        if written:
            call.append(f"in_{place}_=[{', '.join(written)}]")
    if media is not None:
        call += _sent(media)
    inner = "".join(f"    {one},\n" for one in call)
    sent = f"self._transport.send(\n{inner})"
    if answer == "None":
        yield from sent.split("\n")
    elif answer == ANYTHING:
        yield from f"return {sent}".split("\n")
    else:
        yield from f"return cast({quoted(answer)}, {sent})".split("\n")


def docstring(text: str) -> str:
    """A docstring of one line."""
    safe = text.replace("\\", "\\\\").replace('"', "'").strip() or "Call the API."
    return f'"""{safe}{"" if safe.endswith((".", "!", "?")) else "."}"""'


def _written(name: str, one: ParameterView) -> str:
    said = [quoted(one.name), name, quoted(one.style), f"explode={one.explode}"]
    return f"Written({', '.join(said + (['is_json=True'] if one.is_json else []))})"


def _body_media(view: OperationView) -> MediaView | None:
    if view.body is None:
        return None
    media = view.body.media
    preferred = [one for one in media if is_json_type(one.type)] or [
        one for one in media if _kind(one) in {URLENCODED, MULTIPART}
    ]
    return next(iter(preferred or media), None)


def _body_type(media: MediaView, types: Types) -> str:
    kind = _kind(media)
    if is_json_type(kind) or kind in {URLENCODED, MULTIPART}:
        made = types.of(media.schema.at, prefix=PREFIX) if media.schema else ANYTHING
        is_form = kind in {URLENCODED, MULTIPART}
        return "Mapping[str, Any]" if is_form and not made.startswith(PREFIX) else made
    return "bytes | str"


def _sent(media: MediaView) -> list[str]:
    kind = _kind(media)
    if kind in {URLENCODED, MULTIPART}:
        return [f"{'form' if kind == URLENCODED else 'parts'}=body"]
    if kind == "application/json":
        return ["json=body"]
    headers = f'headers={{"Content-Type": {quoted(header_value(media.type))}}}'
    return [headers, "json=body" if is_json_type(kind) else "content=body"]


def _kind(media: MediaView) -> str:
    return media.type.partition(";")[0].strip().lower()


def _answer_type(view: OperationView, types: Types) -> str:
    """The type of the JSON of a success; None where a success has no body."""
    successes = [one for one in view.responses if one.status.upper().startswith("2")]
    if successes and not any(one.media for one in successes):
        return "None"
    found: list[str] = []
    for response in successes:
        media = next((one for one in response.media if is_json_type(one.type)), None)
        if media is None or media.schema is None:
            return ANYTHING if response.media or len(successes) == 1 else "None"
        found.append(types.of(media.schema.at, prefix=PREFIX))
    if not found or ANYTHING in found:
        return ANYTHING
    return " | ".join(dict.fromkeys(found))
