"""How does a test look at a page as a person would? With Chromium, driven by Playwright.

Playwright is npm's `playwright-core` in a process of Node.js, since PyPI's excludes the greenlet
of httpbin; the browser is the machine's own. A test writes Playwright's statements in JavaScript,
where their documentation has them, and gets back plain values.
"""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from tests.support import npm
from tests.support.person import Person

SCRIPT = Path(__file__).with_suffix(".mjs")
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Seen:
    """What a page asked for (`requests`: URLs), wrote to its console, and did not get."""

    requests: list[str]
    messages: list[str]
    failures: list[str]


class Browser:
    """One running Chromium."""

    def __init__(self) -> None:
        found = [path for name in PROGRAMS if (path := shutil.which(name))]
        assert found, "Chromium is missing: install Debian's package chromium"
        is_root = "yes" if os.geteuid() == 0 else "no"
        command = [npm.node(), SCRIPT, npm.package("playwright-core"), found[0], is_root]
        self._process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ids = count()
        assert self._line() == "ready", "Chromium did not start: see its words above"

    @contextlib.contextmanager
    def page(
        self,
        width: int = 1440,
        height: int = 900,
        *,
        is_dark: bool = False,
        has_scripts: bool = True,
    ) -> Iterator["Page"]:
        """A page without cookies or memory of others, until the block ends."""
        number = next(self._ids)
        more = {"colorScheme": "dark" if is_dark else "light", "javaScriptEnabled": has_scripts}
        self.ask("open", id=number, width=width, height=height, **more)
        yield Page(self, number)
        self.ask("close", id=number)

    def ask(self, command: str, **more: Any) -> Any:
        """Send one command and wait for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"command": command, **more}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._line())
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def close(self) -> None:
        """End it and all its pages."""
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")


@dataclass(frozen=True)
class Page:
    """One page of a browser."""

    browser: Browser
    number: int

    def run(self, code: str, **given: Any) -> Any:
        """The value that the statements `return`; `page` and `given` are in their reach."""
        return self.browser.ask("run", id=self.number, code=code, given=given)

    def goto(self, url: str) -> None:
        """Open an address and wait until everything of it is there."""
        self.run("await page.goto(given.url, { waitUntil: 'networkidle' })", url=url)

    def become(self, person: Person) -> None:
        """Take over the session of somebody who is signed in."""
        jar = person.client.cookies.jar
        session = next(one.value for one in jar if one.name == "headgate_session")
        self.run(
            "await page.context().addCookies("
            "[{ name: 'headgate_session', value: given.session, url: given.url }])",
            session=session,
            url=str(person.client.base_url),
        )

    def speak(self, language: str, url: str) -> None:
        """Read the pages of a site in a language, as if it had been chosen there."""
        self.run(
            "await page.context().addCookies("
            "[{ name: 'headgate_language', value: given.language, url: given.url }])",
            language=language,
            url=url,
        )

    def screenshot(self, path: Path) -> None:
        """Write what can be seen as PNG, for people."""
        self.run("await page.screenshot({ path: given.path })", path=str(path))

    def seen(self) -> Seen:
        """What the page asked for and complained about until now."""
        return Seen(**self.browser.ask("seen", id=self.number))


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A browser, until the block ends."""
    browser = Browser()
    try:
        yield browser
    finally:
        browser.close()
