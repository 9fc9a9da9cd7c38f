"""Does the page of the REST API read in a real browser, at any width, from this host alone?"""

from collections.abc import Iterator

import pytest

from tests.support.browser import Browser, Page, chromium
from tests.support.web_process import WebProcess, running_web

pytestmark = pytest.mark.integration
WIDTHS = [1440, 768, 390]


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    with running_web(tmp_path_factory.mktemp("web") / "data") as process:
        yield process


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser, web: WebProcess) -> Iterator[Page]:
    with browser.page() as opened:
        opened.goto(f"{web.url}/api/v1/docs")
        yield opened


@pytest.mark.parametrize("is_dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_every_width_and_asks_no_other_host(
    browser: Browser, web: WebProcess, width: int, is_dark: bool
) -> None:
    with browser.page(width, is_dark=is_dark) as page:
        page.goto(f"{web.url}/api/v1/docs")
        page.run("await page.locator('details').evaluateAll(all => all.map(d => d.open = true))")
        seen = page.seen()
        wide = page.run("return await page.evaluate(() => document.documentElement.scrollWidth)")
    assert wide <= width
    assert (seen.messages, seen.failures) == ([], [])
    assert [url for url in seen.requests if not url.startswith(f"{web.url}/")] == []


def test_what_the_page_does_not_name_is_refused(page: Page, web: WebProcess) -> None:
    page.run(
        "await page.evaluate(url => { const image = new Image(); image.src = url;"
        " document.body.append(image); document.body.setAttribute('style', 'color: red') },"
        " given.url); await page.waitForTimeout(200)",
        url="http://localhost:9/tracker.png",
    )
    seen = page.seen()
    assert any(text.startswith("img-src forbids http://localhost:9") for text in seen.failures)
    assert any(text.startswith("style-src") for text in seen.failures)
    assert "http://localhost:9/tracker.png" in seen.requests  # what is refused would be noticed


def test_an_operation_is_found_and_opened_by_keyboard(page: Page) -> None:
    text = page.run(
        "await page.getByRole('navigation').getByRole('link', { name: 'Keys' }).press('Enter');"
        " const entry = page.locator('#issueKey, #createKey').first();"
        " await entry.locator('summary').focus();"
        " await page.keyboard.press('Enter');"
        " return await entry.innerText()"
    )
    assert page.run("return page.url()").endswith("#keys")
    assert "Body" in text
    assert "application" in text


def test_it_reads_as_text_and_shows_no_marks_of_its_source(page: Page) -> None:
    text = page.run("return await page.locator('body').innerText()")
    assert "`" not in text
    assert "&lt;" not in text
    assert "{{" not in text


def test_tables_of_one_operation_have_their_columns_in_line(page: Page) -> None:
    lefts = page.run(
        "const entry = page.locator('#publishAPI'); await entry.locator('summary').click();"
        " return await entry.locator('thead th:nth-child(2)')"
        ".evaluateAll(cells => cells.map(cell => Math.round(cell.getBoundingClientRect().left)))"
    )
    assert len(lefts) >= 3
    assert len(set(lefts)) == 1
