"""Which fields may an object of an API document have, and of what type? One table per format.

Written `name:type`; `name!` must be there, `name+` should be. A type is `text`, `flag`, `number`,
`any`, the name of another shape, `[type]` for a list, `{type}` for an object with free names, or
several with `|`. `ref` is a text that names a schema.

Source: OpenAPI 3.0.4 §4.7, OpenAPI 3.1.1 §4.8, Swagger 2.0 "Schema" (the fixed fields).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headgate.catalog.document import Format
from headgate.core.phrases import phrase


@dataclass(frozen=True, slots=True)
class Type:
    """One type of the table. `form` is scalar name, `shape`, `list`, `map` or `either`."""

    form: str
    name: str
    of: tuple["Type", ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a shape."""

    type: Type
    is_required: bool
    is_expected: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of one kind of object.

    `other` is the type behind every name that is not a field (`/pets` in paths). `section` is
    where shared ones stand in a document; only those may be a `$ref`. An open shape may have
    fields that are not listed, and a listed one of a wrong type is let pass with a warning.
    """

    title: str
    fields: Mapping[str, Field] = field(default_factory=dict)
    other: Type | None = None
    section: tuple[str, ...] = ()
    is_open: bool = False


SCALARS = frozenset({"text", "flag", "number", "any", "ref"})
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def parse_type(text: str) -> Type:
    """The type that a text of the table stands for."""
    if "|" in text and text[0] not in "[{":
        return Type("either", text, tuple(parse_type(part) for part in text.split("|")))
    if text[0] == "[":
        return Type("list", text, (parse_type(text[1:-1]),))
    if text[0] == "{":
        return Type("map", text, (parse_type(text[1:-1]),))
    return Type(text if text in SCALARS else "shape", text)


def _shape(
    title: str, fields: str = "", *, other: str = "", section: str = "", is_open: bool = False
) -> Shape:
    parsed: dict[str, Field] = {}
    for item in fields.split():
        name, _, kind = item.partition(":")
        parsed[name.rstrip("!+")] = Field(
            parse_type(kind), is_required=name.endswith("!"), is_expected=name.endswith("+")
        )
    where = tuple(section.split("/")) if section else ()
    return Shape(phrase(title), parsed, parse_type(other) if other else None, where, is_open)


def _methods(names: tuple[str, ...]) -> str:
    return " ".join(f"{name}:operation" for name in names)


_SCHEMA_BASE = (
    "title:text description:text type:text format:text default:any example:any enum:[any]"
    " required:[text] properties:{schema} items:schema|[schema] allOf:[schema]"
    " additionalProperties:schema|flag externalDocs:external_docs readOnly:flag"
    " maximum:number minimum:number multipleOf:number maxLength:number minLength:number"
    " pattern:text maxItems:number minItems:number uniqueItems:flag maxProperties:number"
    " minProperties:number xml:any"
)

_SHARED = {
    "info": _shape(
        "the info object",
        "title+:text summary:text version+:text description:text termsOfService:text"
        " contact:contact license:license",
    ),
    "contact": _shape("a contact", "name:text url:text email:text"),
    "license": _shape("a license", "name+:text url:text identifier:text"),
    "external_docs": _shape("external documentation", "description:text url+:text"),
    "tag": _shape("a tag", "name+:text description:text externalDocs:external_docs"),
    "paths": _shape("the paths object", other="path_item"),
    "security": _shape("a security requirement", other="[text]"),
}

_OPENAPI_3 = _SHARED | {
    "document": _shape(
        "an OpenAPI document",
        "openapi!:any info+:info jsonSchemaDialect:text servers:[server] paths!:paths"
        " components:components security:[security] tags:[tag] externalDocs:external_docs",
    ),
    "server": _shape("a server", "url!:text description:text variables:{server_variable}"),
    "server_variable": _shape("a server variable", "enum:[text] default+:text description:text"),
    "components": _shape(
        "the components object",
        "schemas:{schema} responses:{response} parameters:{parameter} examples:{example}"
        " requestBodies:{request_body} headers:{header} securitySchemes:{security_scheme}"
        " links:{link} callbacks:{callback}",
    ),
    "path_item": _shape(
        "a path item",
        f"$ref:text summary:text description:text {_methods(METHODS)} servers:[server]"
        " parameters:[parameter]",
        section="components/pathItems",
    ),
    "operation": _shape(
        "an operation",
        "tags:[text] summary:text description:text externalDocs:external_docs operationId:text"
        " parameters:[parameter] requestBody:request_body responses+:responses"
        " callbacks:{callback} deprecated:flag security:[security] servers:[server]",
    ),
    "parameter": _shape(
        "a parameter",
        "name!:text in!:text description:text required:flag deprecated:flag allowEmptyValue:flag"
        " style:text explode:flag allowReserved:flag schema:schema example:any"
        " examples:{example} content:{media_type}",
        section="components/parameters",
    ),
    "request_body": _shape(
        "a request body",
        "description:text content+:{media_type} required:flag",
        section="components/requestBodies",
    ),
    "media_type": _shape(
        "a media type", "schema:schema example:any examples:{example} encoding:{encoding}"
    ),
    "encoding": _shape(
        "an encoding",
        "contentType:text headers:{header} style:text explode:flag allowReserved:flag",
    ),
    "responses": _shape("the responses object", other="response"),
    "response": _shape(
        "a response",
        "description+:text headers:{header} content:{media_type} links:{link}",
        section="components/responses",
    ),
    "callback": _shape("a callback", other="path_item", section="components/callbacks"),
    "example": _shape(
        "an example",
        "summary:text description:text value:any externalValue:text",
        section="components/examples",
    ),
    "link": _shape(
        "a link",
        "operationRef:text operationId:text parameters:any requestBody:any description:text"
        " server:server",
        section="components/links",
    ),
    "header": _shape(
        "a header",
        "description:text required:flag deprecated:flag allowEmptyValue:flag style:text"
        " explode:flag allowReserved:flag schema:schema example:any examples:{example}"
        " content:{media_type}",
        section="components/headers",
    ),
    "security_scheme": _shape(
        "a security scheme",
        "type+:text description:text name:text in:text scheme:text bearerFormat:text"
        " flows:oauth_flows openIdConnectUrl:text",
        section="components/securitySchemes",
    ),
    "oauth_flows": _shape(
        "the flows of OAuth",
        "implicit:oauth_flow password:oauth_flow clientCredentials:oauth_flow"
        " authorizationCode:oauth_flow",
    ),
    "oauth_flow": _shape(
        "a flow of OAuth",
        "authorizationUrl:text tokenUrl:text refreshUrl:text scopes:{text}",
    ),
    "discriminator": _shape("a discriminator", "propertyName+:text mapping:{ref}", is_open=True),
}

_SCHEMA_3_0 = _shape(
    "a schema",
    f"{_SCHEMA_BASE} oneOf:[schema] anyOf:[schema] not:schema nullable:flag writeOnly:flag"
    " deprecated:flag discriminator:discriminator exclusiveMaximum:flag exclusiveMinimum:flag",
    section="components/schemas",
    is_open=True,
)
_SCHEMA_3_1 = _shape(
    "a schema",
    _SCHEMA_BASE.replace(" type:text", " type:text|[text]")
    + " oneOf:[schema] anyOf:[schema] not:schema writeOnly:flag deprecated:flag"
    " discriminator:discriminator exclusiveMaximum:number exclusiveMinimum:number const:any"
    " examples:[any] $defs:{schema} definitions:{schema} patternProperties:{schema}"
    " dependentSchemas:{schema} prefixItems:[schema] if:schema then:schema else:schema"
    " contains:schema propertyNames:schema unevaluatedItems:schema"
    " unevaluatedProperties:schema contentSchema:schema",
    section="components/schemas",
    is_open=True,
)

_ITEMS_2_0 = (
    "type+:text format:text items:items collectionFormat:text default:any enum:[any]"
    " maximum:number minimum:number multipleOf:number maxLength:number minLength:number"
    " pattern:text maxItems:number minItems:number uniqueItems:flag exclusiveMaximum:flag"
    " exclusiveMinimum:flag"
)

_SWAGGER_2_0 = _SHARED | {
    "document": _shape(
        "a Swagger document",
        "swagger!:any info+:info host:text basePath:text schemes:[text] consumes:[text]"
        " produces:[text] paths!:paths definitions:{schema} parameters:{parameter}"
        " responses:{response} securityDefinitions:{security_scheme} security:[security]"
        " tags:[tag] externalDocs:external_docs",
    ),
    "path_item": _shape(
        "a path item",
        f"$ref:text {_methods(METHODS)} parameters:[parameter]",
        section="x-path-items",
    ),
    "operation": _shape(
        "an operation",
        "tags:[text] summary:text description:text externalDocs:external_docs operationId:text"
        " consumes:[text] produces:[text] parameters:[parameter] responses+:responses"
        " schemes:[text] deprecated:flag security:[security]",
    ),
    "parameter": _shape(
        "a parameter",
        "name!:text in!:text description:text required:flag schema:schema allowEmptyValue:flag "
        + _ITEMS_2_0.replace("+", ""),
        section="parameters",
        is_open=True,
    ),
    "items": _shape("the items of a list", _ITEMS_2_0, is_open=True),
    "responses": _shape("the responses object", other="response"),
    "response": _shape(
        "a response",
        "description+:text schema:schema headers:{header} examples:any",
        section="responses",
    ),
    "header": _shape("a header", f"description:text {_ITEMS_2_0}", is_open=True),
    "security_scheme": _shape(
        "a security scheme",
        "type+:text description:text name:text in:text flow:text authorizationUrl:text"
        " tokenUrl:text scopes:{text}",
    ),
    "schema": _shape(
        "a schema",
        f"{_SCHEMA_BASE} discriminator:text exclusiveMaximum:flag exclusiveMinimum:flag",
        section="definitions",
        is_open=True,
    ),
}


def _openapi_3_1() -> dict[str, Shape]:
    """3.1 adds webhooks and shared path items, and asks for neither paths nor responses."""
    added = {
        "document": _shape("an OpenAPI document", "paths:paths webhooks:{path_item}"),
        "components": _shape("the components object", "pathItems:{path_item}"),
        "operation": _shape("an operation", "responses:responses"),
    }
    shapes = dict(_OPENAPI_3)
    for name, shape in added.items():
        shapes[name] = Shape(shape.title, {**_OPENAPI_3[name].fields, **shape.fields})
    return shapes | {"schema": _SCHEMA_3_1}


GRAMMARS: dict[Format, dict[str, Shape]] = {
    Format.SWAGGER_2_0: _SWAGGER_2_0,
    Format.OPENAPI_3_0: _OPENAPI_3 | {"schema": _SCHEMA_3_0},
    Format.OPENAPI_3_1: _openapi_3_1(),
}
