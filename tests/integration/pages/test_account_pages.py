"""Do the pages of accounts read well, by eye, keyboard and screen reader? And do passkeys work?

All addresses below /account are looked at, in each state that they have a page in: `LOOKED_AT` and
`NO_PAGES` name them, and an address that neither names fails.
"""

import re
import time
from collections.abc import Iterator

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.urls import get_resolver, reverse

from tests.support.browser import Browser, Page, chromium
from tests.support.looks import Faults
from tests.support.mail_sink import MailSink, mail_sink
from tests.support.portal_world import code_of
from tests.support.tree import Tree, tree

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
ADMIN, OTHER = "ada@example.com", "ben@example.com"
PASSWORD = "correct horse 9"
STRANGERS = {  # and their status
    "account_inactive": 200,
    "socialaccount_login_cancelled": 200,
    "socialaccount_login_error": 401,
}
STEPS = {
    "first_administrator",
    "account_email_verification_sent",
    "account_confirm_password_reset_code",
    "account_complete_password_reset",
    "account_password_reset_completed",
    "mfa_authenticate",
}
AT_FIRST = ("mfa_index", "mfa_activate_totp", "mfa_list_webauthn")
OWN = (
    "account_email",
    "account_change_password",
    "account_logout",
    "account_reauthenticate",
    "socialaccount_connections",
    "mfa_index",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_list_webauthn",
    "mfa_add_webauthn",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
)
OF_A_PASSKEY = ("mfa_edit_webauthn", "mfa_remove_webauthn")
ELSEWHERE = {
    "account_login": "test_every_page.py",
    "account_signup": "test_every_page.py",
    "account_reset_password": "test_every_page.py",
    "openid_connect_login": "test_openid_sign_in.py",
    "account_set_password": "test_openid_sign_in.py",
    "account_request_reauthentication_code": "test_openid_sign_in.py",
    "account_confirm_reauthentication_code": "test_openid_sign_in.py",
}
LOOKED_AT = STEPS | {*STRANGERS, *AT_FIRST, *OWN, *OF_A_PASSKEY, *ELSEWHERE}
NO_PAGES = {
    "mfa_download_recovery_codes": "a file",
    "mfa_login_webauthn": "what a passkey is to sign, for the script of the page of signing in",
    "openid_connect_callback": "leads on",
    "socialaccount_signup": "leads on: an account elsewhere needs no more words here",
    "account_confirm_login_code": "leads on: codes of that kind are not sent",
}
ADD_AUTHENTICATOR = """
    const client = await page.context().newCDPSession(page);
    await client.send('WebAuthn.enable');
    await client.send('WebAuthn.addVirtualAuthenticator', { options: {
        protocol: 'ctap2', transport: 'internal', hasResidentKey: true,
        hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
"""


@pytest.fixture(scope="module")
def sink() -> Iterator[MailSink]:
    with mail_sink() as running:
        yield running


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, sink: MailSink) -> Iterator[Tree]:
    more = {"HEADGATE_SMTP_URL": sink.url, "HEADGATE_MAIL_FROM": "headgate@example.com"}
    with tree(tmp_path_factory.mktemp("accounts") / "data", more=more) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def site(up: Tree) -> str:
    return f"http://localhost:{up.web_port}"  # a name: passkeys belong to names, not addresses


def look(page: Page, up: Tree, *addresses: str, status: int = 200) -> None:
    """Open these addresses, all of which are pages without fault."""
    faults = Faults()
    for address in addresses:
        faults.examine(page, site(up) + address, own=site(up), status=status)
    assert not faults.found, "\n".join(faults.found)


def send(page: Page, **fields: str) -> None:
    """Fill in the form that is open, send it, and wait for what follows."""
    page.run(
        "for (const [name, value] of Object.entries(given.fields))"
        " await page.locator(`main [name=${name}]`).fill(value);"
        " await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')])",
        fields=fields,
    )


def path(page: Page) -> str:
    """Where the browser is."""
    return str(page.run("return new URL(page.url()).pathname"))


@pytest.fixture(scope="module")
def admin(up: Tree, browser: Browser) -> Iterator[Page]:
    """The first administrator at a browser."""
    with browser.page() as page:
        look(page, up, reverse("first_administrator"))
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


