"""Does a user name with its password open an API that takes them, and no other?"""

from collections.abc import Iterator

import pytest

from headgate.model.logline import words
from headgate.model.snapshot import PolicyUse
from tests.support.callers import OTHER_USER, USER, Callers, basic, callers
from tests.support.peer import Peer

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callers]:
    with callers(tmp_path_factory.mktemp("basic")) as made:
        yield made


def test_a_password_opens_the_api_that_takes_it_and_the_upstream_never_sees_it(
    world: Callers, upstream: Peer
) -> None:
    world.publish(upstream, PolicyUse("basic", {}))
    good = basic(USER, world.password.text)
    answer = world.call(Authorization=good)
    assert answer.status == 200
    assert "authorization" not in upstream.last["headers"]
    line = world.gateway.line(answer.headers["x-request-id"])
    assert words(line["access"])[1].startswith(USER)
    assert world.password.text not in str(line)
    assert good.removeprefix("Basic ") not in str(line)
    bad = {
        "another password": basic(USER, world.revoked_password.text),
        "another user": basic("root", world.password.text),
        "no password": basic(USER, ""),
        "no text": "Basic",
        "not Base64": "Basic !!!",
        "a key as the password": basic(USER, world.key.text),
    }
    for how, field in bad.items():
        refused = world.call(Authorization=field)
        assert (refused.status, refused.json["title"]) == (401, "Unknown credential"), how
        assert refused.headers["www-authenticate"].startswith('Basic realm="headgate"')
    revoked = world.call(Authorization=basic(OTHER_USER, world.revoked_password.text))
    assert revoked.json["type"] == "urn:headgate:problem:revoked"


def test_where_no_password_is_taken_the_header_is_the_upstreams(
    world: Callers, upstream: Peer
) -> None:
    world.publish(upstream)
    field = basic(world.gateway.node.node, "of the upstream")
    assert world.call(Authorization=field).status == 401
    assert world.call(Authorization=field, X_API_Key=world.key.text).status == 200
    assert upstream.last["headers"]["authorization"] == field
