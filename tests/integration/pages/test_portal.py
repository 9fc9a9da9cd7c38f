"""Does a developer find what there is, join an organization, and get a key that works?"""

import re
from collections.abc import Iterator

import pytest

from tests.support.browser import chromium
from tests.support.looks import Faults
from tests.support.person import Person, words
from tests.support.portal_world import PASSWORD, PortalWorld, portal_world
from tests.support.tree import eventually

pytestmark = pytest.mark.integration
SEARCHED = """
    await page.getByLabel('free:').check();
    await page.getByLabel('Search: Application').fill(given.text);
    const one = () => document.querySelectorAll('#id_application option').length == 1;
    await page.waitForFunction(one);
    await page.getByRole('button', { name: 'Subscribe' }).click();
    await page.getByText(`${given.text} is subscribed`).waitFor();
"""
KEY = re.compile(r'id="secret">([^<]+)<')


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalWorld]:
    with portal_world(tmp_path_factory.mktemp("portal")) as running:
        yield running


@pytest.fixture(scope="module")
def owner(world: PortalWorld) -> Iterator[Person]:
    with world.owner("owner@example.com", "acme", "demo") as person:
        yield person


@pytest.fixture(scope="module")
def other(world: PortalWorld) -> Iterator[Person]:
    with world.owner("other@example.com", "globex", "robot") as person:
        yield person


def test_a_stranger_sees_what_is_published_and_nothing_else(world: PortalWorld) -> None:
    with Person(world.up.web) as stranger:
        page = words(stranger.get("/"))
        assert "Orders of the shop" in page
        assert "Place orders and follow them." in page
        assert "1,000 per month" in page
        assert "The way to your first call" in page
        for address in ("/", "/products", "/products/shop", "/?q=secret", "/?format=json"):
            answer = stranger.get(address)
            assert answer.status_code == 200
            assert "Secret plans" not in answer.text
            assert "veiled" not in answer.text
        assert stranger.get("/products/dark").status_code == 404
        assert stranger.get("/products/nothing").status_code == 404


def test_plans_stand_side_by_side_with_their_limits_in_words(world: PortalWorld) -> None:
    with Person(world.up.web) as stranger:
        page = words(stranger.get("/products/shop"))
    assert "Calls per second 5 100 (up to 200 at once) 500" in page
    assert "In each month (UTC) 1,000 not limited not limited" in page
    assert "Calls at one time not limited 20 not limited" in page


@pytest.mark.parametrize(
    "text", ["orders", "SHOP", "parcel", "cart", "listOrders", "customer", "follow shop", "shop"]
)
def test_a_search_finds_names_titles_tags_operations_and_texts(
    world: PortalWorld, text: str
) -> None:
    with Person(world.up.web) as stranger:
        assert "Orders of the shop" in words(stranger.get(f"/?q={text}"))


def test_an_operation_that_was_found_leads_to_its_own_page(world: PortalWorld) -> None:
    with Person(world.up.web) as stranger:
        found = re.search(
            r'href="(/apis/orders/operations/[^"]+)"', stranger.get("/?q=customer").text
        )
        assert found
        assert "All orders of a customer" in words(stranger.get(found[1]))


@pytest.mark.parametrize("text", ["banana", "orders banana", "%00banana", "%25", "_"])
def test_a_search_for_what_is_not_there_finds_nothing(world: PortalWorld, text: str) -> None:
    with Person(world.up.web) as stranger:
        answer = stranger.get(f"/?q={text}")
        assert answer.status_code == 200
        assert "No API fits" in words(answer)


def test_a_newcomer_makes_an_organization_and_is_led_on(world: PortalWorld) -> None:
    with world.sign_up("new@example.com") as person:
        assert "Name your organization" in words(person.get("/applications"))
        page = person.send("/organization/new", title="New Things Ltd", name="")
        assert "New Things Ltd is there" in words(page)
        assert str(page.url).endswith("/applications/new")
        assert "New Things Ltd" in words(person.get("/organization"))


def test_a_name_that_is_taken_is_said_beside_the_form_and_what_was_typed_stays(
    world: PortalWorld, owner: Person
) -> None:
    with world.sign_up("late@example.com") as person:
        page = person.send("/organization/new", title="Acme again", name="acme")
    assert page.status_code == 422
    assert "There is already an organization 'acme'" in words(page)
    assert 'value="Acme again"' in page.text


