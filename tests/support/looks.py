"""Does a page look and behave as every page must? Asked of a real browser.

WCAG 2.2 AA by axe-core (npm), the content security policy, requests to other hosts, whether the
page scrolls sideways, whether it says all without JavaScript and how much of that it has, and
whether the keyboard reaches all of it.
"""

import gzip
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx2

from tests.support import npm
from tests.support.browser import Page

AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
HARMLESS = ("error: Failed to load", "verbose:")  # the page's own status; advice of the browser
SCRIPT_BYTES_MAX = 60_000  # of one page, compressed
WIDE, MIDDLE, NARROW = 1440, 768, 390  # pixels
TABS_MAX = 400
TOOLS = """
    const dress = async (colorScheme, width) => {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 900 });
        await page.evaluate(() => Promise.all(document.getAnimations().map(one => one.finished)));
    };
    const violations = async (options) => {
        const found = await page.evaluate(options => axe.run(document, options), options);
        return found.violations.flatMap(v => v.nodes.map(n =>
            `${v.id}: ${n.target.join(' ')} ${n.failureSummary.replaceAll('\\n', ' ')}`));
    };
    const overflow = async (widths) => {
        const wrong = [];
        for (const width of widths) {
            await page.setViewportSize({ width, height: 900 });
            const scrolled = await page.evaluate(() => document.documentElement.scrollWidth);
            const told = `it is ${scrolled} pixels wide in a window of ${width}`;
            if (scrolled > width) wrong.push(told);
        }
        return wrong;
    };
    const options = { runOnly: given.tags, resultTypes: ['violations'] };
"""
EXAMINED = (
    TOOLS
    + """
    await dress('light', given.wide);
    const response = await page.goto(given.url);
    if (!await page.evaluate(() => window.axe !== undefined)) await page.evaluate(given.axe);
    const light = await violations(options);
    await dress('dark', given.narrow);
    const dark = await violations(options);
    const widths = await overflow([given.narrow, given.middle]);
    const added = await page.evaluate(served => {
        const plain = new DOMParser().parseFromString(served, 'text/html').body;
        for (const one of plain.querySelectorAll('script, [hidden]:not(button)')) one.remove();
        const nodes = document.createTreeWalker(plain, NodeFilter.SHOW_TEXT), texts = [];
        while (nodes.nextNode()) texts.push(nodes.currentNode.data);
        const words = text => text.toLowerCase().match(/\\p{L}+/gu) ?? [];
        const known = new Set(words(`${texts.join(' ')} ${plain.textContent}`));
        return [...new Set(words(document.body.innerText))].filter(one => !known.has(one));
    }, await response.text());
    return {
        wrong: [...light, ...dark.map(text => `dark and narrow: ${text}`), ...widths],
        added,
        scripts: await page.evaluate(() => [...document.scripts].map(one => one.src)),
        status: response.status(),
        at: page.url(),
    };
"""
)
GLANCED = (
    TOOLS
    + """
    if (given.url) await page.goto(given.url);
    if (!await page.evaluate(() => window.axe !== undefined)) await page.evaluate(given.axe);
    await dress('dark', given.narrow);
    const wrong = [...await violations(options), ...await overflow([given.narrow])];
    const language = await page.evaluate(() => document.documentElement.lang);
    return { wrong, at: page.url(), language };
"""
)
SENT = """
    await page.goto(given.url);
    const name = Object.keys(given.fields)[0] ?? 'csrfmiddlewaretoken';
    const [response] = await Promise.all([
        page.waitForNavigation(),
        page.evaluate(([name, fields]) => {
            const form = document.querySelector(`main [name="${name}"]`).form;
            form.noValidate = true;
            for (const [key, value] of Object.entries(fields)) {
                const one = form.querySelector(`[name="${key}"]`);
                if (one.type === 'checkbox') one.checked = value === 'on';
                else one.value = value;
            }
            form.requestSubmit(form.querySelector('button:not([type=button])'));
        }, [name, given.fields]),
    ]);
    return response.status();
"""
TABBED = """
    await page.goto(given.url);
    const wanted = await page.evaluate(() => {
        const all = document.querySelectorAll('a[href], button, input, select, textarea, summary');
        const can = [...all].filter(one =>
            one.checkVisibility() && !one.disabled && one.type !== 'hidden' && one.tabIndex >= 0);
        can.forEach((one, place) => one.dataset.place = place);
        const groups = new Set();
        return can.filter(one => {  // one Tab reaches a group of radio buttons, arrows its others
            if (one.type !== 'radio') return true;
            return !groups.has(one.name) && groups.add(one.name);
        }).map(one => one.type === 'radio' ? `radio ${one.name}` : one.dataset.place);
    });
    const reached = new Set(), unseen = [];
    const missed = () => wanted.filter(one => !reached.has(one));
    for (let tabs = 0, ends = 0; tabs < given.most && ends < 2 && missed().length; tabs++) {
        await page.keyboard.press('Tab');
        const at = await page.evaluate(() => {
            const one = document.activeElement, style = getComputedStyle(one);
            const isSeen = style.outlineStyle !== 'none' || style.boxShadow !== 'none';
            const name = one.type === 'radio' ? `radio ${one.name}` : one.dataset.place;
            return one === document.body ? null : { name, isSeen, html: one.outerHTML };
        });
        if (at === null) ends += 1;  // the page begins anew: it may have begun in its middle
        else reached.add(at.name);
        if (at && !at.isSeen) unseen.push(`the focus cannot be seen on ${at.html.slice(0, 120)}`);
    }
    const html = await page.evaluate(missed => missed.map(one =>
        document.querySelector(`[data-place="${one}"]`)?.outerHTML.slice(0, 120) ?? one), missed());
    return [...html.map(one => `Tab does not reach ${one}`), ...unseen];
"""


