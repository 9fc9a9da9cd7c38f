"""Where may references lead, and what becomes of them in the bundled document?"""

from typing import Any

import orjson
import pytest

from headgate.catalog.document import DocumentSource, Fetched, ImportedDocument
from headgate.catalog.importer import import_document
from headgate.core.problems import Detail, Problem, ProblemType
from tests.support.documents import (
    errors_of,
    import_files,
    imported,
    openapi,
    operation,
    swagger,
    warnings_of,
)

HEAD = "openapi: 3.0.3\ninfo: {title: Pets, version: '1'}\n"


def referring(*references: str, version: str = "3.0.3", **components: Any) -> dict[str, Any]:
    """A document whose one response has a schema that refers to each of `references`."""
    schema = {"allOf": [{"$ref": reference} for reference in references]}
    response = {"description": "x", "content": {"application/json": {"schema": schema}}}
    paths = {"/a": {"get": operation(responses={"200": response})}}
    return openapi(version, paths=paths, components=components)


def files_error(files: dict[str, str]) -> Detail:
    with pytest.raises(Problem) as caught:
        import_files(files)
    return caught.value.errors[0]


def test_a_schema_that_contains_itself_stays_a_reference() -> None:
    node = {"properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    document = referring("#/components/schemas/Node", schemas={"Node": node})
    assert imported(document).bundled == document


def test_a_reference_that_leads_nowhere_is_refused_with_its_place() -> None:
    (error,) = errors_of(referring("#/components/schemas/Pet", schemas={}))
    assert error.message == (
        "The reference '#/components/schemas/Pet' cannot be followed: there is nothing there"
    )
    assert error.pointer.endswith("/schema/allOf/0/$ref")


@pytest.mark.parametrize("reference", [7, None, [], {}])
def test_a_reference_that_is_no_text_is_refused(reference: Any) -> None:
    assert "must be a text" in errors_of(referring(reference))[0].message


def test_references_that_only_lead_to_each_other_are_refused() -> None:
    schemas = {
        "A": {"$ref": "#/components/schemas/B"},
        "B": {"$ref": "#/components/schemas/A"},
        "C": {"$ref": "#/components/schemas/A"},
    }
    found = {error.pointer for error in errors_of(openapi(components={"schemas": schemas}))}
    assert found == {"/components/schemas/A/$ref", "/components/schemas/B/$ref"}


@pytest.mark.parametrize(
    "reference",
    [
        "#/paths/~1a~1%7Bid%7D/get/responses/200/content/application~1json/schema",
        "#/paths/~1a~1{id}/get/responses/200/content/application~1json/schema",
        "#/components/schemas/Sp%20ace",
        "#/components/schemas/Sp ace",
        "#/components/schemas/til~0de",
        "#/components/schemas/List/allOf/0",
    ],
)
def test_escapes_in_references_are_understood(reference: str) -> None:
    response = {"description": "x", "content": {"application/json": {"schema": {}}}}
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"$ref": reference}}
    document = openapi(
        paths={"/a/{id}": {"get": operation(parameters=[parameter], responses={"200": response})}},
        components={"schemas": {"Sp ace": {}, "til~de": {}, "List": {"allOf": [{}]}}},
    )
    assert warnings_of(document) == []


def test_what_stands_in_examples_is_no_reference() -> None:
    document = referring(schemas={"A": {"example": {"$ref": "#/nowhere"}, "default": {"$ref": 1}}})
    assert imported(document).bundled == document


def test_a_property_may_be_named_like_a_reference() -> None:
    document = referring(schemas={"A": {"properties": {"$ref": {"type": "string"}}}})
    assert imported(document).bundled == document


def test_siblings_of_a_reference_count_in_3_1_only() -> None:
    schemas = {"A": {"$ref": "#/components/schemas/B", "properties": []}, "B": {}}
    assert errors_of(openapi("3.1.0", components={"schemas": schemas}))
    assert imported(openapi("3.0.3", components={"schemas": schemas}))


