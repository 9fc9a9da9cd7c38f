"""Can a stranger become a caller, from sign-up to the first number, with a browser alone?"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.browser import Browser, Page, chromium
from tests.support.mail_sink import MailSink, mail_sink
from tests.support.tree import Tree, eventually, tree
from tests.support.upstream import upstream

pytestmark = pytest.mark.integration
PASSWORD = "correct horse 9"
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Weather", "version": "1", "description": "What the **sky** does."},
    "paths": {
        "/now": {
            "get": {
                "operationId": "now",
                "summary": "The weather now",
                "tags": ["Sky"],
                "responses": {"200": {"description": "It is known."}},
            }
        }
    },
}


@pytest.fixture(scope="module")
def sink() -> Iterator[MailSink]:
    with mail_sink() as running:
        yield running


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, sink: MailSink) -> Iterator[Tree]:
    """An API behind the gateway, in a product with one plan; nobody consumes it yet."""
    folder = tmp_path_factory.mktemp("journey")
    document = folder / "weather.json"
    document.write_text(json.dumps(DOCUMENT))
    more = {"HEADGATE_SMTP_URL": sink.url, "HEADGATE_MAIL_FROM": "headgate@example.com"}
    with upstream() as server, tree(folder / "data", more=more) as running:
        running.do("import", str(document), "--name", "weather", "--upstream", server.url)
        running.do("publish", "weather")
        running.do("product", "create", "sky", "--api", "weather")
        running.do("plan", "create", "sky/free", "--rate", "50/second", "--quota", "1000/month")
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.mark.parametrize("name", ["grace", "plain"])
def test_from_stranger_to_the_first_number(
    up: Tree, browser: Browser, sink: MailSink, name: str
) -> None:
    """Grace's browser runs scripts; the plain one runs none."""
    with browser.page(has_scripts=name == "grace") as page:
        _travel(up, page, sink, name)


def _travel(up: Tree, page: Page, sink: MailSink, name: str) -> None:
    _sign_up(up, page, sink, f"{name}@example.com")
    _found(page, f"{name.title()} Weather")
    _subscribe(up, page)
    key = _key(page)
    _try(up, page, key)
    assert up.call("/weather/now", "hg_wrong").status_code == 401
    _report(up, page, f"{name}-weather")
    seen = page.seen()
    assert seen.failures == []
    assert [one for one in seen.requests if not one.startswith((up.web, "data:"))] == []


def _sign_up(up: Tree, page: Page, sink: MailSink, email: str) -> None:
    page.goto(up.web)
    page.run(
        "await page.getByRole('link', { name: 'Sign up' }).first().click();"
        " await page.getByLabel('Email').fill(given.email);"
        " await page.getByLabel('Password', { exact: true }).fill(given.password);"
        " await page.getByRole('button', { name: 'Sign up' }).click();"
        " await page.waitForURL(url => url.pathname.includes('confirm-email'))",
        email=email,
        password=PASSWORD,
    )
    text = sink.wait_for(email).get_content()
    code = re.search(r"^\s*([A-Z0-9-]{6,12})\s*$", text, re.MULTILINE)
    assert code
    page.run(
        "await page.getByLabel('Code').fill(given.words); await page.keyboard.press('Enter');"
        " await page.waitForURL(url => !url.pathname.includes('confirm-email'))",
        words=code.group(1),
    )
    assert email in page.run("return await page.locator('header').innerText()")


def _found(page: Page, title: str) -> None:
    page.run(
        "await page.getByRole('link', { name: 'Organization', exact: true }).click();"
        " await page.getByLabel('What is it called?').fill(given.title);"
        " await page.locator('main button.main').click();"
        " await page.waitForURL(url => url.pathname === '/applications/new')",
        title=title,
    )


def _subscribe(up: Tree, page: Page) -> None:
    page.run(
        "await page.getByLabel('Name').fill('umbrella');"
        " await page.locator('main button.main').click();"
        " await page.waitForURL(url => url.pathname.endsWith('/umbrella'))"
    )
    page.goto(f"{up.web}/products/sky")
    page.run(
        "await page.getByRole('link', { name: /Subscribe/ }).first().click();"
        " await page.getByRole('radio').first().check();"
        " await page.locator('main button.main').click();"
        " await page.waitForURL(url => url.pathname.endsWith('/umbrella'))"
    )
    assert "active" in page.run("return await page.locator('main').innerText()")


def _key(page: Page) -> str:
    key = page.run(
        "await page.getByRole('link', { name: 'Make a key' }).click();"
        " await page.getByLabel('Name').fill('first');"
        " await page.locator('main button.main').click();"
        " return await page.locator('#secret').innerText()"
    )
    page.run(
        "await page.getByRole('link', { name: 'I have it' }).click(); await page.waitForLoadState()"
    )
    assert key not in page.run("return await page.content()")  # shown once
    return str(key)


def _try(up: Tree, page: Page, key: str) -> None:
    page.goto(f"{up.web}/apis/weather")
    text = page.run(
        "await page.getByRole('link', { name: 'The weather now' }).first().click();"
        " await page.getByRole('link', { name: 'Try it' }).click();"
        " await page.getByLabel('Your key').fill(given.key);"
        " await page.getByRole('button', { name: 'Send' }).click();"
        " await page.waitForLoadState();"
        " return await page.locator('main').innerText()",
        key=key,
    )
    assert "200" in text
    assert '"path": "/now"' in text


def _report(up: Tree, page: Page, organization: str) -> None:
    page.goto(f"{up.web}/applications/{organization}/umbrella/report")

    def is_counted() -> bool:
        page.run("await page.reload()")
        text = page.run("return await page.locator('main').innerText()")
        return bool(re.search(r"Calls\s+1\b", text))

    eventually(is_counted, 60.0, every_seconds=1.0)


def test_the_stores_own_numbers_are_the_same(up: Tree) -> None:
    stats = up.do("stats", "--by", "application", "--json").out
    assert "umbrella" in stats
    assert Path(up.data).exists()
