"""Do people get in with the account that they have elsewhere? Through a certified provider."""

from collections.abc import Iterator

import pytest

from headgate.cli.up.answering import free_port
from tests.support.browser import Browser, Page, chromium
from tests.support.looks import Faults
from tests.support.mail_sink import MailSink, mail_sink
from tests.support.oidc_provider import OIDCClient, OIDCProvider, oidc_provider
from tests.support.portal_world import code_of
from tests.support.tree import Tree

pytestmark = pytest.mark.integration
SECRET = "the secret of the portal"
SIGN_IN = """
    // the provider's own pages ask for fonts elsewhere
    await page.route(url => url.hostname !== '127.0.0.1', route => route.abort('aborted'));
    await page.goto(given.url + '/account/login/');
    await page.getByRole('link', { name: 'Company' }).click();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.locator('input[name=login]').fill(given.email);
    await page.locator('input[name=password]').fill('any');
    await page.locator('button[type=submit]').click();
    await page.locator('form button[type=submit]').click();
    await page.waitForURL(url => url.href.startsWith(given.url));
    return await page.locator('body').innerText();
"""


@pytest.fixture(scope="module")
def web_port() -> int:
    return free_port("127.0.0.1")


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory, web_port: int) -> Iterator[OIDCProvider]:
    back = f"http://127.0.0.1:{web_port}/account/oidc/company/login/callback/"
    client = OIDCClient(id="headgate", secret=SECRET, redirect_uri=back)
    with oidc_provider(tmp_path_factory.mktemp("provider"), client) as running:
        yield running


@pytest.fixture(scope="module")
def sink() -> Iterator[MailSink]:
    with mail_sink() as running:
        yield running


@pytest.fixture(scope="module")
def up(
    tmp_path_factory: pytest.TempPathFactory, provider: OIDCProvider, sink: MailSink, web_port: int
) -> Iterator[Tree]:
    one = Tree(tmp_path_factory.mktemp("openid") / "data", web_port=web_port)
    named = f"company={provider.issuer}?client_id=headgate&title=Company"
    one.more = {"HEADGATE_OIDC_PROVIDERS": named, "HEADGATE_OIDC_SECRET_COMPANY": SECRET}
    one.more |= {"HEADGATE_SMTP_URL": sink.url, "HEADGATE_MAIL_FROM": "headgate@example.com"}
    try:
        one.start()
        yield one
    finally:
        one.end_everything()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.page() as opened:
        yield opened


def test_a_person_of_the_provider_is_signed_in_at_once(page: Page, up: Tree) -> None:
    text = page.run(SIGN_IN, url=up.web, email="grace@company.example")
    assert "grace@company.example" in text
    assert page.seen().failures == []


def test_the_pages_of_who_has_no_password_here_are_without_fault(
    page: Page, up: Tree, sink: MailSink
) -> None:
    faults = Faults()
    faults.examine(page, f"{up.web}/account/oidc/company/login/", own=up.web)
    page.run(SIGN_IN, url=up.web, email="heidi@company.example")
    faults.examine(page, f"{up.web}/account/connections/", own=up.web)
    page.goto(f"{up.web}/account/password/set/")
    at = f"{up.web}/account/reauthenticate/code/"
    faults.examine(page, f"{at}?next=%2Faccount%2Fpassword%2Fset%2F", own=up.web)
    asked = page.run(
        "await page.getByRole('button', { name: 'Request Code' }).click();"
        " await page.waitForURL(url => url.pathname.endsWith('/confirm/'));"
        " return page.url();"
    )
    faults.examine(page, asked, own=up.web)
    page.run(
        "await page.locator('main [name=code]').fill(given.typed);"
        " await page.keyboard.press('Enter');"
        " await page.waitForURL(given.url)",
        typed=code_of(sink, "heidi@company.example"),
        url=f"{up.web}/account/password/set/",
    )
    faults.examine(page, f"{up.web}/account/password/set/", own=up.web)
    assert not faults.found, "\n".join(faults.found)


def test_an_address_that_the_provider_has_not_proved_has_to_be_proved_here(
    page: Page, up: Tree
) -> None:
    text = page.run(SIGN_IN, url=up.web, email="unproved.eve@company.example")
    assert "code" in text
    assert "Sign in" in text  # nobody is


def test_whoever_has_the_same_address_there_does_not_get_the_account_here(
    page: Page, up: Tree
) -> None:
    up.cli("person", "create", "owner@company.example", "--role", "admin", stdin="correct horse 9")
    text = page.run(SIGN_IN, url=up.web, email="owner@company.example")
    page.goto(f"{up.web}/console")
    shown = page.run("return await page.locator('body').innerText()")
    assert "Sign in to see this page" in shown, text
