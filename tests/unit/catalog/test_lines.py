"""On which line is a place?"""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.catalog.lines import lines_of
from headgate.catalog.pointers import Keys, find, find_fragment, parse_pointer, pointer

JSON_TEXT = """{
  "openapi": "3.0.0",
  "paths": {
    "/a/{b}": {
      "get": {
        "parameters": [
          {"name": "x"},
          {"name": "y",
           "in": "query"}
        ]
      }
    },
    "escaped \\"key\\"": [[], {}, "]}"],
    "last": 1
  }
}"""

YAML_TEXT = """# a comment
openapi: 3.0.0
paths:
  /a/{b}:
    get:
      parameters:
      - name: x
      - name: y
        in: query
  "quoted": {a: 1,
    b: 2}
  text: |
    several
    lines
  last: 1
"""


def test_the_lines_of_places_in_json() -> None:
    parameters: Keys = ("paths", "/a/{b}", "get", "parameters")
    places: list[Keys] = [
        (),
        ("openapi",),
        (*parameters, 1),
        (*parameters, 1, "in"),
        ("paths", 'escaped "key"', 2),
        ("paths", "last"),
    ]
    assert list(lines_of("a.json", JSON_TEXT, places).values()) == [1, 2, 8, 9, 13, 14]


def test_the_lines_of_places_in_yaml() -> None:
    parameters: Keys = ("paths", "/a/{b}", "get", "parameters")
    places: list[Keys] = [
        (),
        ("openapi",),
        (*parameters, 1),
        (*parameters, 1, "in"),
        ("paths", "quoted", "b"),
        ("paths", "last"),
    ]
    assert list(lines_of("a.yaml", YAML_TEXT, places).values()) == [1, 2, 8, 9, 11, 15]


def test_a_place_that_is_not_there_has_the_line_around_it() -> None:
    places: list[Keys] = [("paths", "/a/{b}", "get", "responses", "200"), ("info",)]
    assert list(lines_of("a.json", JSON_TEXT, places).values()) == [5, 1]
    assert list(lines_of("a.yaml", YAML_TEXT, places).values()) == [5, 1]


def test_a_broken_text_has_lines_as_far_as_it_goes() -> None:
    found = lines_of("a.json", '{\n"a": 1,\n"b": ', [("a",), ("b",), ("c",)])
    assert found == {("a",): 2, ("b",): 3, ("c",): 1}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


def places(value: Any, at: Keys = ()) -> list[Keys]:
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [at] + [place for key, item in items for place in places(item, (*at, key))]


@settings(deadline=None)
@given(VALUES)
def test_every_place_has_the_line_on_which_it_is_written(value: Any) -> None:
    text = json.dumps(value, indent=1)
    found = lines_of("a.json", text, places(value))
    rows = text.split("\n")
    for steps, line in found.items():
        if steps and isinstance(steps[-1], str):
            assert rows[line - 1].strip().startswith(json.dumps(steps[-1]) + ":")
    assert len(found) == len(places(value))


@settings(deadline=None)
@given(VALUES)
def test_a_pointer_leads_back_to_its_place(value: Any) -> None:
    for steps in places(value):
        assert find(value, parse_pointer(pointer(steps)))[1] == steps or has_digit_twin(steps)


def has_digit_twin(steps: Keys) -> bool:
    return any(isinstance(step, str) and step.isdecimal() for step in steps)


def test_escapes_of_a_fragment_are_undone_in_order() -> None:
    root = {"paths": {"/a/{b}": {"get": 1}, "a~b": 2, "%7B": 3}}
    assert find_fragment(root, "/paths/~1a~1%7Bb%7D/get")[0] == 1
    assert find_fragment(root, "/paths/~1a~1{b}/get")[0] == 1
    assert find_fragment(root, "/paths/a~0b")[0] == 2
    assert find_fragment(root, "/paths/%7B")[0] == 3
