"""Do the pages of accounts read well, by eye, keyboard and screen reader? And do passkeys work?"""

from collections.abc import Iterator

import pytest

from tests.support.browser import Browser, Page, chromium
from tests.support.looks import Faults
from tests.support.tree import Tree, tree

pytestmark = pytest.mark.integration
ADMIN = "ada@example.com"
PASSWORD = "correct horse 9"
OPEN = ("/", "/account/login/", "/account/signup/", "/account/password/reset/", "/nothing")
OWN = (
    "/console",
    "/account/email/",
    "/account/password/change/",
    "/account/2fa/",
    "/account/2fa/totp/activate/",
    "/account/2fa/webauthn/add/",
)
ADD_AUTHENTICATOR = """
    const client = await page.context().newCDPSession(page);
    await client.send('WebAuthn.enable');
    await client.send('WebAuthn.addVirtualAuthenticator', { options: {
        protocol: 'ctap2', transport: 'internal', hasResidentKey: true,
        hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    with tree(tmp_path_factory.mktemp("accounts") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def site(up: Tree) -> str:
    return f"http://localhost:{up.web_port}"  # a name: passkeys belong to names, not addresses


@pytest.fixture(scope="module")
def admin(up: Tree, browser: Browser) -> Iterator[Page]:
    """The first administrator at a browser."""
    with browser.page() as page:
        page.goto(f"{site(up)}/account/first")
        page.run(
            "await page.getByLabel('Token').fill(given.token);"
            " await page.getByLabel('E-mail address').fill(given.email);"
            " await page.getByLabel('Password').fill(given.password);"
            " await page.keyboard.press('Enter');"
            " await page.waitForURL(url => url.pathname === '/console')",
            token=(up.data / "admin.token").read_text().strip(),
            email=ADMIN,
            password=PASSWORD,
        )
        yield page


def again(page: Page, up: Tree) -> None:
    """Give the password once more, as sensitive pages ask for it."""
    page.goto(f"{site(up)}/account/reauthenticate/?next=/account/2fa/")
    page.run(
        "await page.getByLabel('Password').fill(given.password);"
        " await page.keyboard.press('Enter');"
        " await page.waitForURL(url => url.pathname === '/account/2fa/')",
        password=PASSWORD,
    )


@pytest.mark.parametrize("width", [1440, 768, 390])
@pytest.mark.parametrize("is_dark", [False, True])
def test_open_pages_are_without_fault(
    browser: Browser, up: Tree, admin: Page, width: int, is_dark: bool
) -> None:
    faults = Faults()
    with browser.page(width, is_dark=is_dark) as page:
        for path in OPEN:
            faults.look(page, site(up) + path, width=width, own=site(up))
    assert faults.found == []


def test_a_persons_own_pages_are_without_fault(admin: Page, up: Tree) -> None:
    again(admin, up)
    faults = Faults()
    for path in OWN:
        faults.look(admin, site(up) + path, width=1440, own=site(up))
    assert "\n".join(faults.found) == ""


def test_a_fault_would_be_found(admin: Page, up: Tree) -> None:
    admin.goto(site(up))
    admin.run("await page.setContent('<main><img src=x><button></button></main>')")
    faults = Faults()
    faults.look(admin, "about:blank", width=1440, own=site(up))
    assert any("document-title" in text for text in faults.found)


def test_a_passkey_opens_the_account(admin: Page, up: Tree) -> None:
    again(admin, up)
    admin.goto(f"{site(up)}/account/2fa/webauthn/add/")
    admin.run(ADD_AUTHENTICATOR)
    admin.run(
        "const box = page.getByLabel(/Passwordless/i); if (await box.count()) await box.check();"
        " await page.locator('main form button[type=submit], main form button').last().click();"
        " await page.waitForURL(url => !url.pathname.includes('/add/'))"
    )
    admin.goto(site(up))
    admin.run(
        "await page.locator('details.menu summary').click();"
        " await page.getByRole('button', { name: 'Sign out' }).click();"
        " await page.waitForLoadState('networkidle')"
    )
    admin.goto(f"{site(up)}/account/login/?next=/console")
    admin.run(
        "await page.getByRole('button', { name: 'Sign in with a passkey' }).click();"
        " await page.waitForURL(url => url.pathname === '/console')"
    )
    assert "Home" in admin.run("return await page.locator('h1').innerText()")
