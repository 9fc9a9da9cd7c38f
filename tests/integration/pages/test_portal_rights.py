"""Does every page of the portal keep out whom it is not for, and look well to whom it is for?

The list of pages is Django's own: a new address is tested without being named here, once the test
knows what stands in the place of its parameters. Each is looked at by a real browser too.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from tests.support.browser import chromium
from tests.support.looks import Faults
from tests.support.person import Person, words
from tests.support.portal_world import PortalWorld, portal_world
from tests.support.tree import eventually

pytestmark = pytest.mark.integration
OPEN = {"portal", "portal_products", "portal_product", "portal_mails_less", "portal_text_page"} | {
    "portal_api",
    "portal_api_file",
    "portal_operation",
    "portal_schema",
    "portal_changelog",
    "portal_changelog_feed",
    "portal_status",
    "portal_badge",
}
OF_A_PERSON = {  # of whoever is signed in, not of one organization
    "portal_organization",
    "portal_organization_new",
    "portal_invite",
    "portal_applications",
    "portal_application_new",
    "portal_subscribe",
    "portal_try",
    "portal_device",
    "portal_access",
    "portal_mails",
    "portal_team_new",
    "portal_notices",
    "portal_webhooks",
    "portal_webhook_new",
    "portal_feedback",
}
SENT_BY_PROGRAMS = {"portal_mails_less"}  # test_mails.py: its address is signed
OWNER = "owner@example.com"
TEAM = "/teams/acme/payments"
NO_PAGES = {"portal_changelog_feed", "portal_badge", "portal_api_file"}  # for programs
CHANGING = {  # by POST alone
    "portal_withdraw",
    "portal_accept",
    "portal_request_withdraw",
    "portal_access_withdraw",
    "portal_webhook_test",
    "portal_webhook_pause",
    "portal_redeliver",
    "portal_feedback",
}
FOR_ALL_BY_POST = {"portal_feedback"}
FOR_MANAGERS_OF_KEYS = {
    "portal_webhooks",
    "portal_webhook_new",
    "portal_webhook",
    "portal_webhook_rotate",
    "portal_webhook_delete",
    "portal_delivery",
}
FOR_DEVELOPERS = ("/new", "/change", "/delete", "/rotate", "/revoke", "/plan", "/end", "/access")
OF_A_TEAM = {"portal_team", "portal_team_member"}  # shown to all in it; owners' forms are not


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
        with ThreadPoolExecutor(12) as pool:  # the plan lets 5 pass per second
            list(pool.map(lambda _: world.up.call("/orders/orders", key), range(12)))
        found = re.search(r"/calls/([^\"]+)\"", owner.get(f"{place}/report?range=hour").text)
        call = found[1] if found else ""
        return bool(call)

    eventually(is_recorded, 60.0, every_seconds=1.0)
    soon = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    owner.send(f"{place}/keys/new", name="one", expires=soon)
    with world.operator("editor@example.com", "publisher") as editor:
        written = {"name": "start", "title": "Start", "text": "# A\n*b*", "position": "1"}
        editor.send("/console/look/pages/new", **written)
    owner.send(f"{place}/clients/new", name="two")
    owner.send("/organization/invite", email="asked@example.com", role="owner")
    owner.send("/teams/new", title="Payments")
    owner.send(f"{TEAM}/add", email=OWNER, role="maintainer")
    asked = owner.send("/products/shop/subscribe", application=application, plan="partner")
    assert "has asked for it" in asked.text
    world.up.do("sensitive", "mark", "orders", "--owner", "ann@example.com", "--why", "Names")
    wish = {"application": application, "reason": "For invoices", "days": "7"}
    assert "It is asked for" in owner.send("/apis/orders/access", **wish).text
    made = owner.send("/organization/webhooks/new", url="https://hooks.acme.example/x")
    hook = "/organization/webhooks/" + _first(r"/webhooks/(whk_\w+)", made.text)
    sent = owner.send(hook, to=f"{hook}/test")
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
        "wanted": _first(r"/access/(dar_\w+)", page),
        "team": "payments",
        "member_id": _first(r"/members/(pla_\w+)", owner.get(TEAM).text),
        "membership_id": _first(r"/members/(mem_\w+)", people),
        "slug": "listOrders",
        "file": "openapi.json",
        "webhook": _first(r"/webhooks/(whk_\w+)", made.text),
        "delivery": _first(r"/deliveries/(dlv_\w+)", sent.text),
        "invitation": _first(r"/invitations/(inv_\w+)", people),
        "token": _first(r"/mails/less/(\S+)", world.sink.wait_for(OWNER, after=1).get_content()),
    }
    return {name: "/" + _filled_in(route, values) for name, route in _routes()}


def _filled_in(route: str, values: dict[str, str]) -> str:
    names = {"products": "shop", "apis": "orders", "pages": "start"}
    named = names.get(route.partition("/")[0])
    own = values | ({"name": named} if named else {})
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda match: own[match[1]], route)


def test_every_page_that_is_not_open_to_all_shows_a_stranger_the_way_in(
    world: PortalWorld, pages: dict[str, str]
) -> None:
    with Person(world.up.web) as stranger:
        for name, address in pages.items():
            status = stranger.get(address).status_code
            open_status = 405 if name in FOR_ALL_BY_POST else 200
            assert status == (open_status if name in OPEN | FOR_ALL_BY_POST else 401), (
                f"{name}: {address}"
            )


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


def test_every_page_is_without_fault(
    world: PortalWorld, pages: dict[str, str], owner: Person
) -> None:
    """Those of strangers and of the owner, with all that the fixture has put into them."""
    faults, own = Faults(), world.up.web
    more = ("/?q=orders", f"/device?user_code={_device(world, owner)}")
    with chromium() as browser, browser.page() as page:
        for name in sorted(OPEN - NO_PAGES):
            faults.examine(page, own + pages[name], own=own)
        page.become(owner)
        for name, address in pages.items():
            if name not in CHANGING | NO_PAGES | SENT_BY_PROGRAMS:
                faults.examine(page, own + address, own=own)
        for address in more:
            faults.examine(page, own + address, own=own)
    assert not faults.found, "\n".join(faults.found)


def _device(world: PortalWorld, owner: Person) -> str:
    """The code of a device that waits to be let in."""
    made = owner.send("/applications/acme/demo/clients/new", name="tv", is_public="on")
    client = {"client_id": _first(r"cli_[0-9a-z]+", made.text, group=0)}
    url = f"{world.up.web}/oauth/device_authorization"
    return str(httpx2.post(url, data=client, trust_env=False).json()["user_code"])


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
            is_refused = (
                address.endswith(FOR_DEVELOPERS)
                or name
                in {
                    "portal_invite",
                    "portal_subscribe",
                    "portal_member_remove",
                    "portal_team_new",
                }
                | FOR_MANAGERS_OF_KEYS
            )
            wanted = 403 if is_refused else 200
            if address.startswith(TEAM):
                wanted = 404  # theirs is no place in it
            assert viewer.get(address).status_code == wanted, f"{name}: {address}"


def test_what_a_team_has_is_there_for_its_people_and_the_owners_alone(
    world: PortalWorld, pages: dict[str, str], owner: Person
) -> None:
    """Every page of an application, by everybody who may stand before it."""
    joined = {"inside": "payments", "looking": "payments", "outside": ""}
    roles = {"inside": "developer", "looking": "viewer", "outside": "developer"}
    for name, team in joined.items():
        asked = {"email": f"{name}@example.com", "role": roles[name], "team": team}
        owner.send("/organization/invite", **asked)
    people = {name: _joined(world, name) for name in joined}
    place = "/applications/acme/demo"
    assert "It is saved" in owner.send(f"{place}/change", team="payments").text
    try:
        for name, address in pages.items():
            if not address.startswith((place, TEAM)) or name in CHANGING:
                continue
            assert owner.get(address).status_code == 200, f"{name}: {address}"
            assert people["outside"].get(address).status_code == 404, f"{name}: {address}"
            sent = people["outside"].send("/", to=address, typed="demo")
            assert sent.status_code in {404, 405}, f"POST {name}"
            by_people = {200} if name in OF_A_TEAM else {403} if address.startswith(TEAM) else {200}
            assert people["inside"].get(address).status_code in by_people, f"{name}: {address}"
            if not address.endswith(FOR_DEVELOPERS) and by_people == {200}:
                assert people["looking"].get(address).status_code == 200, f"{name}: {address}"
        for page in ("/applications", "/organization", "/products/shop", "/apis/orders"):
            assert "demo" not in words(people["outside"].get(page)), page
        assert "demo" in words(people["inside"].get("/applications"))
    finally:
        owner.send(f"{place}/change", team="")
        for person in people.values():
            person.client.close()
    assert owner.get(place).status_code == 200


def _joined(world: PortalWorld, name: str) -> Person:
    person = world.sign_up(f"{name}@example.com")
    accept = _first(r'action="(/invitations/[^"]+)"', person.get("/organization/new").text)
    person.send("/organization/new", to=accept)
    return person


def test_without_the_token_of_its_form_no_page_changes_anything(
    pages: dict[str, str], owner: Person
) -> None:
    for name, address in pages.items():
        if name in SENT_BY_PROGRAMS:
            continue
        answer = owner.client.post(address, data={"typed": "demo"})
        assert answer.status_code in {403, 405}, name
    assert owner.get("/applications/acme/demo").status_code == 200


def _routes() -> list[tuple[str, str]]:
    from headgate.web.portal.urls import urlpatterns

    return [(str(one.name), str(one.pattern)) for one in urlpatterns]


def _first(pattern: str, text: str, group: int = 1) -> str:
    found = re.search(pattern, text)
    assert found, pattern
    return found.group(group)


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
