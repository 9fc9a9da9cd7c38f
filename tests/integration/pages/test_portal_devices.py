"""Does somebody who is signed in let a device of their organization in, and of no other?"""

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.support.person import Person, words
from tests.support.portal_world import PortalWorld, portal_world

pytestmark = pytest.mark.integration
GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalWorld]:
    with portal_world(tmp_path_factory.mktemp("devices")) as running:
        yield running


@pytest.fixture(scope="module")
def owner(world: PortalWorld) -> Iterator[Person]:
    with world.owner("owner@example.com", "acme", "demo") as person:
        yield person


@pytest.fixture(scope="module")
def client(owner: Person) -> str:
    """A program in its users' hands."""
    made = owner.send("/applications/acme/demo/clients/new", name="tv", is_public="on")
    found = re.search(r"cli_[0-9a-z]+", made.text)
    assert found, words(made)
    return found[0]


def _begin(world: PortalWorld, client: str) -> dict[str, Any]:
    answer = httpx2.post(
        f"{world.up.web}/oauth/device_authorization", data={"client_id": client}, trust_env=False
    )
    begun: dict[str, Any] = answer.json()
    return begun


def _poll(world: PortalWorld, client: str, begun: dict[str, Any]) -> dict[str, Any]:
    asked = {"grant_type": GRANT, "client_id": client, "device_code": begun["device_code"]}
    answer: dict[str, Any] = httpx2.post(
        f"{world.up.web}/oauth/token", data=asked, trust_env=False
    ).json()
    return answer


def test_its_owner_sees_what_a_device_wants_and_lets_it_in(
    world: PortalWorld, owner: Person, client: str
) -> None:
    begun = _begin(world, client)
    place = f"/device?user_code={begun['user_code']}"
    assert "acme/demo" in words(owner.get(place))
    done = owner.send(place, to="/device", user_code=begun["user_code"], decision="approve")
    assert "The device may go on" in words(done)
    assert "access_token" in _poll(world, client, begun)
    again = owner.get(place)
    assert (again.status_code, "No device is waiting" in words(again)) == (422, True)


def test_a_device_that_is_turned_away_gets_nothing(
    world: PortalWorld, owner: Person, client: str
) -> None:
    begun = _begin(world, client)
    place = f"/device?user_code={begun['user_code']}"
    owner.send(place, to="/device", user_code=begun["user_code"], decision="deny")
    assert _poll(world, client, begun)["error"] == "access_denied"


def test_nobody_else_learns_of_it_or_decides(
    world: PortalWorld, owner: Person, client: str
) -> None:
    begun = _begin(world, client)
    place = f"/device?user_code={begun['user_code']}"
    with Person(world.up.web) as stranger:
        assert stranger.get(place).status_code == 401
    with world.owner("other@example.com", "globex") as other:
        assert "No device is waiting" in words(other.get(place))
        sent = other.send("/device", user_code=begun["user_code"], decision="approve")
        assert "No device is waiting" in words(sent)
    owner.send("/organization/invite", email="viewer@example.com", role="viewer")
    with world.sign_up("viewer@example.com") as viewer:
        accept = re.search(r'action="(/invitations/[^"]+)"', viewer.get("/organization/new").text)
        assert accept
        viewer.send("/organization/new", to=accept[1])
        assert viewer.get(place).status_code == 403
    assert _poll(world, client, begun)["error"] == "authorization_pending"
