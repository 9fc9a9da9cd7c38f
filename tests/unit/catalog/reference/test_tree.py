"""What does a page show of a schema, and what when somebody opens a node?"""

from typing import Any

from headgate.catalog.dialect import Side
from headgate.catalog.reference.parts import from_document
from headgate.catalog.reference.tree import (
    CHILDREN_MAX,
    NODES_MAX,
    Kind,
    Node,
    Tree,
    nodes,
    opened,
)
from tests.support.documents import openapi

AT = "/components/schemas/Thing"


def _tree(schemas: dict[str, Any], *, side: Side = Side.RESPONSE, levels: int = 1) -> Node:
    parts = from_document(openapi("3.1.0", components={"schemas": schemas}))
    return Tree(parts, side).root(AT, levels)


def _thing(**schema: Any) -> Node:
    return _tree({"Thing": schema})


def _child(node: Node, name: str) -> Node:
    return next(one for one in node.children if one.name == name)


def test_a_property_says_what_it_is_and_whether_it_must_be_there() -> None:
    node = _thing(
        type="object",
        required=["id"],
        properties={
            "id": {"type": "integer", "format": "int64", "minimum": 1, "maximum": 9},
            "note": {"type": ["string", "null"], "maxLength": 5, "default": "-"},
        },
    )
    one, note = node.children
    assert (one.name, one.type, one.format, one.is_required) == ("id", "integer", "int64", True)
    assert one.limits == ("1 to 9",)
    assert (note.is_required, note.is_nullable, note.default) == (False, True, '"-"')
    assert note.limits == ("at most 5 characters",)


def test_a_schema_that_contains_itself_opens_level_by_level_and_never_by_itself() -> None:
    schemas = {
        "Thing": {"type": "object", "properties": {"parent": {"$ref": f"#{AT}"}}},
    }
    parts = from_document(openapi(components={"schemas": schemas}))
    node = Tree(parts, Side.RESPONSE).root(AT, levels=50)
    parent = _child(node, "parent")
    assert parent.is_cycle
    assert parent.children == ()
    again = opened(parts, parent.at, Side.RESPONSE)
    assert [one.name for one in again.children] == ["parent"]


def test_two_schemas_of_one_name_inside_another_are_no_cycle() -> None:
    schemas = {
        "Thing": {"properties": {"a": {"$ref": "#/components/schemas/Other"}}},
        "Other": {"properties": {"b": {"type": "string"}}},
    }
    node = _tree(schemas, levels=2)
    assert not _child(node, "a").is_cycle
    assert [one.name for one in _child(node, "a").children] == ["b"]


def test_all_of_is_shown_as_one_schema() -> None:
    node = _tree(
        {
            "Thing": {
                "allOf": [{"$ref": "#/components/schemas/Base"}, {"required": ["name"]}],
                "properties": {"own": {"type": "string"}, "name": {"description": "Whose."}},
            },
            "Base": {"type": "object", "properties": {"name": {"type": "string"}}},
        }
    )
    assert {one.name for one in node.children} == {"own", "name"}
    name = _child(node, "name")
    assert (name.type, name.is_required, name.description) == ("string", True, "Whose.")


def test_alternatives_are_choices_named_by_their_discriminator() -> None:
    node = _tree(
        {
            "Thing": {
                "oneOf": [
                    {"$ref": "#/components/schemas/Cat"},
                    {"$ref": "#/components/schemas/Dog"},
                ],
                "discriminator": {
                    "propertyName": "kind",
                    "mapping": {"meow": "#/components/schemas/Cat"},
                },
            },
            "Cat": {"type": "object", "properties": {"kind": {"type": "string"}}},
            "Dog": {"type": "object"},
        }
    )
    (choices,) = node.choices
    assert choices.is_one
    assert choices.discriminator == "kind"
    assert [(one.name, one.title, one.kind) for one in choices.options] == [
        ("meow", "Cat", Kind.CHOICE),
        ("Dog", "Dog", Kind.CHOICE),
    ]
    assert node.type == "one of 2"


