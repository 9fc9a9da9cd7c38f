"""Does a secret's value go in at the REST API and never come out?"""

import httpx2

from tests.support.web_process import WebProcess

VALUE = "value-that-nobody-reads"


def test_no_answer_and_no_table_holds_a_value(web: WebProcess, api: httpx2.Client) -> None:
    stored = api.put("/secrets/web", json={"value": VALUE})
    assert (stored.status_code, stored.json()["version"]) == (200, 1)
    answers = [
        stored,
        api.get("/secrets"),
        api.get("/secrets/web"),
        api.get("/audit"),
        api.get("/configuration"),
        api.put("/secrets/web", json={"value": VALUE + "\u0000"}),
        api.put("/secrets/web", json={"value": VALUE * 1_000}),
        api.put("/secrets/web", json={"value": [VALUE]}),
        api.put("/secrets/web", json={"value": VALUE, "more": VALUE}),
    ]
    assert [answer.status_code for answer in answers[5:]] == [422] * 4
    assert not [answer for answer in answers if VALUE in answer.text]
    assert VALUE.encode() not in web.stored()
    assert VALUE not in web.log.read_text()


def test_a_secret_can_be_replaced_and_removed(api: httpx2.Client) -> None:
    assert api.get("/secrets/gone").status_code == 404
    assert api.put("/secrets/gone", json={"value": "a"}).status_code == 200
    assert api.put("/secrets/gone", json={"value": "b"}).json()["version"] == 2
    assert api.delete("/secrets/gone").status_code == 204
    assert api.get("/secrets/gone").status_code == 404
    assert api.put("/secrets/Not A Name", json={"value": "a"}).status_code == 422
