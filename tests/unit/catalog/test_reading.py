"""What do JSON and YAML texts hold, and which are not read at all?"""

import pytest

from headgate.catalog.document import NESTING_MAX
from headgate.catalog.reading import read
from headgate.catalog.unreadable import Unreadable


def unreadable(text: str, name: str = "openapi.yaml") -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        read(name, text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("2020-01-01", "2020-01-01"),
        ("12:30", "12:30"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("12", 12),
        ("012", "012"),
        ("0", 0),
        ("-7", -7),
        ("0x1F", 31),
        ("0o17", 15),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("1.2.3", "1.2.3"),
        ("-", [None]),
        (".nan", ".nan"),
        ("1e999", "1e999"),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("!!int '12'", 12),
        ("18446744073709551616", 18446744073709551616.0),
    ],
)
def test_yaml_is_read_by_the_core_schema_of_version_1_2(text: str, value: object) -> None:
    found = read("a.yaml", text)
    assert found == value
    assert type(found) is type(value)


def test_keys_are_texts_also_where_they_look_like_numbers() -> None:
    assert read("a.yaml", "200: fine\nyes: 1\n") == {"200": "fine", "yes": 1}


def test_json_in_a_file_without_a_name_of_json_is_read_as_json() -> None:
    assert read("openapi", '\ufeff {"a": [1]}') == {"a": [1]}


def test_yaml_in_braces_is_read_as_yaml() -> None:
    assert read("openapi.yaml", "{a: 1}") == {"a": 1}


def test_a_merge_key_fills_in_what_is_not_there() -> None:
    text = "base: &base {a: 1, b: 2}\nother: {<<: *base, b: 3}\nlist: {<<: [*base, {a: 9, c: 4}]}\n"
    found = read("a.yaml", text)
    assert found["other"] == {"a": 1, "b": 3}
    assert found["list"] == {"a": 1, "b": 2, "c": 4}


def test_a_merge_key_of_a_text_is_refused() -> None:
    assert "merges mappings only" in unreadable("a: {<<: text}").message


@pytest.mark.parametrize(
    ("text", "name", "line"),
    [
        ("a: 1\nb:\n  c: 2\n  c: 3\n", "a.yaml", 4),
        ("a: 1\nb: [1, 2\n", "a.yaml", 3),
        ('{\n "a": 1,\n "b" 2\n}', "a.json", 3),
        ("a: 1\n---\nb: 2\n", "a.yaml", 2),
        ("a: !!python/object:os.system x\n", "a.yaml", 1),
        ("a: 1\nb: *nowhere\n", "a.yaml", 2),
        ("? [a, b]\n: 1\n", "a.yaml", 1),
        ("a: b\x00c\n", "a.yaml", 1),
    ],
)
def test_a_text_that_is_not_well_formed_names_its_line(text: str, name: str, line: int) -> None:
    assert unreadable(text, name).line == line


def test_a_key_given_twice_is_refused_in_json_too() -> None:
    error = unreadable('{"paths": {"/a": 1, "/b": 2, "/a": 3}}', "a.json")
    assert error.message == "the key '/a' is given twice in one object"


def test_equal_keys_of_different_objects_are_no_mistake() -> None:
    assert read("a.json", '{"a": {"x": 1}, "b": {"x": 1}}') == {"a": {"x": 1}, "b": {"x": 1}}


def test_an_alias_that_contains_itself_is_refused() -> None:
    assert "contains itself" in unreadable("a: &a [1, *a]").message


def test_a_bomb_of_aliases_is_refused_before_it_is_spelt_out() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    assert "aliases spelt out" in unreadable("\n".join(lines)).message


def test_a_bomb_of_merged_mappings_is_refused_before_it_is_spelt_out() -> None:
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 100)}]}}" for n in range(1, 9)]
    assert "aliases spelt out" in unreadable("\n".join(lines)).message


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[" * 100_000, "a.json"),
        ("[" * (NESTING_MAX + 1) + "]" * (NESTING_MAX + 1), "a.json"),
        ("[" * 100_000, "a.yaml"),
        ("- " * 100_000 + "x", "a.yaml"),
        ("a: &a " + "[" * 150 + "]" * 150 + "\nb: " + "[" * 60 + "*a" + "]" * 60, "a.yaml"),
    ],
)
def test_what_is_nested_too_deep_is_refused(text: str, name: str) -> None:
    unreadable(text, name)


def test_what_is_nested_to_the_limit_is_read() -> None:
    assert read("a.json", "[" * NESTING_MAX + "]" * NESTING_MAX)