@dataclass
class Faults:
    """What is wrong with pages, each with the address it is at."""

    found: list[str] = field(default_factory=list)

    def examine(self, page: Page, url: str, *, own: str, status: int = 200) -> None:
        """Open `url` once and look at it wide and light, narrow and dark, with all budgets."""
        page.browser.ask("forget", id=page.number)
        widths = {"wide": WIDE, "middle": MIDDLE, "narrow": NARROW}
        seen: dict[str, Any] = page.run(EXAMINED, url=url, axe=_axe(), tags=AXE_TAGS, **widths)
        wrong = seen["wrong"] + _behaviour(page, own)
        if seen["added"]:
            wrong.append(f"without scripts it does not say {', '.join(seen['added'])}")
        sizes = {one: _compressed_bytes(one) for one in seen["scripts"] if one}
        if sum(sizes.values()) > SCRIPT_BYTES_MAX:
            wrong.append(f"its scripts have {sizes}, more than {SCRIPT_BYTES_MAX} bytes")
        if seen["status"] != status:
            wrong.append(f"it answers {seen['status']}")
        if seen["at"] != url:
            wrong.append(f"it leads on to {seen['at']}")
        self.found += [f"{url}: {text}" for text in wrong]

    def glance(self, page: Page, *, own: str, language: str, url: str = "") -> None:
        """Look at what is open (or open `url`) as it is narrow and dark, in one language."""
        seen = page.run(GLANCED, url=url, axe=_axe(), tags=AXE_TAGS, narrow=NARROW)
        wrong = seen["wrong"] + _behaviour(page, own)
        if seen["language"] != language:
            wrong.append(f"it speaks {seen['language']}")
        self.found += [f"{seen['at']} as answered: {text}" for text in wrong]

    def tab_through(self, page: Page, url: str) -> None:
        """Open `url` and press Tab until the page is over: all of it is reached, and seen."""
        wrong = page.run(TABBED, url=url, most=TABS_MAX)
        self.found += [f"{url}: {text}" for text in wrong]


def send(page: Page, url: str, fields: dict[str, str]) -> int:
    """Open `url`, fill the form that has these fields and send it, unchecked; what it answers."""
    page.browser.ask("forget", id=page.number)
    status: int = page.run(SENT, url=url, fields=fields)
    return status


def _behaviour(page: Page, own: str) -> list[str]:
    """What the page did since it was last asked: failures, messages, requests to others."""
    seen = page.seen()
    wrong = list(seen.failures)
    wrong += [text for text in seen.messages if not text.startswith(HARMLESS)]
    wrong += [f"asked {one}" for one in seen.requests if not one.startswith((own, "data:"))]
    return wrong


@cache
def _axe() -> str:
    return (npm.package("axe-core") / "axe.min.js").read_text()


@cache
def _compressed_bytes(url: str) -> int:
    return len(gzip.compress(httpx2.get(url, trust_env=False).content))
