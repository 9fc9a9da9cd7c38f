"""Does every page of the portal keep out whom it is not for, also one that is added tomorrow?

The list of pages is Django's own: a new address is tested without being named here, once the test
knows what stands in the place of its parameters.
"""

import re
from collections.abc import Iterator

import pytest

from tests.support.person import Person, words
from tests.support.portal_world import PortalWorld, portal_world
from tests.support.tree import eventually

pytestmark = pytest.mark.integration
OPEN = {"portal", "portal_products", "portal_product"} | {
    "portal_api",
    "portal_api_file",
    "portal_operation",
    "portal_schema",
}
OF_A_PERSON = {  # of whoever is signed in, not of one organization
    "portal_organization",
    "portal_organization_new",
    "portal_invite",
    "portal_applications",
    "portal_application_new",
    "portal_subscribe",
    "portal_try",
}
UNNAMED = {"portal_text_page"}  # there is none before an operator writes it: test_look.py
CHANGING = {"portal_withdraw", "portal_accept", "portal_request_withdraw"}  # by POST alone
FOR_DEVELOPERS = ("/new", "/change", "/delete", "/rotate", "/revoke", "/plan", "/end")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalWorld]:
    with portal_world(tmp_path_factory.mktemp("rights")) as running:
        yield running


@pytest.fixture(scope="module")
def owner(world: PortalWorld) -> Iterator[Person]:
    with world.owner("owner@example.com", "acme", "demo") as person:
        yield person


@pytest.fixture(scope="module")
def other(world: PortalWorld) -> Iterator[Person]:
    with world.owner("other@example.com", "globex", "robot") as person:
        yield person


@pytest.fixture(scope="module")
def pages(world: PortalWorld, owner: Person, other: Person) -> dict[str, str]:
    """Every page of the portal by its name, with acme's own things in its address."""
    place = "/applications/acme/demo"
    application = _first(r"(app_[0-9a-z]{12})", owner.get(place).text)
    owner.send("/products/shop/subscribe", application=application, plan="free")
    key = _first(r'id="secret">([^<]+)<', owner.send(f"{place}/keys/new", name="caller").text)
    call = ""

    def is_recorded() -> bool:
        nonlocal call
        for _ in range(12):  # the plan lets 5 pass per second
            world.up.call("/orders/orders", key)
        found = re.search(r"/calls/([^\"]+)\"", owner.get(f"{place}/report?range=hour").text)
        call = found[1] if found else ""
        return bool(call)

    eventually(is_recorded, 60.0, every_seconds=1.0)
    owner.send(f"{place}/keys/new", name="one")
    owner.send(f"{place}/clients/new", name="two")
    owner.send("/organization/invite", email="asked@example.com", role="owner")
    asked = owner.send("/products/shop/subscribe", application=application, plan="partner")
    assert "has asked for it" in asked.text
    page, people = owner.get(place).text, owner.get("/organization").text
    values = {
        "organization": "acme",
        "name": "demo",
        "request_id": call,
        "product": "shop",
        "key": _first(r"/keys/(key_\w+)", page),
        "client": _first(r"/clients/(cli_\w+)", page),
        "subscription": _first(r"/subscriptions/(sub_\w+)", page),
        "asked": _first(r"/requests/(srq_\w+)", page),
        "membership_id": _first(r"/members/(mem_\w+)", people),
        "slug": "listOrders",
        "file": "openapi.json",
        "invitation": _first(r"/invitations/(inv_\w+)", people),
    }
    return {name: "/" + _filled_in(route, values) for name, route in _routes()}


def _filled_in(route: str, values: dict[str, str]) -> str:
    names = {"products": "shop", "apis": "orders"}
    named = names.get(route.partition("/")[0])
    own = values | ({"name": named} if named else {})
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda match: own[match[1]], route)


def test_every_page_that_is_not_open_to_all_shows_a_stranger_the_way_in(
    world: PortalWorld, pages: dict[str, str]
) -> None:
    with Person(world.up.web) as stranger:
        for name, address in pages.items():
            status = stranger.get(address).status_code
            assert status == (200 if name in OPEN else 401), f"{name}: {address}"


def test_what_belongs_to_an_organization_is_not_there_for_another(
    pages: dict[str, str], other: Person
) -> None:
    for name, address in pages.items():
        if name in OPEN | OF_A_PERSON:
            continue
        status = 404
        if name in CHANGING:
            assert other.get(address).status_code == 405, name
        else:
            assert other.get(address).status_code == status, f"GET {name}: {address}"
        assert other.send("/", to=address, typed="demo").status_code in {404, 405}, f"POST {name}"


def test_the_pages_are_there_for_the_owner(pages: dict[str, str], owner: Person) -> None:
    for name, address in pages.items():
        if name not in CHANGING:
            assert owner.get(address).status_code == 200, f"{name}: {address}"


def test_a_viewer_sees_the_pages_and_is_refused_those_that_change(
    world: PortalWorld, pages: dict[str, str], owner: Person
) -> None:
    owner.send("/organization/invite", email="viewer@example.com", role="viewer")
    with world.sign_up("viewer@example.com") as viewer:
        accept = _first(r'action="(/invitations/[^"]+)"', viewer.get("/organization/new").text)
        viewer.send("/organization/new", to=accept)
        for name, address in pages.items():
            if name in CHANGING | OPEN | {"portal_organization_new"}:
                continue
            is_refused = address.endswith(FOR_DEVELOPERS) or name in {
                "portal_invite",
                "portal_subscribe",
                "portal_member_remove",
            }
            wanted = 403 if is_refused else 200
            assert viewer.get(address).status_code == wanted, f"{name}: {address}"


def test_without_the_token_of_its_form_no_page_changes_anything(
    pages: dict[str, str], owner: Person
) -> None:
    for name, address in pages.items():
        answer = owner.client.post(address, data={"typed": "demo"})
        assert answer.status_code in {403, 405}, name
    assert owner.get("/applications/acme/demo").status_code == 200


def _routes() -> list[tuple[str, str]]:
    from headgate.web.portal.urls import urlpatterns

    found = [(str(one.name), str(one.pattern)) for one in urlpatterns]
    return [one for one in found if one[0] not in UNNAMED]


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, pattern
    return found.group(1)


def test_a_reference_says_what_the_readers_own_applications_may(
    pages: dict[str, str], owner: Person, other: Person, world: PortalWorld
) -> None:
    for address in ("/apis/orders", "/apis/orders/operations/listOrders"):
        assert "demo : 5 per second" in words(owner.get(address))
        assert "None of your applications" in words(other.get(address))
        with Person(world.up.web) as stranger:
            said = words(stranger.get(address))
            assert "demo" not in said
            assert "None of your applications" not in said
