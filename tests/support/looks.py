"""Does a page look and behave as every page must? Asked of a real browser.

WCAG 2.2 AA by axe-core (npm), the content security policy, requests to other hosts, and whether
the page scrolls sideways.
"""

from dataclasses import dataclass, field

from tests.support import npm
from tests.support.browser import Page

AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
HARMLESS = ("error: Failed to load", "verbose:")  # the page's own status; advice of the browser
VIOLATIONS = """
    await page.evaluate(given.axe);
    const found = await page.evaluate(tags => axe.run(document, { runOnly: tags }), given.tags);
    return found.violations.flatMap(v => v.nodes.map(n =>
        `${v.id}: ${n.target.join(' ')} ${n.failureSummary.replaceAll('\\n', ' ')}`));
"""
WIDTH = "return await page.evaluate(() => document.documentElement.scrollWidth)"


@dataclass
class Faults:
    """What is wrong with pages, each with the address it is at."""

    found: list[str] = field(default_factory=list)

    def look(self, page: Page, url: str, *, width: int, own: str) -> None:
        """Open `url` in `page`, which is `width` pixels wide, and note what is wrong with it."""
        page.goto(url)
        axe = (npm.package("axe-core") / "axe.min.js").read_text()
        wrong = page.run(VIOLATIONS, axe=axe, tags=AXE_TAGS)
        scrolled = page.run(WIDTH)
        if scrolled > width:
            wrong.append(f"it is {scrolled} pixels wide in a window of {width}")
        seen = page.seen()
        wrong += seen.failures
        wrong += [text for text in seen.messages if not text.startswith(HARMLESS)]
        wrong += [f"asked {one}" for one in seen.requests if not one.startswith((own, "data:"))]
        self.found += [f"{url} at {width}: {text}" for text in wrong]
