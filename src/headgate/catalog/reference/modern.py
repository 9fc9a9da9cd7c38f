"""What does a Swagger 2.0 document say in the words of OpenAPI 3.0?

For showing only: the gateway routes and validates by the document as it was imported. What 3.0
has no word for (`collectionFormat: tsv`) becomes the nearest.

Source: Swagger 2.0; OpenAPI 3.0.4, in the order of its objects.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from headgate.catalog.grammar import METHODS
from headgate.catalog.pointers import MISSING, find, parse_pointer
from headgate.catalog.swagger import SIMPLE, STYLES
from headgate.model.contract import FORM_TYPES, MULTIPART, URLENCODED

_SCHEMA_WORDS = (
    "type",
    "format",
    "items",
    "default",
    "enum",
    "maximum",
    "minimum",
    "multipleOf",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "exclusiveMaximum",
    "exclusiveMinimum",
)
_KEPT = ("info", "tags", "security", "externalDocs")
_MOVED = (
    ("#/definitions/", "#/components/schemas/"),
    ("#/parameters/", "#/components/parameters/"),
    ("#/responses/", "#/components/responses/"),
)
_FLOWS = {"accessCode": "authorizationCode", "application": "clientCredentials"}


def modern(document: dict[str, Any]) -> dict[str, Any]:
    """The document as OpenAPI 3; one that is such already is returned as it is."""
    return document if "openapi" in document else _Converter(document).converted()


class _Converter:
    def __init__(self, document: dict[str, Any]) -> None:
        self._root = document

    def converted(self) -> dict[str, Any]:
        root = self._root
        made: dict[str, Any] = {"openapi": "3.0.4"}
        made |= {key: root[key] for key in _KEPT if key in root}
        made["servers"] = [{"url": url} for url in _servers(root)]
        made["paths"] = {
            path: item if path.startswith("x-") else self._path_item(item)
            for path, item in _items(root.get("paths"))
        }
        shared = _items(root.get("parameters"))
        responses = _items(root.get("responses"))
        components = {
            "schemas": {name: _schema(one) for name, one in _items(root.get("definitions"))},
            "parameters": {name: self._parameter(one) for name, one in shared if not _is_body(one)},
            "responses": {name: self._response(one, self._produces({})) for name, one in responses},
            "securitySchemes": {
                name: _scheme(one) for name, one in _items(root.get("securityDefinitions"))
            },
        }
        made["components"] = {name: found for name, found in components.items() if found}
        return made

    def _path_item(self, item: Any) -> Any:
        if not isinstance(item, dict):
            return item
        shared = [self._resolved(one) for one in _list(item.get("parameters"))]
        plain = [one for one in _list(item.get("parameters")) if not _is_body(self._resolved(one))]
        made: dict[str, Any] = {}
        for key, value in item.items():
            if key in METHODS and isinstance(value, dict):
                made[key] = self._operation(value, shared)
            elif key == "parameters":
                made[key] = [self._parameter(one) for one in plain]
            elif key == "$ref":
                made[key] = _moved(value)
            else:
                made[key] = value
        return made

    def _operation(self, operation: dict[str, Any], shared: list[Any]) -> dict[str, Any]:
        out = {"consumes", "produces", "schemes", "parameters", "responses"}
        made = {key: value for key, value in operation.items() if key not in out}
        listed = _list(operation.get("parameters"))
        own = [self._resolved(one) for one in listed]
        made["parameters"] = [
            self._parameter(one)
            for one, found in zip(listed, own, strict=True)
            if not _is_body(found)
        ]
        names = {(one.get("in"), one.get("name")) for one in own}
        inherited = [one for one in shared if (one.get("in"), one.get("name")) not in names]
        body = self._body(operation, [one for one in (*inherited, *own) if _is_body(one)])
        if body is not None:
            made["requestBody"] = body
        kinds = self._produces(operation)
        made["responses"] = {
            str(status): self._response(one, kinds)
            for status, one in _items(operation.get("responses"))
        }
        return made

    def _body(self, operation: Mapping[str, Any], found: list[Any]) -> dict[str, Any] | None:
        declared = _texts(operation.get("consumes", self._root.get("consumes")))
        for one in found:
            if one.get("in") == "body":
                schema = _schema(one.get("schema", {}))
                content = {kind: {"schema": schema} for kind in declared or ["application/json"]}
                body: dict[str, Any] = {"content": content, "required": one.get("required") is True}
                return body | _described(one)
        if not found:
            return None
        is_file = any(one.get("type") == "file" for one in found)
        forms = [kind for kind in declared if kind in FORM_TYPES]
        kinds = [MULTIPART] if is_file else forms or [URLENCODED]
        required = [one["name"] for one in found if one.get("required") is True]
        schema = {
            "type": "object",
            "properties": {str(one.get("name")): _field_schema(one) for one in found},
        } | ({"required": required} if required else {})
        return {
            "content": {kind: {"schema": schema} for kind in kinds},
            "required": bool(required),
        }

    def _parameter(self, value: Any) -> Any:
        if not isinstance(value, dict) or "$ref" in value:
            return _moved_reference(value)
        made = {
            key: value[key] for key in ("name", "in", "required", "allowEmptyValue") if key in value
        }
        made |= _described(value)
        if value.get("in") == "path":
            made["required"] = True
        style, explode = STYLES.get(value.get("collectionFormat", "csv"), STYLES["csv"])
        if value.get("type") == "array" and value.get("in") not in SIMPLE:
            style = "form" if style == "tabDelimited" else style
            made |= {"style": style, "explode": explode}
        made["schema"] = _field_schema(value)
        made["schema"].pop("description", None)
        return made

    def _response(self, value: Any, kinds: Iterable[str]) -> Any:
        if not isinstance(value, dict) or "$ref" in value:
            return _moved_reference(value)
        made: dict[str, Any] = {"description": value.get("description", "")}
        given = value.get("examples")
        examples = given if isinstance(given, dict) else {}
        if "schema" in value or examples:
            content = {kind: {"schema": _schema(value.get("schema", {}))} for kind in kinds}
            for kind, example in examples.items():
                content.setdefault(kind, {})["example"] = example
            made["content"] = content
        if headers := dict(_items(value.get("headers"))):
            made["headers"] = {
                name: {"schema": _field_schema(one)} | _described(one)
                for name, one in headers.items()
                if isinstance(one, dict)
            }
        return made

    def _produces(self, operation: Mapping[str, Any]) -> list[str]:
        found = _texts(operation.get("produces", self._root.get("produces")))
        return found or ["application/json"]

    def _resolved(self, value: Any) -> Any:
        reference = value.get("$ref") if isinstance(value, dict) else None
        if not isinstance(reference, str):
            return value if isinstance(value, dict) else {}
        found, _ = find(self._root, parse_pointer(reference.removeprefix("#")))
        return found if found is not MISSING and isinstance(found, dict) else {}


def _schema(value: Any) -> Any:
    """A schema with its references moved; `x-nullable` and `discriminator` as 3.0 has them."""
    if isinstance(value, list):
        return [_schema(one) for one in value]
    if not isinstance(value, dict):
        return value
    made = {key: _schema(one) for key, one in value.items()}
    if isinstance(value.get("$ref"), str):
        made["$ref"] = _moved(value["$ref"])
    if isinstance(value.get("discriminator"), str):
        made["discriminator"] = {"propertyName": value["discriminator"]}
    if value.get("x-nullable") is True:
        made["nullable"] = True
    if value.get("type") == "file":
        made |= {"type": "string", "format": "binary"}
    return made


def _field_schema(value: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = _schema({key: value[key] for key in _SCHEMA_WORDS if key in value})
    return found | _described(value)


def _scheme(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value.get("type") == "basic":
        return {"type": "http", "scheme": "basic"} | _described(value)
    if value.get("type") != "oauth2":
        return value
    flow = {key: value[key] for key in ("authorizationUrl", "tokenUrl") if key in value}
    name = _FLOWS.get(str(value.get("flow")), str(value.get("flow")))
    flows = {name: flow | {"scopes": value.get("scopes", {})}}
    return {"type": "oauth2", "flows": flows} | _described(value)


def _servers(root: Mapping[str, Any]) -> list[str]:
    host, path = root.get("host"), root.get("basePath") or ""
    if not isinstance(host, str) or not host:
        return [str(path) or "/"]
    return [f"{scheme}://{host}{path}" for scheme in _texts(root.get("schemes")) or ["https"]]


def _described(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value[key] for key in ("description", "deprecated") if key in value}


def _is_body(value: Any) -> bool:
    return isinstance(value, dict) and value.get("in") in {"body", "formData"}


def _moved_reference(value: Any) -> Any:
    return {"$ref": _moved(value["$ref"])} if isinstance(value, dict) else value


def _moved(reference: Any) -> Any:
    for before, after in _MOVED:
        if isinstance(reference, str) and reference.startswith(before):
            return after + reference.removeprefix(before)
    return reference


def _items(value: object) -> Iterable[tuple[str, Any]]:
    return value.items() if isinstance(value, dict) else ()


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    return [one for one in _list(value) if isinstance(one, str)]
