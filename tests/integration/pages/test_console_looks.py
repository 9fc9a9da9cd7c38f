"""Do the console's pages read well, by eye, keyboard and screen reader, and follow what comes?"""

from collections.abc import Iterator

import pytest

from tests.support.browser import Browser, Page, chromium
from tests.support.console_world import ConsoleWorld, console_world
from tests.support.looks import Faults

pytestmark = pytest.mark.integration
PATHS = (
    "/console",
    "/console/apis",
    "/console/apis/pets",
    "/console/apis/pets/callers",
    "/console/import",
    "/console/policies/api/pets",
    "/console/policy/api/pets?kind=cors",
    "/console/policy/gateway/default?as=yaml",
    "/console/products/basic/edit",
    "/console/applications/acme/demo",
    "/console/keys/{key}/revoke",
    "/console/gateways/default",
    "/console/nodes/{node}",
    "/console/audit",
    "/console/audit/{entry}",
    "/console/people",
    "/console/new/token",
    "/console/traffic",
    "/console/requests/{request_id}",
    "/console/numbers?by=operation",
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    with console_world(tmp_path_factory.mktemp("looks")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def signed_in(page: Page, world: ConsoleWorld) -> None:
    """Give the browser the administrator's session."""
    cookies = world.person("admin").client.cookies.jar
    session = next(cookie.value for cookie in cookies if cookie.name == "headgate_session")
    page.run(
        "await page.context().addCookies("
        "[{ name: 'headgate_session', value: given.session, url: given.url }])",
        session=session,
        url=world.up.web,
    )


@pytest.mark.parametrize(("width", "is_dark"), [(1440, False), (768, True), (390, False)])
def test_pages_are_without_fault(
    browser: Browser, world: ConsoleWorld, width: int, is_dark: bool
) -> None:
    faults = Faults()
    with browser.page(width, is_dark=is_dark) as page:
        signed_in(page, world)
        for path in PATHS:
            url = world.up.web + path.format(**world.ids)
            faults.look(page, url, width=width, own=world.up.web)
            assert "Sign in to see" not in page.run("return await page.content()")
    assert "\n".join(faults.found) == ""


def test_the_tail_shows_what_comes_and_rests_when_it_is_paused(
    browser: Browser, world: ConsoleWorld
) -> None:
    with browser.page() as page:
        signed_in(page, world)
        page.goto(f"{world.up.web}/console/traffic")
        page.run("await page.getByRole('link', { name: 'Follow' }).click()")
        page.run("await page.waitForSelector('#poll', { state: 'attached' })")
        world.up.call("/pets/pets/seen-live")
        page.run("await page.locator('#rows', { hasText: 'seen-live' }).waitFor()")
        page.run("await page.getByRole('link', { name: 'Pause' }).click()")
        page.run("await page.waitForLoadState('networkidle')")
        assert page.run("return await page.locator('#poll').count()") == 0
