"""How does Swagger 2.0 write parameters and bodies, said in the words of OpenAPI 3?

Source: Swagger 2.0, "Parameter Object", "Items Object" (`collectionFormat`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from headgate.catalog.dialect import Dialect, Side
from headgate.catalog.operations import Place
from headgate.model.contract import (
    FORM_TYPES,
    MULTIPART,
    URLENCODED,
    Body,
    Media,
    Parameter,
    is_json_type,
)

STYLES: Mapping[str, tuple[str, bool]] = {
    "csv": ("form", False),
    "ssv": ("spaceDelimited", False),
    "tsv": ("tabDelimited", False),
    "pipes": ("pipeDelimited", False),
    "multi": ("form", True),
}
SIMPLE = frozenset({"path", "header"})


def swagger_parameter(dialect: Dialect, at: Place) -> Parameter:
    """A parameter in path, query or header, or a field of a form."""
    value: dict[str, Any] = at.value
    style, explode = STYLES.get(value.get("collectionFormat", "csv"), STYLES["csv"])
    if value["in"] in SIMPLE and style == "form":
        style, explode = "simple", False
    own = {name: item for name, item in value.items() if name != "required"}
    schema_at = Place(own, at.file, at.at)
    return Parameter(
        location=value["in"],
        name=value["name"].lower() if value["in"] == "header" else value["name"],
        schema=dialect.schema(schema_at, Side.REQUEST),
        shape=dialect.shape(schema_at),
        style=style,
        explode=explode,
        is_required=value["in"] == "path" or value.get("required") is True,
        allows_empty=value.get("allowEmptyValue") is True,
    )


def swagger_body(
    dialect: Dialect, root: dict[str, Any], operation: dict[str, Any], parameters: Iterable[Place]
) -> Body | None:
    """The body: one parameter in `body`, or those in `formData`."""
    declared = operation.get("consumes") or root.get("consumes") or ()
    kinds = [kind.partition(";")[0].strip().lower() for kind in declared if isinstance(kind, str)]
    fields: list[Place] = []
    for at in parameters:
        if at.value.get("in") == "body":
            schema_at = Place(at.value.get("schema"), at.file, (at.at, "schema"))
            schema = dialect.schema(schema_at, Side.REQUEST)
            media = (
                Media(kind, schema if is_json_type(kind) else None)
                for kind in kinds or ["application/json"]
            )
            return Body(tuple(media), at.value.get("required") is True)
        if at.value.get("in") == "formData":
            fields.append(at)
    if not fields:
        return None
    made = [swagger_parameter(dialect, at) for at in fields]
    required = [field.name for field in made if field.is_required]
    is_file = any(at.value.get("type") == "file" for at in fields)
    forms = [kind for kind in kinds if kind in FORM_TYPES]
    forms = [MULTIPART] if is_file else forms or [URLENCODED]
    return Body(tuple(_form(kind, made, required) for kind in forms), bool(required))


def _form(kind: str, fields: list[Parameter], required: list[str]) -> Media:
    if kind == MULTIPART:
        return Media(kind, True, required=tuple(required))  # noqa: FBT003  # any content
    schema = {
        "type": "object",
        "properties": {field.name: field.schema for field in fields},
        "required": required,
    }
    return Media(kind, schema, {field.name: field for field in fields})