def test_a_path_item_may_be_a_reference_with_siblings() -> None:
    document = openapi(
        paths={
            "/a": {"get": operation(operationId="one"), "put": operation()},
            "/b": {"$ref": "#/paths/~1a", "get": operation(operationId="own")},
        }
    )
    found = imported(document).operations
    assert [(item.id, item.path) for item in found] == [
        ("one", "/a"),
        ("PUT /a", "/a"),
        ("own", "/b"),
        ("PUT /b", "/b"),
    ]
    assert found[3].pointer == "/paths/~1a/put"


def test_a_path_item_that_refers_to_itself_is_refused() -> None:
    document = openapi(paths={"/a": {"$ref": "#/paths/~1b"}, "/b": {"$ref": "#/paths/~1a"}})
    assert len(errors_of(document)) == 2


def test_ids_and_anchors_of_3_1_are_understood() -> None:
    schemas = {
        "Tree": {
            "$id": "https://example.com/tree",
            "$dynamicAnchor": "node",
            "properties": {
                "left": {"$ref": "#/$defs/leaf"},
                "right": {"$dynamicRef": "#node"},
                "self": {"$ref": "https://example.com/tree"},
                "other": {"$ref": "tree#/$defs/leaf"},
            },
            "$defs": {"leaf": {"$anchor": "leaf", "type": "string"}},
        },
        "Leaf": {"$ref": "#leaf"},
        "Far": {"$ref": "https://example.com/tree#leaf"},
    }
    document = openapi("3.1.0", components={"schemas": schemas})
    assert imported(document).bundled == document


def test_an_anchor_that_is_not_there_is_refused() -> None:
    (error,) = errors_of(referring("#leaf", version="3.1.0"))
    assert "there is no `$anchor` named 'leaf'" in error.message


MULTI = {
    "openapi.yaml": HEAD
    + """paths:
  /pets:
    $ref: paths/pets.yaml
  /pets/{id}:
    get:
      parameters:
      - $ref: shared/parameters.yaml#/id
      responses:
        '200':
          $ref: 'shared/responses.yaml#/Pet'
components:
  schemas:
    Pet:
      type: integer
""",
    "paths/pets.yaml": """get:
  operationId: listPets
  responses:
    '200':
      description: pets
      content:
        application/json:
          schema:
            type: array
            items:
              $ref: ../shared/schemas.yaml#/Pet
    default:
      $ref: '#/x-error'
post:
  responses:
    '201':
      description: made
      content:
        application/json:
          schema: {$ref: ../openapi.yaml#/components/schemas/Pet}
x-error: {description: wrong}
""",
    "shared/parameters.yaml": "id: {name: id, in: path, required: true, schema: {type: string}}\n",
    "shared/responses.yaml": """Pet:
  description: one
  content:
    application/json:
      schema: {$ref: 'schemas.yaml#/Pet'}
""",
    "shared/schemas.yaml": """Pet:
  type: object
  properties:
    owner: {$ref: owner.yaml}
    kind:
      oneOf: [{$ref: '#/Cat'}]
      discriminator: {propertyName: type, mapping: {cat: '#/Cat', dog: Dog}}
Cat: {type: object}
""",
    "shared/owner.yaml": "properties: {pets: {type: array, items: {$ref: 'schemas.yaml#/Pet'}}}\n",
    "unused.yaml": "]not even YAML",
}


def test_files_that_refer_to_each_other_become_one_document() -> None:
    found = import_files(MULTI)
    assert [item.id for item in found.operations] == ["listPets", "POST /pets", "GET /pets/{id}"]
    assert found.operations[0].pointer == "/paths/~1pets/get"
    assert imported(found.bundled).operations == found.operations
    components = found.bundled["components"]
    assert components["schemas"] == {
        "Pet": {"type": "integer"},
        "Pet_2": {
            "type": "object",
            "properties": {
                "owner": {"$ref": "#/components/schemas/owner"},
                "kind": {
                    "oneOf": [{"$ref": "#/components/schemas/Cat"}],
                    "discriminator": {
                        "propertyName": "type",
                        "mapping": {"cat": "#/components/schemas/Cat", "dog": "Dog"},
                    },
                },
            },
        },
        "owner": {
            "properties": {
                "pets": {"type": "array", "items": {"$ref": "#/components/schemas/Pet_2"}}
            }
        },
        "Cat": {"type": "object"},
    }
    assert list(components["parameters"]) == ["id"]
    assert set(components["responses"]) == {"Pet", "x-error"}
    pets = found.bundled["paths"]["/pets"]
    made = pets["post"]["responses"]["201"]["content"]["application/json"]["schema"]
    assert made == {"$ref": "#/components/schemas/Pet"}


