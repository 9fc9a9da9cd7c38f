"""Are the words that a catalogue shows and searches those of the document, and nothing more?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.catalog.about import (
    DESCRIPTION_CHARACTERS_MAX,
    TAGS_MAX,
    WORDS_CHARACTERS_MAX,
    about,
    plain,
)


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("Place **orders** and `follow` them.", "Place orders and follow them."),
        ("See [the docs](https://x.example/a) and ![logo](l.png).", "See the docs and logo."),
        ("<b>Bold</b> <script>x</script>", "Bold x"),
        ("# Head\n\n- one\n- two", "Head one two"),
        ("before\n```\ncode\n```\nafter", "before after"),
        ("snake and 3 < 4", "snake and 3 < 4"),
    ],
)
def test_marks_are_not_words(markdown: str, text: str) -> None:
    assert plain(markdown) == text


def test_the_first_paragraph_that_says_something_is_the_description() -> None:
    told = about({"info": {"description": "# Title\n\n```\nx\n```\n\nWhat it is.\n\nMore of it."}})
    assert told.description == "What it is."
    assert "More of it." in told.words


def test_a_summary_says_it_shorter() -> None:
    told = about({"info": {"summary": "Short", "description": "Long"}})
    assert (told.description, "Long" in told.words) == ("Short", True)


def test_tags_are_those_of_the_document_and_of_its_operations_once() -> None:
    paths = {"/a": {"get": {"tags": ["b", "a"]}, "parameters": []}, "/b": {"post": {"tags": ["c"]}}}
    assert about({"tags": [{"name": "a"}], "paths": paths}).tags == ("a", "b", "c")


def test_everything_has_its_bound() -> None:
    long = {"description": "word " * 50_000}
    told = about({"info": long, "tags": [{"name": f"t{n}"} for n in range(1_000)]})
    assert len(told.description) <= DESCRIPTION_CHARACTERS_MAX
    assert told.description.endswith("word…")
    assert (len(told.tags), len(told.words)) == (TAGS_MAX, WORDS_CHARACTERS_MAX)


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(
                    ["info", "description", "title", "tags", "name", "paths", "get", "/a"]
                ),
                x,
            )
        ),
    )
)
def test_no_document_is_too_odd(value: object) -> None:
    if isinstance(value, dict):
        about(value)
        about({"info": value, "paths": value, "tags": [value]})
