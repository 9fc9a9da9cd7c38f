"""Take the README's pictures: `make screenshots` runs a demonstration and looks at its pages.

Needs what the tests need (Chromium, Node.js). Writes docs/screenshots/NAME.png, each under
`BYTES_MAX`, and the pages' own faults end it.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.browser import Page, chromium  # noqa: E402  # the root is on the path only now
from tests.support.tree import Tree, eventually  # noqa: E402  # likewise

FOLDER = ROOT / "docs" / "screenshots"
BYTES_MAX = 150_000
DEMO_SECONDS_MAX = 240.0
WIDTH, HEIGHT = 1120, 700
EMAIL, PASSWORD = "ada@example.com", "correct horse 9"
PAGES = {  # name of the picture, and the address it is of
    "operation": "/apis/httpbin",  # the first operation of it that has a parameter
    "report": "/applications/acme/demo/report",
    "console": "/console",
    "traffic": "/console/traffic",
}
FIRST_OPERATION = """
    return await page.locator('a[href*="/operations/"]')
        .filter({ hasText: '{' }).first().evaluate(link => link.href);
"""
SIGN_IN = """
    await page.goto(given.url + '/account/login/?next=/console');
    await page.getByLabel('Email').fill(given.email);
    await page.getByLabel('Password').fill(given.password);
    await page.keyboard.press('Enter');
    await page.waitForURL(url => url.pathname === '/console');
"""


def main() -> int:
    """Start the demonstration, take the pictures, end it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="headgate-pictures-") as folder:
        tree = Tree(Path(folder) / "data")
        try:
            tree.start("--demo")
            eventually(lambda: any("stays up" in line for line in tree.lines), DEMO_SECONDS_MAX)
            tree.do("person", "create", EMAIL, "--role", "admin", stdin=PASSWORD)
            tree.do("member", "add", "acme", EMAIL, "--role", "owner")
            with chromium() as browser, browser.page(WIDTH, HEIGHT) as page:
                page.run(SIGN_IN, url=tree.web, email=EMAIL, password=PASSWORD)
                return sum(_take(page, name, tree.web + path) for name, path in PAGES.items())
        finally:
            tree.end_everything()


def _take(page: Page, name: str, url: str) -> int:
    page.goto(url)
    if name == "operation":
        page.goto(page.run(FIRST_OPERATION))
    target = FOLDER / f"{name}.png"
    page.screenshot(target)
    size = target.stat().st_size
    print(f"{target.relative_to(ROOT)}: {size:,} bytes")
    if size > BYTES_MAX:
        print(f"  is over {BYTES_MAX:,} bytes", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.TimeoutExpired as error:
        sys.exit(f"{error}")
