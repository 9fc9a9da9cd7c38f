"""Do tags change with what they stand for, and match as RFC 9110 says?"""

import pytest

from headgate.core.problems import Problem
from headgate.web.api.conditional import check_field, entity_tag, is_named


def test_a_tag_changes_with_the_content() -> None:
    assert entity_tag(b'{"title":"a"}') != entity_tag(b'{"title":"b"}')
    assert entity_tag(b'{"title":"a"}') == entity_tag(b'{"title":"a"}')


def test_using_a_key_does_not_change_it() -> None:
    unused = b'{"name":"a","last_used_at":null,"state":"active"}'
    used = b'{"name":"a","last_used_at":"2030-01-01T00:00:00Z","state":"active"}'
    assert entity_tag(unused) == entity_tag(used)
    assert entity_tag(used) != entity_tag(used.replace(b"active", b"revoked"))


@pytest.mark.parametrize(
    ("field", "if_match", "if_none_match"),
    [
        ('"a"', True, True),
        ('"b"', False, False),
        ('"b", "a"', True, True),
        ('W/"a"', False, True),
        ("*", True, True),
    ],
)
def test_fields_name_tags(field: str, *, if_match: bool, if_none_match: bool) -> None:
    assert is_named('"a"', field, is_weak=False) is if_match
    assert is_named('"a"', field, is_weak=True) is if_none_match


@pytest.mark.parametrize("field", ["*", '"a"', '"a", W/"b"', '""'])
def test_a_well_formed_field_passes(field: str) -> None:
    check_field("If-Match", field)


@pytest.mark.parametrize("field", ["", "a", '"a', '"a" "b"', "* , *", '"ä"'])
def test_a_misspelt_field_is_not_ignored(field: str) -> None:
    with pytest.raises(Problem, match="entity tag"):
        check_field("If-Match", field)
