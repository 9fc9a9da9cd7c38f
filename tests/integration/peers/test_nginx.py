"""Does what nginx says as an upstream reach the caller as it said it?"""

import gzip
import http.client
from contextlib import closing

import httpx2
import pytest

from tests.integration.peers.conftest import World

pytestmark = pytest.mark.integration
CALLS = 20


def get(world: World, path: str, **headers: str) -> httpx2.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.get(world.url(path), headers=sent, trust_env=False, timeout=20)


def _statuses(world: World, path: str) -> set[int]:
    """Of calls one after the other on one connection."""
    with closing(http.client.HTTPConnection("127.0.0.1", world.plain.port, timeout=20)) as one:
        found = set()
        for _ in range(CALLS):
            one.request("GET", path)
            answer = one.getresponse()
            answer.read()
            found.add(answer.status)
        return found


def _connections(world: World, path: str) -> set[str]:
    return {told[0] for told in world.nginx.told() if told[2] == path}


def test_calls_one_after_the_other_share_a_connection_to_it(world: World) -> None:
    (world.nginx.files / "kept.txt").write_text("kept\n")
    assert _statuses(world, "/files/kept.txt") == {200}
    assert len(_connections(world, "/kept.txt")) == 1


def test_connections_that_it_closes_after_each_answer_fail_no_call(world: World) -> None:
    (world.nginx.files / "ended.txt").write_text("ended\n")
    assert _statuses(world, "/files/closing/ended.txt") == {200}
    assert len(_connections(world, "/closing/ended.txt")) == CALLS


def test_an_answer_whose_length_it_does_not_say_comes_whole_and_still_compressed(
    world: World,
) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", world.plain.port, timeout=20)) as one:
        one.request("GET", "/files/large.json", headers={"accept-encoding": "gzip"})
        answer = one.getresponse()
        body = answer.read()
    assert answer.getheader("transfer-encoding") == "chunked"
    assert answer.getheader("content-length") is None
    assert answer.getheader("content-encoding") == "gzip"
    assert gzip.decompress(body) == (world.nginx.files / "large.json").read_bytes()


def test_without_the_callers_wish_nothing_is_compressed(world: World) -> None:
    plain = get(world, "/files/large.json", accept_encoding="identity")
    assert "content-encoding" not in plain.headers
    assert int(plain.headers["content-length"]) == len(plain.content)
    assert plain.content == (world.nginx.files / "large.json").read_bytes()


def test_what_has_not_changed_is_answered_304_without_a_body(world: World) -> None:
    first = get(world, "/files/small.txt")
    again = get(world, "/files/small.txt", if_none_match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    dated = get(world, "/files/small.txt", if_modified_since=first.headers["last-modified"])
    assert dated.status_code == 304
    other = get(world, "/files/small.txt", if_none_match='"another"')
    assert (other.status_code, other.content) == (200, b"hello\n")


def test_a_range_is_answered_206_and_one_that_is_not_there_416(world: World) -> None:
    part = get(world, "/files/small.txt", range="bytes=1-3")
    assert (part.status_code, part.content) == (206, b"ell")
    assert part.headers["content-range"] == "bytes 1-3/6"
    beyond = get(world, "/files/small.txt", range="bytes=100-200")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */6")


def test_head_tells_the_length_of_what_get_would_send(world: World) -> None:
    found = httpx2.head(
        world.url("/files/small.txt"), trust_env=False, timeout=20, headers={"accept-encoding": ""}
    )
    assert (found.status_code, found.headers["content-length"], found.content) == (200, "6", b"")


def test_its_own_errors_are_passed_on_as_they_are_and_a_refusal_never_reaches_it(
    world: World,
) -> None:
    missing = get(world, "/files/nothing.txt")
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "text/html"
    assert b"nginx" in missing.content
    (world.nginx.files / "kept-back.txt").write_text("secret\n")
    refused = get(world, "/closed/kept-back.txt")
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    assert _connections(world, "/kept-back.txt") == set()