def test_an_invitation_waits_for_whoever_proves_the_address(
    world: PortalWorld, owner: Person
) -> None:
    owner.send("/organization/invite", email="Friend@Example.com", role="viewer")
    mail = world.sink.wait_for("friend@example.com").get_content()
    assert f"{world.up.web}/organization/new" in mail
    assert "inv_" not in mail
    with world.sign_up("friend@example.com") as friend, world.sign_up("eve@example.com") as eve:
        page = friend.get("/organization/new")
        assert "You are invited to join Acme" in words(page)
        accept = re.search(r'action="(/invitations/[^"]+)"', page.text)
        assert accept
        assert "You are invited" not in words(eve.get("/organization/new"))
        assert eve.send("/organization/new", to=accept.group(1)).status_code == 404
        assert "friend@example.com" in words(friend.send("/organization/new", to=accept.group(1)))
        # a viewer sees everything and changes nothing
        assert "demo" in words(friend.get("/applications"))
        assert "Make an application" not in words(friend.get("/applications"))
        for page_address in ("/applications/new", "/organization/invite"):
            assert friend.get(page_address).status_code == 403
        assert friend.get("/applications/acme/demo/keys/new").status_code == 403
        assert "Make a key" not in words(friend.get("/applications/acme/demo"))


def test_an_invitation_that_was_withdrawn_is_worth_nothing(
    world: PortalWorld, owner: Person
) -> None:
    page = owner.send("/organization/invite", email="gone@example.com", role="owner")
    action = re.search(r'action="(/organization/invitations/[^"]+/withdraw)"', page.text)
    assert action
    assert "gone@example.com" not in words(owner.send("/organization", to=action.group(1)))
    with world.sign_up("gone@example.com") as person:
        assert "You are invited" not in words(person.get("/organization/new"))


def test_the_last_owner_can_neither_leave_nor_step_back(owner: Person) -> None:
    link = re.search(
        r'href="(/organization/members/[^"]+)"[^>]*>owner@', owner.get("/organization").text
    )
    assert link
    page = owner.send(f"{link.group(1)}/remove", typed="owner@example.com")
    assert "This is the last owner" in words(page)
    assert "This is the last owner" in words(owner.send(link.group(1), role="viewer"))
    assert owner.get("/applications/acme/demo").status_code == 200


def test_a_member_who_is_removed_sees_nothing_any_more(world: PortalWorld, owner: Person) -> None:
    owner.send("/organization/invite", email="temp@example.com", role="developer")
    with world.sign_up("temp@example.com") as temp:
        accept = re.search(r"/invitations/[^\"]+", temp.get("/organization/new").text)
        assert accept
        temp.send("/organization/new", to=accept.group(0))
        assert temp.get("/applications/acme/demo").status_code == 200
        page = owner.get("/organization").text
        link = re.search(r'href="(/organization/members/[^"]+)"[^>]*>temp@', page)
        assert link
        wrong = owner.send(f"{link.group(1)}/remove", typed="somebody")
        assert "nothing was done" in words(wrong)
        assert "is removed" in words(
            owner.send(f"{link.group(1)}/remove", typed="temp@example.com")
        )
        assert temp.get("/applications/acme/demo").status_code == 404


def test_a_key_is_shown_once_and_calls(world: PortalWorld, owner: Person) -> None:
    done = words(
        owner.send("/products/shop/subscribe?plan=pro", application=_id(owner), plan="pro")
    )
    assert "demo is subscribed" in done
    answer = owner.send("/applications/acme/demo/keys/new", name="laptop", expires="2099-01-31")
    found = KEY.search(answer.text)
    assert found
    key = found.group(1)
    assert answer.headers["cache-control"] == "no-store"
    eventually(lambda: world.up.call("/orders/orders", key).status_code == 200, 60.0)
    page = owner.get("/applications/acme/demo")
    assert "laptop" in words(page)
    assert "2099-02-01 00:00 UTC" in words(page)  # the end of the last day
    for address in ("/applications/acme/demo", "/applications", "/"):
        assert key not in owner.get(address).text
    stored = b"".join(path.read_bytes() for path in world.up.data.glob("headgate.db*"))
    assert key.encode() not in stored


def test_a_key_that_is_replaced_overlaps_and_one_that_is_revoked_stops(
    world: PortalWorld, owner: Person
) -> None:
    made = KEY.search(owner.send("/applications/acme/demo/keys/new", name="old").text)
    assert made
    eventually(lambda: world.up.call("/orders/orders", made.group(1)).status_code == 200, 60.0)
    link = re.search(
        r'href="([^"]+/keys/key_[^"]+)">old<', owner.get("/applications/acme/demo").text
    )
    assert link
    new = KEY.search(owner.send(f"{link.group(1)}/rotate", overlap="3600").text)
    assert new
    eventually(lambda: world.up.call("/orders/orders", new.group(1)).status_code == 200, 60.0)
    assert world.up.call("/orders/orders", made.group(1)).status_code == 200
    assert "replaced" in words(owner.get(link.group(1)))
    told = re.compile(r"last 30 days that used it: [1-9]\d* \(orders\)")
    eventually(lambda: told.search(words(owner.get(f"{link.group(1)}/revoke"))), 60.0)
    owner.send(f"{link.group(1)}/revoke")
    eventually(lambda: world.up.call("/orders/orders", made.group(1)).status_code == 401, 60.0)
    assert world.up.call("/orders/orders", new.group(1)).status_code == 200
    again = owner.send("/", to=f"{link.group(1)}/rotate", overlap="0")
    assert "revoked" in words(again)


