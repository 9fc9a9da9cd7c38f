"""Can an administrator take an API from one version to the next and end the old one, by browser?"""

from collections.abc import Iterator

import pytest

from tests.support.browser import Page, chromium
from tests.support.console_world import DOCUMENT, PASSWORD, ConsoleWorld, console_world
from tests.support.tree import eventually

pytestmark = pytest.mark.integration
REMOVED = """\
    post:
      operationId: addPet
      responses: {"201": {description: Added}}
"""
NEXT = DOCUMENT.replace(REMOVED, "").replace("version: 1.0.0", "version: 2.0.0")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    with console_world(tmp_path_factory.mktemp("programme")) as running:
        yield running


@pytest.fixture(scope="module")
def page(world: ConsoleWorld) -> Iterator[Page]:
    """An administrator at a browser, signed in."""
    with chromium() as browser, browser.page() as opened:
        opened.run(
            "await page.goto(given.url + '/account/login/?next=/console');"
            " await page.getByLabel('Email').fill('admin@example.com');"
            " await page.getByLabel('Password').fill(given.password);"
            " await page.keyboard.press('Enter');"
            " await page.waitForURL(url => url.pathname === '/console')",
            url=world.up.web,
            password=PASSWORD,
        )
        yield opened


def read(page: Page) -> str:
    text: str = page.run("return await page.locator('main').innerText()")
    return text


def test_from_one_version_to_the_next(world: ConsoleWorld, page: Page) -> None:
    _import_the_next(world, page)
    _deprecate_the_first(world, page)
    _its_callers_are_told(world)
    _retire_the_first(world, page)
    seen = page.seen()
    assert seen.failures == []
    assert [one for one in seen.requests if not one.startswith((world.up.web, "data:"))] == []


def _import_the_next(world: ConsoleWorld, page: Page) -> None:
    page.goto(f"{world.up.web}/console/import")
    page.run(
        "await page.getByLabel('Name').fill('pets');"
        " await page.getByLabel('Version').fill('v2');"
        " await page.getByLabel('Or paste it').fill(given.document);"
        " await page.getByLabel('Base path').fill('/pets2');"
        " await page.locator('main button.main').click();"
        " await page.getByRole('button', { name: 'Import and publish' }).waitFor()",
        document=NEXT,
    )
    looked_at = read(page)
    assert "Changes that break callers: 1" in looked_at
    assert "addPet" in looked_at
    assert "acme/demo" in looked_at  # who calls it
    assert world.api.get("/apis/pets@v2").status_code == 404  # nothing is stored by looking
    page.run(
        "await page.getByRole('button', { name: 'Import and publish' }).click();"
        " await page.waitForURL(url => !url.pathname.endsWith('/import'))"
    )
    eventually(lambda: world.up.call("/pets2/pets", world.key).status_code == 200, 60.0)


def _deprecate_the_first(world: ConsoleWorld, page: Page) -> None:
    page.goto(f"{world.up.web}/console/apis/pets@v1")
    page.run(
        "await page.getByRole('link', { name: /Deprecate/ }).click();"
        " await page.locator('input[name=until]').fill('2099-12-30');"
        " await page.locator('[name=successor]').fill('v2');"
        " await page.locator('main button.main, main button.danger').click();"
        " await page.waitForURL(url => !url.pathname.endsWith('/deprecate'))"
    )
    eventually(lambda: "deprecation" in world.up.call("/pets/pets", world.key).headers, 60.0)
    answer = world.up.call("/pets/pets", world.key)
    assert answer.status_code == 200
    assert answer.headers["sunset"] == "Thu, 31 Dec 2099 00:00:00 GMT"
    assert "successor-version" in answer.headers["link"]


def _its_callers_are_told(world: ConsoleWorld) -> None:
    def told() -> list[str]:
        found = world.api.get("/events", params={"type": "api.deprecated"}).json()["items"]
        return [one["organization"] for one in found if one["organization"]]

    eventually(lambda: told() == ["acme"], 60.0)  # and nobody who has not called


def _retire_the_first(world: ConsoleWorld, page: Page) -> None:
    page.goto(f"{world.up.web}/console/apis/pets@v1")
    asked = page.run(
        "await page.getByRole('link', { name: /Retire/ }).click();"
        " await page.waitForURL(url => url.pathname.endsWith('/retire'));"
        " return await page.locator('main').innerText()"
    )
    assert "acme/demo" in asked  # whom it hits
    page.run(
        "await page.locator('main input[name=typed]').fill(given.name);"
        " await page.locator('main form button.danger').click();"
        " await page.waitForURL(url => !url.pathname.endsWith('/retire'))",
        name="pets@v1" if "pets@v1" in asked else "pets",
    )
    eventually(lambda: world.up.call("/pets/pets", world.key).status_code == 410, 60.0)
    gone = world.up.call("/pets/pets", world.key).json()
    assert "pets2" in str(gone) or "v2" in str(gone)  # where to go
    assert world.up.call("/pets2/pets", world.key).status_code == 200
