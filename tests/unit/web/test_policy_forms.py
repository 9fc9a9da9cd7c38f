"""Is nothing lost between a policy's settings, its form and its YAML, whatever the kind?"""

from collections.abc import Mapping
from typing import Any

import pytest

from headgate.gateway.policy import policies
from headgate.web.console.policy_forms import (
    PREFIX,
    WRITTEN,
    Widget,
    as_yaml,
    fields_of,
    from_yaml,
    read,
    shown,
)


def sent(schema: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, str]:
    """What a browser sends of a form that was filled with settings and not changed."""
    fields = {one.id: one.text for one in shown(schema, settings)}
    return fields | {WRITTEN: ",".join(settings)}


@pytest.mark.parametrize("kind", list(policies))
def test_every_example_goes_through_its_form_unchanged(kind: str) -> None:
    schema, example = policies[kind].model_json_schema(), policies[kind].example
    assert read(schema, sent(schema, example)) == (example, {})


@pytest.mark.parametrize("kind", list(policies))
def test_every_example_goes_through_yaml_unchanged(kind: str) -> None:
    example = policies[kind].example
    assert (from_yaml(as_yaml(example)) or {}) == example


@pytest.mark.parametrize("kind", list(policies))
def test_every_setting_has_a_field(kind: str) -> None:
    schema = policies[kind].model_json_schema()
    assert {one.name for one in fields_of(schema)} == set(schema.get("properties", {}))


def test_what_was_not_written_stays_unwritten_and_what_was_stays() -> None:
    schema = policies["cors"].model_json_schema()
    short = {"allow_origins": ["https://a.example"]}
    long = short | {"max_age_seconds": 600, "allow_credentials": False}
    assert read(schema, sent(schema, short))[0] == short
    assert read(schema, sent(schema, long))[0] == long


def test_what_is_no_number_is_told_at_its_field_and_kept() -> None:
    schema = policies["cors"].model_json_schema()
    given = {PREFIX + "allow_origins": "*", PREFIX + "max_age_seconds": "soon"}
    settings, errors = read(schema, given)
    assert settings["max_age_seconds"] == "soon"
    assert errors == {"max_age_seconds": ("'soon' is no number",)}


def test_lines_are_lists_and_switches_are_switches() -> None:
    by_name = {one.name: one.widget for one in fields_of(policies["cors"].model_json_schema())}
    assert by_name["allow_origins"] is Widget.LINES
    assert by_name["allow_credentials"] is Widget.SWITCH


def test_yaml_that_is_none_is_told_with_its_line() -> None:
    with pytest.raises(ValueError, match="line 2"):
        from_yaml("a: 1\nb: [")


def test_yaml_that_would_grow_is_refused() -> None:
    with pytest.raises(ValueError, match="aliases"):
        from_yaml("a: &a [1]\nb: [*a, *a]")
