"""Is every page of the two sites safe, and without fault where strangers or operators see it?

The pages are those that links lead to, each looked at once by a real browser: WCAG 2.2 AA in light
and dark, the content security policy, requests to other hosts, scrolling sideways on a narrow
screen, what it says without scripts, their budget; and the keyboard on some. The pages of
developers are looked at in `test_portal_rights.py`, those of accounts in `test_account_pages.py`.
"""

from collections.abc import Iterator

import pytest

from headgate.web.console.urls import urlpatterns
from tests.support.browser import Browser, Page, chromium
from tests.support.console_world import DOCUMENT, PASSWORD, ConsoleWorld, console_world
from tests.support.links import START, walk
from tests.support.looks import Faults, send
from tests.support.person import Person
from tests.support.tree import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]
LEFT_OUT = {"console_traffic_new"}  # rows for a page that is open
PLACES = {"api", "product", "plan", "operation", "gateway"}  # of policies: their pages are alike
BY_KEYBOARD = (
    "portal",
    "portal_products",
    "portal_product",
    "portal_operation",
    "portal_try",
    "portal_application",
    "portal_report",
    "console",
    "console_keys",
    "console_api",
    "console_import",
    "console_plan_edit",
    "console_numbers",
)
WRONG: dict[str, dict[str, str]] = {  # forms that are refused, each kind once, with what is sent
    "console_import": {"name": "pets", "text": "openapi: 3.0.0\npaths: {pets: {}}\n"},
    "console_policy api kind": {"s.allow_origins": "nothing", "s.max_age_seconds": "many"},
    "console_policy api as": {"yaml": "- kind: nothing"},
    "console_api_upstream": {"s.timeout_seconds": "long"},
    "console_plan_new": {"name": "No Name", "rates": "many", "quotas": "some"},
    "console_webhook_new": {"url": "ftp://hooks.example.com"},
    "console_block_new": {"subject": "nobody"},
    "console_person_new": {"email": "nobody"},
    "console_secret_new": {"name": "No Name"},
    "console_mark_new": {"owner": "nobody"},
    "console_application_trust": {"name": ""},
    "console_product_delete": {"typed": "another"},
    "console_erase": {"typed": "another"},
    "portal_application_new": {"name": ""},
    "portal_invite": {"email": "nobody"},
    "portal_webhook_new": {"url": "ftp://hooks.example.com"},
    "portal_access": {"reason": ""},
}
RIGHT: dict[str, dict[str, str]] = {  # what shows a secret once, or what is to be confirmed
    "console_import": {"name": "pets", "text": DOCUMENT.replace("All pets", "Every pet")},
    "console_application_key": {"name": "shown"},
    "console_application_client": {"name": "shown"},
    "console_token_new": {"name": "shown", "scopes": "on"},
    "console_webhook_new": {"url": "https://hooks.example.com/shown"},
    "portal_key_new": {"name": "shown in the portal"},
    "portal_client_new": {"name": "shown in the portal"},
}
OF_STRANGERS = {  # address: what is refused there
    "/account/login/": {"login": "nobody@example.com", "password": "wrong"},
    "/account/signup/": {"email": "nobody", "password1": "short"},
    "/account/password/reset/": {"email": "nobody"},
}
IN_GERMAN = (  # a page of each template that has much to say
    "console",
    "console_api",
    "console_api_upstream",
    "console_audit",
    "console_erase",
    "console_gateway",
    "console_issuers",
    "console_numbers",
    "console_policies api",
    "console_policy gateway kind",
    "console_request",
    "console_settings",
    "console_signing_keys",
    "console_signing_keys_rotate",
    "console_traffic",
    "portal",
    "portal_api",
    "portal_application",
    "portal_mails",
    "portal_notices",
    "portal_operation",
    "portal_organization",
    "portal_product",
    "portal_report",
    "portal_status",
    "portal_try",
)
STRANGERS = ("/", "/account/login/", "/account/signup/", "/account/password/reset/")
FOR_PROGRAMMERS = ("/api/v1/docs", "/problems/", "/problems/not-found", "/oauth/device")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    """All that the console's tests have; the administrator owns acme, and looks at the portal."""
    with console_world(tmp_path_factory.mktemp("every")) as running:
        owner = {"role": "owner"}
        running.api.put("/organizations/acme/members/admin@example.com", json=owner)
        person = running.person("admin")
        person.send("/organization/invite", email="asked@example.com", role="owner")
        person.send("/console/look/pages/new", name="start", title="S", text="*x*", position="1")
        cors = {"kind": "cors", "settings": {"allow_origins": ["https://a.example"]}}
        running.api.put("/apis/pets/policies", json=[cors])
        yield running


@pytest.fixture(scope="module")
def addresses(world: ConsoleWorld) -> dict[str, str]:
    """One address of each kind of page."""
    starts = (*START, *_programme(world))
    return walk(lambda address: _text(world.person("admin"), address), starts)


