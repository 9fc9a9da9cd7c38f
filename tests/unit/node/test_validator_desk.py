"""What does a validator answer Envoy, what does it count, and which contracts does it know?"""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from headgate.model.contract import (
    Body,
    Contract,
    Media,
    OperationContract,
    Parameter,
    Shape,
    contract_bytes,
)
from headgate.model.validation import ASK_HEADER, PARTIAL_HEADER, STATUS_HEADER
from headgate.node.validator.desk import CANNOT_SAY, FITS, LET_PASS, Desk

JSON = {"content-type": "application/json"}
OBJECT = Body((Media("application/json", {"type": "object"}),))


def operation(row: int = 7, **changes: Any) -> OperationContract:
    settings = {"body": OBJECT, "responses": {"200": OBJECT}} | changes
    return OperationContract(row, "POST", "/x", **settings)


def desk(folder: Path, *operations: OperationContract, name: str = "c") -> Desk:
    """A desk that knows one contract."""
    made = Contract(name, operations or (operation(),), {})
    (folder / f"{name}.json").write_bytes(contract_bytes(made))
    found = Desk(folder)
    asyncio.run(found.keep([name]))
    return found


def ask(
    one: Desk, body: bytes = b"{}", asked: str = "c.7.", method: bytes = b"POST", **more: str
) -> bytes:
    headers = JSON | {ASK_HEADER: asked} | {name.replace("_", "-"): v for name, v in more.items()}
    return one.answer(method, b"/x", headers, body)


def reading(one: Desk, row: int = 7) -> dict[str, Any]:
    return next(found for found in orjson.loads(one.readings()) if found["row"] == row)


def test_what_fits_passes_and_what_does_not_is_refused_or_only_said(tmp_path: Path) -> None:
    one = desk(tmp_path)
    assert ask(one) == FITS
    refusal = ask(one, b"[]", x_request_id="r-1")
    assert refusal.startswith(b"HTTP/1.1 400 ")
    problem = orjson.loads(refusal.partition(b"\r\n\r\n")[2])
    assert (problem["status"], problem["request_id"]) == (400, "r-1")
    assert ask(one, b"[]", "c.7.o") == LET_PASS
    assert ask(one, b"{}", "c.7.o") == FITS
    assert (reading(one)["requests"], reading(one)["invalid_requests"]) == (4, 2)


def test_the_length_told_is_the_length_sent_and_a_head_request_gets_no_body(
    tmp_path: Path,
) -> None:
    one = desk(tmp_path)
    head, _, body = ask(one, b"[]").partition(b"\r\n\r\n")
    assert b"content-length: %d" % len(body) in head
    head, _, body = ask(one, b"[]", method=b"HEAD").partition(b"\r\n\r\n")
    assert (b"content-length: 0" in head, body) == (True, b"")


def test_a_body_that_envoy_cut_off_is_too_large(tmp_path: Path) -> None:
    one = desk(tmp_path)
    more = {PARTIAL_HEADER.replace("-", "_"): "true"}
    assert ask(one, b"{}", **more).startswith(b"HTTP/1.1 413 ")
    assert ask(one, b"{}", "c.7.o", **more) == LET_PASS


def test_a_refused_type_says_that_bodies_come_plain(tmp_path: Path) -> None:
    answer = ask(desk(tmp_path), content_encoding="gzip")
    assert answer.startswith(b"HTTP/1.1 415 ")
    assert b"accept-encoding: identity\r\n" in answer


@pytest.mark.parametrize("asked", ["", "c", "c.8.", "d.7.", "c.x.", "c.-7.", "..", "c.7" * 1000])
def test_what_nobody_knows_cannot_be_said(tmp_path: Path, asked: str) -> None:
    assert ask(desk(tmp_path), asked=asked) == CANNOT_SAY


def test_a_mistake_of_ours_is_no_end_and_no_yes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = Parameter("query", "n", True, Shape(("array",)), "no such style", explode=False)
    one = desk(tmp_path, operation(parameters=(wrong,)), operation(8))
    one._judges["c"][7]._in_query[0] = None  # type: ignore[call-overload]
    assert ask(one) == CANNOT_SAY
    assert "cannot be judged" in caplog.text
    assert ask(one, asked="c.8.") == FITS


def test_sampled_answers_are_counted_and_the_gateways_own_are_not(tmp_path: Path) -> None:
    one = desk(tmp_path)
    name = STATUS_HEADER.replace("-", "_")
    assert ask(one, b"{}", **{name: "200"}) == FITS
    assert ask(one, b"[]", **{name: "200"}) == FITS
    own = b'{"detail":"x","type":"urn:headgate:problem:rate-limited"}'
    ask(one, own, **{name: "429", "content_type": "application/problem+json"})
    ask(one, b"\x1f\x8b", **{name: "200", "content_encoding": "gzip"})  # nobody reads it
    found = reading(one)
    assert (found["responses"], found["invalid_responses"], found["requests"]) == (2, 1, 0)
    assert found["example"] == '200 /: the value is not of type "object"'
    ask(one, b"{}", **{name: "201"})
    assert reading(one)["example"] == "201 /: status 201 is not described"


def test_it_knows_exactly_what_it_is_told_and_keeps_its_counts(tmp_path: Path) -> None:
    one = desk(tmp_path)
    ask(one)
    other = Contract("d", (operation(),), {})
    (tmp_path / "d.json").write_bytes(contract_bytes(other))
    asyncio.run(one.keep(["c", "d"]))
    assert (ask(one), ask(one, asked="d.7.")) == (FITS, FITS)
    asyncio.run(one.keep(["d"]))
    assert (ask(one), ask(one, asked="d.7.")) == (CANNOT_SAY, FITS)
    assert reading(one)["requests"] == 4


def test_a_contract_that_is_none_is_told_and_the_others_are_known(tmp_path: Path) -> None:
    one = desk(tmp_path)
    (tmp_path / "bad.json").write_bytes(b"{}")
    for missing in ("bad", "missing"):
        with pytest.raises((OSError, ValueError)):
            asyncio.run(one.keep([missing, "c"]))
        assert ask(one) == FITS
    broken = OperationContract(1, "GET", "/", body=Body((Media("application/json", {"type": 3}),)))  # type: ignore[arg-type]
    (tmp_path / "e.json").write_bytes(contract_bytes(Contract("e", (broken,), {})))
    with pytest.raises(ValueError, match="GET /"):
        asyncio.run(one.keep(["e"]))


def test_at_its_start_it_knows_whatever_lies_in_the_folder(tmp_path: Path) -> None:
    desk(tmp_path)
    (tmp_path / "bad.json").write_bytes(b"no")
    fresh = Desk(tmp_path)
    asyncio.run(fresh.keep_all())
    assert ask(fresh) == FITS
