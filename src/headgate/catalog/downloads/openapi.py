"""What does a document look like for those who call the API? At the gateway, nothing internal.

The servers are the gateway's address, security is what the gateway asks for. Extensions stay only
where they speak to readers: others name integrations, upstreams and accounts of whoever runs it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
import yaml

from headgate.catalog.grammar import METHODS
from headgate.catalog.reference.modern import modern
from headgate.model.snapshot import KeyLocation, KeySource

KEPT_EXTENSIONS = frozenset(
    {"x-enum-varnames", "x-enum-descriptions", "x-enumNames", "x-nullable", "x-displayName"}
    | {"x-tagGroups", "x-logo", "x-codeSamples", "x-code-samples", "x-faker", "x-order"}
)
_NAMED = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "headers"}
    | {"content", "callbacks", "links", "variables", "scopes", "mapping", "encoding", "schemas"}
    | {"requestBodies", "securitySchemes", "pathItems", "examples", "dependentRequired"}
)
"""Their members are names that somebody chose: one that begins with `x-` is no extension."""
_VERBATIM = frozenset({"example", "default", "enum", "const", "value", "required"})


def exported(
    bundled: dict[str, Any], server: str, sources: tuple[KeySource, ...] = ()
) -> dict[str, Any]:
    """The document as OpenAPI 3; `sources` empty: callers need no key of the gateway."""
    made: dict[str, Any] = _plain(modern(bundled))
    made["servers"] = [{"url": server}]
    for item in _dicts(made.get("paths"), made.get("webhooks")):
        item.pop("servers", None)
        for operation in _dicts({name: item.get(name) for name in METHODS}):
            operation.pop("servers", None)
            if sources:
                operation.pop("security", None)
    if sources:
        schemes = dict(_scheme(source) for source in sources)
        components = made.get("components")
        made["components"] = (components if isinstance(components, dict) else {}) | {
            "securitySchemes": schemes
        }
        made["security"] = [{name: []} for name in schemes]
    return made


def as_json(document: Mapping[str, Any]) -> bytes:
    """The text, indented by two."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"


def as_yaml(document: Mapping[str, Any]) -> bytes:
    """The text, in the document's order."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(dict(document), Dumper=dumper, sort_keys=False, allow_unicode=True)
    return text.encode()


def _plain(value: Any) -> Any:
    """A copy without extensions."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _member(key, item)
        for key, item in value.items()
        if not key.startswith("x-") or key in KEPT_EXTENSIONS
    }


def _member(key: str, value: Any) -> Any:
    if key in _VERBATIM or key.startswith("x-"):
        return value
    if key == "examples" and isinstance(value, list):
        return value
    if (key in _NAMED or key in {"parameters", "responses"}) and isinstance(value, dict):
        return {name: _member("", one) if key != "examples" else one for name, one in value.items()}
    return _plain(value)


def _scheme(source: KeySource) -> tuple[str, dict[str, Any]]:
    if source.location is KeyLocation.BEARER:
        return "gateway_bearer", {"type": "http", "scheme": "bearer"}
    place = source.location.value
    name = "".join(one if one.isascii() and one.isalnum() else "_" for one in source.name)
    return f"gateway_{place}_{name}", {"type": "apiKey", "in": place, "name": source.name}


def _dicts(*maps: Any) -> Iterable[dict[str, Any]]:
    for found in maps:
        if isinstance(found, dict):
            yield from (item for item in found.values() if isinstance(item, dict))