def test_a_choice_between_null_and_one_schema_is_that_schema_or_null() -> None:
    node = _thing(anyOf=[{"type": "string"}, {"type": "null"}])
    assert (node.type, node.is_nullable, node.choices) == ("string", True, ())


def test_nullable_of_3_0_means_the_same() -> None:
    assert _thing(type="string", nullable=True).is_nullable
    assert not _thing(type="string").is_nullable


def test_each_side_sees_only_what_it_sends() -> None:
    schema = {
        "properties": {
            "id": {"type": "string", "readOnly": True},
            "password": {"type": "string", "writeOnly": True},
            "name": {"type": "string"},
        }
    }
    sent = _tree({"Thing": schema}, side=Side.REQUEST)
    answered = _tree({"Thing": schema}, side=Side.RESPONSE)
    assert [one.name for one in sent.children] == ["password", "name"]
    assert [one.name for one in answered.children] == ["id", "name"]


def test_lists_and_maps_open_to_what_is_in_them() -> None:
    node = _thing(
        properties={
            "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
        }
    )
    tags, counts = node.children
    assert (tags.type, tags.limits, tags.can_open) == (
        "array of string",
        ("at least 1 item",),
        True,
    )
    assert (counts.type, counts.can_open) == ("object", True)
    parts = from_document(
        openapi(
            components={
                "schemas": {
                    "Thing": {
                        "properties": {
                            "counts": {
                                "type": "object",
                                "additionalProperties": {"type": "integer"},
                            }
                        }
                    }
                }
            }
        )
    )
    (entry,) = opened(parts, f"{AT}/properties/counts", Side.RESPONSE).children
    assert (entry.kind, entry.type) == (Kind.ENTRY, "integer")


def test_const_enum_and_limits_are_shown_in_words() -> None:
    node = _thing(
        properties={
            "a": {"const": "x"},
            "b": {"enum": ["on", "off", None]},
            "c": {"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.5},
            "d": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
            "e": {"type": "string", "minLength": 3, "maxLength": 3, "pattern": "^a"},
        }
    )
    a, b, c, d, e = node.children
    assert (a.const, a.type) == ('"x"', "string")
    assert b.enum == ('"on"', '"off"', "null")
    assert c.limits == ("more than 0", "a multiple of 0.5")
    assert d.limits == ("more than 0",)
    assert e.limits == ("exactly 3 characters", "matches ^a")


def test_deprecation_stands_at_the_node() -> None:
    node = _thing(properties={"old": {"type": "string", "deprecated": True}, "new": {}})
    assert [one.is_deprecated for one in node.children] == [True, False]


def test_a_reference_that_leads_nowhere_means_anything() -> None:
    node = _thing(properties={"lost": {"$ref": "#/components/schemas/Nothing"}})
    assert _child(node, "lost").type == "any"


def test_a_very_wide_schema_is_cut_and_says_how_much_is_left() -> None:
    many = {f"p{number}": {"type": "string"} for number in range(CHILDREN_MAX + 7)}
    node = _thing(properties=many)
    assert len(node.children) == CHILDREN_MAX
    assert node.children_dropped == 7


def test_a_page_makes_only_so_many_nodes() -> None:
    wide = {f"p{number}": {"$ref": "#/components/schemas/Wide"} for number in range(100)}
    leaf = {f"q{number}": {"type": "object", "properties": {"x": {}}} for number in range(100)}
    node = _tree({"Thing": {"properties": wide}, "Wide": {"properties": leaf}}, levels=10)
    assert sum(1 for _ in nodes(node)) <= NODES_MAX + CHILDREN_MAX


def test_an_address_of_a_stranger_is_answered_and_opens_nothing() -> None:
    parts = from_document(openapi())
    for address in ("", "/", "/nowhere", "~&~&", "/paths/~1pets", "//" * 5_000, "/info/title"):
        assert opened(parts, address, Side.REQUEST).children == ()