def test_the_texts_are_kept_as_they_came() -> None:
    assert import_files(MULTI).original == MULTI


def test_many_parts_of_one_name_are_numbered_soon() -> None:
    count = 5_000
    schemas = {f"S{n}": {"$ref": f"parts.json#/k{n}/pet"} for n in range(count)}
    parts = {f"k{n}": {"pet": {"maximum": n}} for n in range(count)}
    document = openapi(components={"schemas": schemas})
    files = {"a.json": orjson.dumps(document).decode(), "parts.json": orjson.dumps(parts).decode()}
    found = import_files(files, "a.json").bundled["components"]["schemas"]
    assert len(found) == 2 * count
    assert {found[name]["maximum"] for name in found if name.startswith("pet")} == set(range(count))


def test_shared_parts_of_swagger_go_to_its_own_places() -> None:
    document = swagger(
        paths={"/a": {"get": operation(parameters=[{"$ref": "parts.json#/page"}])}},
        definitions={"A": {"$ref": "parts.json#/pet"}},
    )
    parts = {"page": {"name": "page", "in": "query", "type": "integer"}, "pet": {"type": "string"}}
    found = import_files(
        {"a.json": orjson.dumps(document).decode(), "parts.json": orjson.dumps(parts).decode()},
        "a.json",
    )
    assert found.bundled["definitions"] == {
        "A": {"$ref": "#/definitions/pet"},
        "pet": {"type": "string"},
    }
    assert found.bundled["parameters"] == {"page": parts["page"]}


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("../secret.yaml", "leaves the folder of the document"),
        ("a/../../secret.yaml", "leaves the folder of the document"),
        ("%2e%2e/secret.yaml", "leaves the folder of the document"),
        ("/etc/passwd", "leaves the folder of the document"),
        ("..\\\\secret.yaml", "leaves the folder of the document"),
        ("file:///etc/passwd", "is neither a file of the document nor http(s)"),
        ("ftp://host/x", "is neither a file of the document nor http(s)"),
        ("missing.yaml", "the file 'missing.yaml' is not among the document's files"),
        ("http://[broken", "is not an address"),
    ],
)
def test_a_reference_out_of_the_folder_is_refused(reference: str, message: str) -> None:
    text = f'{HEAD}paths:\n  /a:\n    $ref: "{reference}"\n'
    error = files_error({"openapi.yaml": text})
    assert message in error.message
    assert (error.pointer, error.line) == ("/paths/~1a/$ref", 5)


def test_a_file_in_a_folder_below_may_refer_upwards_inside() -> None:
    files = {
        "api/openapi.yaml": HEAD + "paths:\n  /a: {$ref: ../paths/a.yaml}\n",
        "paths/a.yaml": "get: {responses: {'200': {description: x}}}",
    }
    assert import_files(files, "api/openapi.yaml").operations[0].path == "/a"


def test_a_file_that_cannot_be_read_is_told_once_with_its_line() -> None:
    files = {
        "openapi.yaml": HEAD + "paths:\n  /a: {$ref: a.yaml}\n  /b: {$ref: a.yaml}\n",
        "a.yaml": "get: [\n",
    }
    with pytest.raises(Problem) as caught:
        import_files(files)
    messages = [(error.message.partition(":")[0], error.line) for error in caught.value.errors]
    assert messages.count(("a.yaml", 2)) == 1


class Network:
    """A network of texts by address that notes what was asked of it."""

    def __init__(self, **texts: str) -> None:
        self.texts = {f"https://{name}.example/parts.yaml": text for name, text in texts.items()}
        self.asked: list[str] = []

    def __call__(self, url: str, /) -> Fetched:
        self.asked.append(url)
        if url not in self.texts:
            raise Problem(ProblemType.UNREACHABLE, "there is no such host", "look again")
        return Fetched(url, self.texts[url])


