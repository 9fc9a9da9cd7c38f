"""Are values at the edge read as they are meant, and refused where they mean nothing?"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from headgate.core.problems import Problem
from headgate.web.api.application import pointer
from headgate.web.api.fields import Instant, Name
from headgate.web.api.traffic import moment
from headgate.web.api.upstreams import KeySourceData, UpstreamValue, key_sources_of, upstream_of
from headgate.web.authentication import bearer_token
from headgate.web.segments import content_digest, segment_name

NOW = datetime(2030, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1h", NOW - timedelta(hours=1)),
        ("2030-01-01T00:00:00Z", NOW - timedelta(days=1)),
        ("2030-01-01T02:00:00+02:00", NOW - timedelta(days=1)),
        ("2030-01-01T02:00:00 02:00", NOW - timedelta(days=1)),  # an unescaped + in a query
    ],
)
def test_a_moment_is_an_instant_or_a_span_before_now(text: str, found: datetime) -> None:
    assert moment(text, NOW) == found


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2030-01-01", "2030-01-01T00:00:00", "9" * 30 + "w", "9999w"]
)
def test_anything_else_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match=r"neither|longer ago"):
        moment(text, NOW)


@pytest.mark.parametrize(
    "value", ["0.5", 5, "2030-01-01T00:00:00", "2030-01-01", "9999-12-31T23:59:59-14:00"]
)
def test_an_instant_is_written_out_with_its_zone(value: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Instant).validate_python(value)


def test_an_instant_is_kept_in_utc() -> None:
    found = TypeAdapter(Instant).validate_python("2030-01-02T02:00:00+02:00")
    assert (found, found.tzinfo) == (NOW, UTC)


@pytest.mark.parametrize("name", ["", "A", "a b", "-a", "a" * 64, "a\n"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Name).validate_python(name)


def test_an_upstream_may_be_an_address() -> None:
    upstream = upstream_of("https://api.example.com/v1/")
    assert (upstream.hosts[0].host, upstream.hosts[0].port) == ("api.example.com", 443)
    assert upstream.path_prefix == "/v1"
    assert upstream.tls is not None


@pytest.mark.parametrize("text", ["http://", "http://a:99999", "http://a?q", "http://u:p@a", "x"])
def test_what_is_no_address_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(Problem) as refused:
        upstream_of(text)
    assert refused.value.errors[0].pointer == "/upstream"


@pytest.mark.parametrize("text", ["ftp://files.example", "x", "http://"])
def test_what_is_no_address_is_told_how_one_is_written(text: str) -> None:
    with pytest.raises(ValidationError, match="write http://host:port or https://host"):
        TypeAdapter(UpstreamValue).validate_python(text)


def test_places_of_keys_are_completed() -> None:
    given = [KeySourceData(location=place) for place in ("header", "bearer")]
    given.append(KeySourceData(location="query", name="Key"))
    assert [source.name for source in key_sources_of(given)] == ["x-api-key", "", "Key"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"location": "query"},
        {"location": "bearer", "name": "x"},
        {"location": "header", "name": " "},
    ],
)
def test_a_place_that_cannot_be_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        KeySourceData.model_validate(wrong)


@pytest.mark.parametrize(
    ("place", "is_missing", "found"),
    [
        (("name",), False, "/name"),
        (("document", "by files", "entry"), True, "/document/entry"),
        (("list", 0, "a/b~c"), False, "/list/0/a~1b~0c"),
        (("list", 9), False, "/list"),
        ((), True, ""),
    ],
)
def test_a_pointer_leads_into_the_body(
    place: tuple[str | int, ...], found: str, *, is_missing: bool
) -> None:
    body = {"name": 1, "document": {"files": {}}, "list": [{"a/b~c": 1}]}
    assert pointer(body, place, is_missing=is_missing) == found


@pytest.mark.parametrize(
    ("field", "token"),
    [
        (b"Bearer hgt_x", "hgt_x"),
        (b"bearer  hgt_x ", "hgt_x"),
        (b"Basic hgt_x", None),
        (b"Bearer", None),
        (b"Bearer " + b"x" * 400, None),
    ],
)
def test_a_bearer_token_is_read_from_its_field(field: bytes, token: str | None) -> None:
    assert bearer_token({"headers": [(b"host", b"a"), (b"authorization", field)]}) == token
    assert bearer_token({"headers": []}) is None


def test_a_segments_name_is_taken_as_it_is_written() -> None:
    assert segment_name("edge-0000000a-00000001").node == "edge"


@pytest.mark.parametrize(
    "text", ["", "edge", "edge-0000000a-1", "EDGE-0000000a-00000001", "../x-0000000a-00000001"]
)
def test_another_name_is_refused(text: str) -> None:
    with pytest.raises(Problem, match="segment"):
        segment_name(text)


def test_a_digest_is_found_among_others() -> None:
    field = "md5=:AAAA:, sha-256=:" + "A" * 43 + "=:"
    assert content_digest(field) == b"\0" * 32


@pytest.mark.parametrize("field", [None, "", "sha-256=:AAAA:", "md5=:" + "A" * 43 + "=:", "x"])
def test_without_a_digest_nothing_is_taken(field: str | None) -> None:
    with pytest.raises(Problem, match="Content-Digest"):
        content_digest(field)