def _programme(world: ConsoleWorld) -> tuple[str, ...]:
    """What an API goes through until its end, so that it has pages; where those begin."""
    document = {"files": {"openapi.yaml": DOCUMENT}, "entry": "openapi.yaml"}
    world.post("/apis", name="pets", version="v2", document=document)
    world.post("/apis/pets@v2/publish")
    world.api.put("/apis/pets@v2/release", json={"percent": 5}).raise_for_status()
    world.post("/apis", name="former", document=document, upstream=world.upstream)
    world.post("/apis/former/publish")
    world.post("/apis/former/deprecate", sunset_at="2099-01-01T00:00:00Z")
    world.post("/sensitive", api="former", owner="admin@example.com", why="Addresses")
    asked = {"application": "acme/demo", "api": "former", "reason": "For the fair"}
    granted = world.post("/access-requests", **asked)
    place = f"/console/access/{granted['id']}"
    world.person("admin").send(f"{place}/grant", days="7", word="")
    named = {"issuers": [{"issuer": "http://127.0.0.1:9/"}]}  # which nobody may ask
    world.api.put("/apis/former/policies", json=[{"kind": "jwt", "settings": named}])
    issuers = world.person("admin").client
    eventually(lambda: "127.0.0.1:9" in issuers.get("/console/issuers").text, 60.0)
    erasure = "/console/erasure/application/acme/demo"
    further = "/console/apis/pets@v2", "/console/apis/former", place
    return (*further, f"/console/access/{world.ids['wanted']}", erasure)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser, world: ConsoleWorld) -> Iterator[Page]:
    """The administrator's browser."""
    with browser.page() as opened:
        opened.become(world.person("admin"))
        yield opened


def _text(person: Person, address: str) -> str | None:
    answer = person.client.get(address)
    is_page = answer.headers.get("content-type", "").startswith("text/html")
    return answer.text if answer.status_code == 200 and is_page else None


def test_links_lead_to_every_page_of_the_console(addresses: dict[str, str]) -> None:
    names = {str(one.name) for one in urlpatterns} - LEFT_OUT
    missed = names - {kind.split()[0] for kind in addresses}
    assert missed == set(), " ".join(sorted(missed))


def test_every_page_of_the_console_is_without_fault(
    world: ConsoleWorld, addresses: dict[str, str], page: Page
) -> None:
    faults, looked_at = Faults(), set()
    for kind, address in addresses.items():
        alike = " ".join(part for part in kind.split() if part not in PLACES)
        if kind.startswith("console") and alike not in looked_at:
            looked_at.add(alike)
            faults.examine(page, world.up.web + address, own=world.up.web)
    assert not faults.found, "\n".join(faults.found)


def test_the_pages_of_strangers_are_without_fault(browser: Browser, world: ConsoleWorld) -> None:
    faults = Faults()
    with Person(world.up.web) as stranger, browser.page() as page:
        found = walk(lambda address: _text(stranger, address), STRANGERS)
        for address in (*found.values(), *FOR_PROGRAMMERS):
            faults.examine(page, world.up.web + address, own=world.up.web)
        faults.examine(page, f"{world.up.web}/console", own=world.up.web, status=401)
        faults.examine(page, f"{world.up.web}/nothing", own=world.up.web, status=404)
    assert not faults.found, "\n".join(faults.found)


@pytest.fixture
def german(page: Page, world: ConsoleWorld) -> Page:
    """The administrator's browser, with German chosen."""
    page.speak("de", world.up.web)
    return page


def _named(addresses: dict[str, str], kind: str) -> str:
    """The address of a kind of page; of the first that begins so where places make several."""
    found = [one for name, one in addresses.items() if name == kind or name.split()[0] == kind]
    assert found, f"no link leads to {kind}"
    return found[0]


def test_refused_forms_are_without_fault_in_german(
    world: ConsoleWorld, addresses: dict[str, str], german: Page
) -> None:
    faults = Faults()
    for kind, fields in WRONG.items():
        address = world.up.web + _named(addresses, kind)
        assert send(german, address, fields) == 422, kind
        faults.glance(german, own=world.up.web, language="de")
    assert not faults.found, "\n".join(faults.found)


def test_answers_that_show_a_secret_are_without_fault_in_german(
    world: ConsoleWorld, addresses: dict[str, str], german: Page
) -> None:
    faults = Faults()
    for kind, fields in RIGHT.items():
        address = world.up.web + _named(addresses, kind)
        assert send(german, address, fields) == 200, kind
        faults.glance(german, own=world.up.web, language="de")
    assert not faults.found, "\n".join(faults.found)


def test_refused_strangers_see_pages_without_fault_in_german(
    world: ConsoleWorld, browser: Browser
) -> None:
    faults = Faults()
    with browser.page() as page:
        page.speak("de", world.up.web)
        for address, fields in OF_STRANGERS.items():
            send(page, world.up.web + address, fields)
            faults.glance(page, own=world.up.web, language="de")
    assert not faults.found, "\n".join(faults.found)


def test_german_pages_are_without_fault_and_not_too_wide(
    world: ConsoleWorld, addresses: dict[str, str], german: Page
) -> None:
    faults = Faults()
    for kind in IN_GERMAN:
        url = world.up.web + _named(addresses, kind)
        faults.glance(german, own=world.up.web, language="de", url=url)
    assert not faults.found, "\n".join(faults.found)