def remote(network: Network, reference: str, *, is_allowed: bool) -> ImportedDocument:
    text = orjson.dumps(referring(reference, reference)).decode()
    source = DocumentSource({"a.json": text}, "a.json")
    return import_document(source, allow_remote_refs=is_allowed, fetch=network)


PET = "https://one.example/parts.yaml#/Pet"


def test_remote_references_are_refused_by_name_and_nothing_is_fetched() -> None:
    network = Network(one="Pet: {type: string}")
    with pytest.raises(Problem) as caught:
        remote(network, PET, is_allowed=False)
    assert network.asked == []
    assert [PET in error.message for error in caught.value.errors] == [True, True]
    assert "allow remote references" in caught.value.errors[0].message


def test_remote_references_are_fetched_once_where_allowed() -> None:
    network = Network(one="Pet: {$ref: 'https://two.example/parts.yaml'}", two="{type: string}")
    found = remote(network, PET, is_allowed=True)
    assert network.asked == ["https://one.example/parts.yaml", "https://two.example/parts.yaml"]
    assert found.bundled["components"]["schemas"] == {
        "Pet": {"$ref": "#/components/schemas/parts"},
        "parts": {"type": "string"},
    }
    assert set(found.original) == {"a.json", *network.texts}


def test_what_an_import_has_fetched_is_imported_again_without_the_network() -> None:
    network = Network(one="Pet: {type: string}")
    found = remote(network, PET, is_allowed=True)
    again = import_document(DocumentSource(found.original, found.entry))
    assert again.bundled == found.bundled


def test_a_remote_file_that_is_not_there_is_a_mistake_of_the_document() -> None:
    with pytest.raises(Problem) as caught:
        remote(Network(), PET, is_allowed=True)
    assert "was not fetched: there is no such host" in caught.value.errors[0].message


def test_relative_references_of_a_fetched_document_are_remote() -> None:
    text = orjson.dumps(referring("parts.yaml#/Pet")).decode()
    source = DocumentSource({"a.json": text}, "a.json", "https://one.example/a.json")
    with pytest.raises(Problem) as caught:
        import_document(source)
    assert "remote (https://one.example/parts.yaml)" in caught.value.errors[0].message
    network = Network(one="Pet: {type: string}")
    found = import_document(source, allow_remote_refs=True, fetch=network)
    assert found.bundled["components"]["schemas"]["Pet"] == {"type": "string"}
    assert set(found.original) == {"a.json", "https://one.example/parts.yaml"}


def test_a_remote_file_may_not_name_files_of_this_machine() -> None:
    network = Network(one="Pet: {$ref: 'file:///etc/passwd'}")
    with pytest.raises(Problem) as caught:
        remote(network, PET, is_allowed=True)
    assert "is neither a file of the document nor http(s)" in caught.value.errors[0].message


def test_path_items_that_contain_themselves_over_files_are_refused() -> None:
    callback = "get:\n  responses: {}\n  callbacks:\n    x:\n      '{$url}': {$ref: a.yaml}\n"
    files = {"openapi.yaml": HEAD + "paths:\n  /a: {$ref: a.yaml}\n", "a.yaml": callback}
    with pytest.raises(Problem) as caught:
        import_files(files)
    assert "contains itself" in caught.value.detail


def test_path_items_that_multiply_are_refused() -> None:
    def item(number: int) -> str:
        inner = "".join(f"      '{{$url}}{n}': {{$ref: {number + 1}.yaml}}\n" for n in range(10))
        return f"get:\n  responses: {{}}\n  callbacks:\n    x:\n{inner}"

    files = {f"{number}.yaml": item(number) for number in range(12)}
    files["12.yaml"] = "get: {responses: {}}"
    files["openapi.yaml"] = HEAD + "paths:\n  /a: {$ref: 0.yaml}\n"
    with pytest.raises(Problem) as caught:
        import_files(files)
    assert caught.value.type is ProblemType.TOO_LARGE
