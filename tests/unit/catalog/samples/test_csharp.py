"""Is a sample in C# a program, where no runtime is there to run it? Its grammar, its literals."""

import json

import pytest
import tree_sitter_c_sharp
from hypothesis import given
from hypothesis import strategies as st
from tree_sitter import Language, Node, Parser

from headgate.catalog.sample import JSONBody, Key, SampleRequest, TextBody, languages
from headgate.catalog.samples import csharp
from tests.support.sample_requests import requests

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)
LINES = st.lists(st.text("ab\"'\\{}/ ", max_size=8), max_size=6).map("\n".join)
PARSER = Parser(Language(tree_sitter_c_sharp.language()))


def parsed(program: str) -> Node:
    return PARSER.parse(program.encode()).root_node


def calls(program: str) -> int:
    """How many times a program sends; it must be one."""
    found, waiting = 0, [parsed(program)]
    while waiting:
        node = waiting.pop()
        waiting += node.children
        is_call = node.type == "invocation_expression" and node.text is not None
        found += is_call and node.text.startswith(b"client.SendAsync(")
    return found


@pytest.mark.parametrize("title", sorted(requests("")))
def test_a_sample_is_a_program_that_makes_one_call(title: str) -> None:
    program = languages["csharp"]().write(requests("https://api.example.com")[title])
    assert not parsed(program).has_error
    assert calls(program) == 1


@pytest.mark.parametrize(
    ("right", "wrong"), [('"Console.', "Console."), (");\n", "\n"), ("using var", "using var var")]
)
def test_what_is_no_program_is_found(right: str, wrong: str) -> None:
    program = 'using var client = new A();\nConsole.WriteLine("Console.");\n'
    assert not parsed(program).has_error
    assert parsed(program.replace(right, wrong)).has_error


@given(TEXTS, TEXTS, TEXTS)
def test_a_sample_is_one_whatever_stands_in_the_document(url: str, name: str, value: str) -> None:
    for body in (JSONBody({name: value}), TextBody(f"{name}\n{value}")):
        request = SampleRequest("POST", url, ((name, value),), Key(name), body)
        program = languages["csharp"]().write(request)
        assert not parsed(program).has_error
        assert calls(program) == 1


@given(TEXTS)
def test_a_literal_means_the_text(text: str) -> None:
    """Of the escapes of C# it uses those that JSON has as well."""
    assert json.loads(csharp.quoted(text)) == text


@given(LINES)
def test_a_raw_literal_means_the_text(text: str) -> None:
    """Source: C# 11, "Raw string literals": what stands before the last quotes is indentation."""
    literal = csharp.lines(text)
    if not literal.startswith('"""'):
        assert "".join(map(json.loads, literal.split("\n    + "))) == text
        return
    first, *inner, last = literal.split("\n")
    assert (first, last) == ('"""', '    """')
    assert all(line.startswith("    ") for line in inner)
    assert "\n".join(line[4:] for line in inner) == text
    assert '"""' not in text