def test_the_keyboard_reaches_all_of_a_page(
    world: ConsoleWorld, addresses: dict[str, str], page: Page
) -> None:
    faults = Faults()
    by_name = {kind.split()[0]: address for kind, address in addresses.items()}
    for address in ("/account/email/", *(by_name[name] for name in BY_KEYBOARD)):
        faults.tab_through(page, world.up.web + address)
    assert not faults.found, "\n".join(faults.found)


def test_a_fault_is_seen(world: ConsoleWorld, browser: Browser) -> None:
    """The twin of all of the above: a page that is wrong in each of those ways."""
    faults = Faults()
    with browser.page() as page:
        page.run(
            "await page.route('**/wrong', route => route.fulfill({ contentType: 'text/html', "
            "headers: { 'content-security-policy': \"img-src 'self'\" }, body: given.html }))",
            html="<title>x</title><script>onload = () => document.body.append('unserved')</script>"
            "<img src='http://127.0.0.1:9/x.png'><p style='width:900px'>wide"
            "<a href='/' tabindex='0' style='outline:none'>a</a><select></select>",
        )
        faults.examine(page, f"{world.up.web}/wrong", own=world.up.web)
        faults.tab_through(page, f"{world.up.web}/wrong")
    said = "\n".join(faults.found)
    for word in (
        "select-name",
        "image-alt",
        "img-src forbids",
        "pixels wide",
        "focus cannot",
        "say unserved",
    ):
        assert word in said, said


def test_the_tail_shows_what_comes_and_rests_when_it_is_paused(
    world: ConsoleWorld, page: Page
) -> None:
    page.goto(f"{world.up.web}/console/traffic")
    page.run("await page.getByRole('link', { name: 'Follow' }).click()")
    page.run("await page.waitForSelector('#poll', { state: 'attached' })")
    world.up.call("/pets/pets/seen-live")
    page.run("await page.locator('#rows', { hasText: 'seen-live' }).waitFor()")
    page.run("await page.getByRole('link', { name: 'Pause' }).click()")
    page.run("await page.waitForLoadState('networkidle')")
    assert page.run("return await page.locator('#poll').count()") == 0


def test_without_the_token_of_its_form_no_page_of_the_console_changes_anything(
    world: ConsoleWorld, addresses: dict[str, str]
) -> None:
    person, entries = world.person("admin"), len(world.api.get("/audit?limit=500").json()["items"])
    wrong = {}
    for kind, address in addresses.items():
        answer = person.client.post(address, data={"typed": "pets", "name": "x"})
        if answer.status_code not in {403, 405}:
            wrong[kind] = answer.status_code
    assert wrong == {}
    assert len(world.api.get("/audit?limit=500").json()["items"]) == entries


def test_no_page_is_framed_and_a_session_opens_nothing_that_is_for_programs(
    world: ConsoleWorld, addresses: dict[str, str]
) -> None:
    with Person(world.up.web) as person:
        answer = person.send_once("/account/login/", login="admin@example.com", password=PASSWORD)
        cookies = answer.headers.get_list("set-cookie")
        assert all("HttpOnly" in one and "SameSite=Lax" in one for one in cookies), cookies
        assert any(one.startswith("headgate_session=") for one in cookies)
        for path in ("/api/v1/apis", "/node/v1/snapshot"):
            assert person.client.get(path).status_code == 401
        for address in addresses.values():
            headers = person.client.get(address).headers
            assert "frame-ancestors 'none'" in headers["content-security-policy"], address
            assert headers["x-content-type-options"] == "nosniff", address


def test_what_people_write_is_shown_and_never_run(
    world: ConsoleWorld, addresses: dict[str, str], page: Page
) -> None:
    """Every text that an operator or a developer may set, on every page that shows it."""
    attack = "\"><script>window.taken = 1</script><img src=x onerror='window.taken = 1'>{{7*7}}"
    api = world.api
    api.patch("/organizations/acme", json={"title": attack})
    api.patch("/applications/acme/demo", json={"description": attack})
    api.patch(f"/keys/{world.ids['key']}", json={"name": attack})
    api.patch("/products/basic", json={"title": attack})
    api.patch("/products/basic/plans/free", json={"title": attack})
    api.patch("/apis/pets", json={"title": attack})
    api.patch("/gateways/default", json={"title": attack})
    block = {"kind": "address", "subject": "203.0.113.8", "seconds": 900, "reason": attack}
    assert api.post("/blocks", json=block).status_code == 201
    assert api.post("/tokens", json={"name": attack, "scopes": ["read"]}).status_code == 201
    person, shown = world.person("admin"), 0
    for address in addresses.values():
        for query in ("", f"?q={attack}"):
            text = _text(person, address + query) or ""
            assert "<script>window" not in text, address
            assert "<img src=x" not in text, address
            shown += "&lt;script&gt;window" in text
    assert shown > 10
    page.goto(f"{world.up.web}/console/keys")
    assert page.run("return await page.evaluate(() => window.taken ?? 'nothing')") == "nothing"
