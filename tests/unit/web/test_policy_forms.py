"""Is nothing lost between a policy's settings, its form and its YAML, whatever the kind?"""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from headgate.gateway.policy import policies
from headgate.web.api.upstreams import UpstreamData
from headgate.web.console.policy_forms import (
    PREFIX,
    WRITTEN,
    ShownField,
    Widget,
    as_yaml,
    fields_of,
    from_yaml,
    read,
    shown,
    written,
)


def sent(schema: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, str]:
    """What a browser sends of a form that was filled with settings and not changed."""
    return texts(shown(schema, settings)) | {WRITTEN: written(schema, settings)}


def texts(fields: Iterable[ShownField]) -> dict[str, str]:
    """The texts of fields, those of groups and tables too, by their names."""
    found = {}
    for one in fields:
        found[PREFIX + one.id] = one.text
        found |= texts(one.parts) | texts(part for row in one.rows for part in row)
    return found


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


UPSTREAM = {
    "hosts": [{"host": "a.example", "port": 443, "weight": 3}, {"host": "b.example", "port": 80}],
    "tls": {"server_name": "a.example"},
    "health_check": {"path": "/up", "interval_seconds": 5.5},
    "outlier_ejection": None,
    "retries_max": 0,
}


def test_objects_are_groups_and_lists_of_them_tables_and_nothing_is_lost() -> None:
    schema = UpstreamData.model_json_schema()
    widgets = {one.name: one.widget for one in fields_of(schema)}
    assert (widgets["hosts"], widgets["health_check"]) == (Widget.TABLE, Widget.GROUP)
    assert read(schema, sent(schema, UPSTREAM)) == (UPSTREAM, {})


def test_a_row_is_added_by_filling_an_empty_one_and_goes_by_emptying_it() -> None:
    schema = UpstreamData.model_json_schema()
    given = sent(schema, UPSTREAM)
    more = {f"{PREFIX}hosts.2.host": "c.example", f"{PREFIX}hosts.2.port": "81"}
    assert read(schema, given | more)[0]["hosts"][2] == {"host": "c.example", "port": 81}
    gone = {f"{PREFIX}hosts.0.{name}": "" for name in ("host", "port", "weight")}
    assert read(schema, given | gone)[0]["hosts"] == UPSTREAM["hosts"][1:]


def test_a_group_goes_by_its_switch_and_its_mistakes_are_told_with_their_place() -> None:
    schema = UpstreamData.model_json_schema()
    given = sent(schema, UPSTREAM)
    assert read(schema, given | {f"{PREFIX}tls": ""})[0]["tls"] is None
    settings, errors = read(schema, given | {f"{PREFIX}health_check.interval_seconds": "soon"})
    assert settings["health_check"]["interval_seconds"] == "soon"
    assert errors == {"health_check": ("interval_seconds: 'soon' is no number",)}


def test_yaml_that_is_none_is_told_with_its_line() -> None:
    with pytest.raises(ValueError, match="line 2"):
        from_yaml("a: 1\nb: [")


def test_yaml_that_would_grow_is_refused() -> None:
    with pytest.raises(ValueError, match="aliases"):
        from_yaml("a: &a [1]\nb: [*a, *a]")


def test_a_long_text_keeps_its_lines() -> None:
    schema = UpstreamData.model_json_schema()
    pem = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"
    with_pem = UPSTREAM | {"tls": {"ca_pem": pem}}
    tls = next(one for one in fields_of(schema) if one.name == "tls")
    widgets = {one.name: one.widget for one in tls.parts}
    assert (widgets["ca_pem"], widgets["server_name"]) == (Widget.AREA, Widget.TEXT)
    assert read(schema, sent(schema, with_pem))[0]["tls"] == {"ca_pem": pem}
