"""Do marks get onto the routes that they cover, in every version, and onto no other?"""

import json

from headgate.gateway.envoy.resources import readable_routes
from headgate.gateway.sensitive import marked
from headgate.model.sensitive import SensitiveMark, mark_of
from headgate.model.snapshot import Snapshot
from tests.support.proxy import api

ASK = "https://apis.example.com/apis/pets/access"


def test_an_operation_is_known_by_its_id_or_by_its_place() -> None:
    mark = SensitiveMark(1, "pets", "getPet", "GET", "/pets/{id}")
    assert mark.covers("getPet", "POST", "/elsewhere")
    assert mark.covers("readPet", "GET", "/pets/{petId}")
    assert not mark.covers("readPet", "DELETE", "/pets/{id}")
    assert not mark.covers("listPets", "GET", "/pets")
    assert SensitiveMark(2, "pets").covers("listPets", "GET", "/pets")


def test_the_mark_of_an_operation_goes_before_that_of_its_api() -> None:
    whole, own = SensitiveMark(9, "pets"), SensitiveMark(1, "pets", "getPet", "GET", "/pets/{id}")
    assert mark_of([whole, own], "getPet", "GET", "/pets/{id}") == own
    assert mark_of([own, whole], "listPets", "GET", "/pets") == whole
    assert mark_of([own], "listPets", "GET", "/pets") is None


def test_marks_are_put_at_the_operations_of_their_api_alone() -> None:
    one = api("GET /a", "GET /b", row=1)
    mark = SensitiveMark(5, one.name, one.operations[1].id, "GET", "/b", ASK)
    snapshot = Snapshot(1, "default", (one,), marks=(mark, SensitiveMark(6, "other")))
    found = marked(snapshot)
    assert [operation.mark for operation in found.apis[0].operations] == [None, mark]
    assert marked(Snapshot(1, "default", (one,))).apis[0] is one


def test_a_marked_route_says_its_mark_and_where_to_ask_and_others_say_nothing() -> None:
    one = api("GET /a", "GET /b", row=1)
    mark = SensitiveMark(5, one.name, one.operations[1].id, "GET", "/b", ASK)
    text = json.dumps(readable_routes(Snapshot(1, "default", (one,), marks=(mark,))))
    assert text.count('"mark": "5"') == 1
    assert text.count(f'"ask": "at {ASK}"') == 1
    assert f"{one.operations[1].row}d {one.name}" in text
    assert f"{one.operations[0].row}d {one.name}" not in text