@pytest.fixture(scope="module")
def secured(admin: Page, up: Tree) -> Page:
    """The administrator, with an authenticator app and a passkey, by pages that are looked at."""
    again(admin, up)
    look(admin, up, *(reverse(name) for name in AT_FIRST))
    admin.goto(site(up) + reverse("mfa_activate_totp"))
    secret = admin.run("return await page.locator('main input[disabled]').first().inputValue()")
    now = int(time.time()) // totp.app_settings.TOTP_PERIOD
    send(admin, code=totp.format_hotp_value(totp.hotp_value(secret, now)))
    assert path(admin) != reverse("mfa_activate_totp")
    admin.goto(site(up) + reverse("mfa_add_webauthn"))
    admin.run(ADD_AUTHENTICATOR)
    admin.run(
        "const box = page.getByLabel(/Passwordless/i); if (await box.count()) await box.check();"
        " await page.locator('main form button[type=submit], main form button').last().click();"
        " await page.waitForURL(url => !url.pathname.includes('/add/'))"
    )
    return admin


def again(page: Page, up: Tree) -> None:
    """Give the password once more, as sensitive pages ask for it."""
    page.goto(f"{site(up)}/account/reauthenticate/?next=/account/2fa/")
    page.run(
        "await page.getByLabel('Password').fill(given.password);"
        " await page.keyboard.press('Enter');"
        " await page.waitForURL(url => url.pathname === '/account/2fa/')",
        password=PASSWORD,
    )


def test_no_address_of_accounts_is_left_out() -> None:
    names = {
        one
        for one in get_resolver("headgate.web.accounts.urls").reverse_dict
        if isinstance(one, str)
    }
    assert names - set(NO_PAGES) == LOOKED_AT


def test_the_pages_of_strangers_are_without_fault(browser: Browser, up: Tree, admin: Page) -> None:
    with browser.page() as page:
        for name, status in STRANGERS.items():
            look(page, up, reverse(name), status=status)


def test_the_steps_of_signing_up_are_without_fault(browser: Browser, up: Tree, admin: Page) -> None:
    with browser.page() as page:
        page.goto(site(up) + reverse("account_signup"))
        send(page, email="new@example.com", password1=PASSWORD)
        assert path(page) == reverse("account_email_verification_sent")
        look(page, up, path(page))


def test_the_steps_to_a_new_password_are_without_fault(
    browser: Browser, up: Tree, admin: Page, sink: MailSink
) -> None:
    up.do("person", "create", OTHER, "--role", "auditor", stdin=PASSWORD)
    with browser.page() as page:
        page.goto(site(up) + reverse("account_reset_password"))
        send(page, email=OTHER)
        assert path(page) == reverse("account_confirm_password_reset_code")
        look(page, up, path(page))
        send(page, code=code_of(sink, OTHER))
        assert path(page) == reverse("account_complete_password_reset")
        look(page, up, path(page))
        send(page, password1=PASSWORD, password2=PASSWORD)
        look(page, up, reverse("account_password_reset_completed"))


def test_a_persons_own_pages_are_without_fault(browser: Browser, up: Tree, secured: Page) -> None:
    again(secured, up)
    secured.goto(site(up) + reverse("mfa_list_webauthn"))
    links = secured.run(
        "return await page.locator('main a').evaluateAll(as => as.map(a => a.href))"
    )
    numbers = [found[1] for link in links if (found := re.search(r"/keys/(\d+)/edit/", link))]
    look(secured, up, *(reverse(name) for name in OWN))
    look(secured, up, *(reverse(name, args=[numbers[0]]) for name in OF_A_PASSKEY))
    with browser.page() as page:
        page.goto(site(up) + reverse("account_login"))
        send(page, login=ADMIN, password=PASSWORD)
        assert path(page) == reverse("mfa_authenticate")
        look(page, up, path(page))


def test_a_passkey_opens_the_account(secured: Page, up: Tree) -> None:
    secured.goto(site(up))
    secured.run(
        "await page.locator('details.menu summary').click();"
        " await page.getByRole('button', { name: 'Sign out' }).click();"
        " await page.waitForLoadState('networkidle')"
    )
    secured.goto(f"{site(up)}/account/login/?next=/console")
    secured.run(
        "await page.getByRole('button', { name: 'Sign in with a passkey' }).click();"
        " await page.waitForURL(url => url.pathname === '/console')"
    )
    assert "Home" in secured.run("return await page.locator('h1').innerText()")
