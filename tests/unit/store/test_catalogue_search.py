"""Which operations does the catalogue's search find, by their own words and by their API's?"""

from collections.abc import Sequence

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from headgate.store.models import Operation
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import catalogue
from headgate.store.services.gateway import publishing
from tests.support.store import import_api


def found(text: str) -> Sequence[str]:
    rows = catalogue.operations(catalogue.published(), text)
    return sorted(f"{row.version.api.name}/{row.id}" for row in rows)


@pytest.fixture
def published(admin: Actor) -> None:
    """`zoo` and `farm` are published, with the same operations; `barn` is not."""
    for name in ("zoo", "farm", "barn"):
        import_api(admin, name)
    for name in ("zoo", "farm"):
        publishing.publish(admin, name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("addpet", ["farm/addPet", "zoo/addPet"]),
        ("pets post", ["farm/addPet", "zoo/addPet"]),
        ("zoo addPet", ["zoo/addPet"]),
        ("addPet zoo", ["zoo/addPet"]),
        ("zoo pets", ["zoo/addPet", "zoo/getPet", "zoo/listPets"]),
        ("zoo", []),  # an API's name alone finds the API
        ("zoo zo", []),
        ("zoo farm", []),
        ("barn addPet", []),  # it is not published
        ("addPet nothing", []),
        ("", []),
    ],
)
def test_an_operation_holds_every_word_itself_or_by_its_api_and_one_itself(
    published: None, text: str, expected: list[str]
) -> None:
    assert found(text) == expected


def test_each_word_is_compared_with_each_field_of_an_operation_once(published: None) -> None:
    with CaptureQueriesContext(connection) as done:
        found("pets post")
    asked = [one["sql"] for one in done.captured_queries if Operation._meta.db_table in one["sql"]]
    assert [sql.count("%post%") for sql in asked] == [len(("summary", "path", "id"))]