def test_a_client_gets_a_secret_once_and_a_new_one_when_asked(
    world: PortalWorld, owner: Person
) -> None:
    answer = owner.send("/applications/acme/demo/clients/new", name="nightly")
    secret = KEY.search(answer.text)
    assert secret
    assert "/oauth/token" in words(answer)
    page = owner.get("/applications/acme/demo")
    assert secret.group(1) not in page.text
    link = re.search(r'href="([^"]+/clients/cli_[^"]+)"', page.text)
    assert link
    assert KEY.search(owner.send(link.group(1), overlap="0").text)
    assert "The client is revoked" in words(owner.send(f"{link.group(1)}/revoke"))


def test_an_application_is_deleted_only_by_its_name(world: PortalWorld, owner: Person) -> None:
    owner.send("/applications/new", name="Short Lived")
    page = owner.get("/applications/acme/short-lived/delete")
    assert "No call of the last 30 days" in words(page)
    owner.send("/applications/acme/short-lived/delete", typed="something")
    assert owner.get("/applications/acme/short-lived").status_code == 200
    owner.send("/applications/acme/short-lived/delete", typed="short-lived")
    assert owner.get("/applications/acme/short-lived").status_code == 404


def test_a_plan_is_changed_and_a_subscription_ended(world: PortalWorld, other: Person) -> None:
    other.send("/products/shop/subscribe", application=_id(other, "globex/robot"), plan="free")
    page = other.get("/applications/globex/robot")
    link = re.search(r'href="([^"]+/subscriptions/sub_[^"/]+)/plan"', page.text)
    assert link
    again = other.send(
        "/products/shop/subscribe", application=_id(other, "globex/robot"), plan="pro"
    )
    assert "is subscribed to 'shop/free' already" in words(again)
    assert "20 at one time" in words(other.send(f"{link.group(1)}/plan", plan="pro"))
    assert "has ended" in words(other.send(f"{link.group(1)}/end"))
    assert "subscribed to nothing" in words(other.get("/applications/globex/robot"))


def test_one_of_many_applications_is_found_and_subscribed(
    world: PortalWorld, owner: Person, other: Person
) -> None:
    path = world.folder / "many.yaml"
    path.write_text(
        "---\n".join(f"{{kind: application, name: globex/app-{n:03}}}\n" for n in range(60))
    )
    world.up.do("apply", "-f", str(path))
    page = "/products/shop/subscribe"
    shown = other.get(f"{page}?plan=pro")
    assert "app-001" in shown.text
    assert "app-059" not in shown.text
    assert "The first 50 are shown" in words(shown)
    found = re.findall(r'<option value="(app_\w+)"', other.get(f"{page}?plan=pro&q=app-059").text)
    assert len(found) == 1
    assert owner.send(page, application=found[0], plan="pro").status_code == 404  # globex's
    url = f"{world.up.web}{page}?plan=pro"
    faults = Faults()
    with chromium() as browser, browser.page() as window:
        window.become(other)
        faults.examine(window, url, own=world.up.web)
        faults.tab_through(window, url)
        assert faults.found == []
        window.goto(url)
        window.run(SEARCHED, text="app-058")
    assert "5 per second" in words(other.get("/applications/globex/app-058"))  # free was kept
    assert "app-059 is subscribed" in words(other.send(page, application=found[0], plan="pro"))


def test_lists_answer_as_csv_and_json(owner: Person) -> None:
    assert owner.get("/applications?format=json").json()["applications"][0]["name"] == "demo"
    assert owner.get("/applications/acme/demo?format=csv").text.startswith("key,prefix,state")
    assert "owner@example.com" in owner.get("/organization?format=csv").text


def test_a_person_chooses_the_organization_that_pages_speak_of(world: PortalWorld) -> None:
    with world.owner("two@example.com", "first") as person:
        person.send("/organization/new", title="Second", name="second")
        page = person.get("/organization")
        assert "Second" in words(page)
        first = re.search(r'<option value="(org_[^"]+)">First', page.text)
        assert first
        person.send("/organization", to="/site/organization", organization=first.group(1))
        assert "<h1>First</h1>" in person.get("/organization").text


def _id(person: Person, path: str = "acme/demo") -> str:
    found = re.search(r"app_[0-9a-z]{12}", person.get(f"/applications/{path}").text)
    assert found
    return found.group(0)


def test_signing_in_again_leads_back_to_the_page(world: PortalWorld, owner: Person) -> None:
    with Person(world.up.web) as person:
        answer = person.get("/applications/acme/demo")
        assert answer.status_code == 401
        page = person.send(
            "/applications/acme/demo",
            to="/account/login/",
            login="owner@example.com",
            password=PASSWORD,
            next="/applications/acme/demo",
        )
        assert "demo" in words(page)
