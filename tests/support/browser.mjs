// A browser for the tests: Debian's Chromium, driven by Playwright (npm: playwright-core).
//
// node browser.mjs PACKAGE CHROMIUM IS_ROOT: one command as JSON per line on standard input, one
// answer per line. `open` makes a page, `run` runs statements with `page` and `given` in reach,
// `seen` tells what the page has asked for and complained about, since `forget`.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [packageFolder, executablePath, isRoot] = process.argv.slice(2);
const { chromium } = createRequire(import.meta.url)(packageFolder);
const browser = await chromium.launch({
  executablePath,
  args: isRoot === "yes" ? ["--no-sandbox"] : [], // Chromium's sandbox refuses the superuser
});
const pages = new Map();

const COMMANDS = {
  async open({ id, width, height, ...more }) {
    const context = await browser.newContext({ viewport: { width, height }, ...more });
    const page = await context.newPage();
    const seen = { requests: [], messages: [], failures: [] };
    page.on("request", (request) => seen.requests.push(request.url()));
    page.on("console", (message) => seen.messages.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => seen.failures.push(String(error)));
    page.on("requestfailed", (request) => {
      const why = request.failure()?.errorText ?? "";
      // what a page has asked for when it is left is aborted: nothing is wrong with it
      if (why !== "net::ERR_ABORTED") seen.failures.push(`${request.url()} failed ${why}`);
    });
    await page.exposeBinding("reportViolation", (_, text) => seen.failures.push(text));
    await page.addInitScript(() =>
      document.addEventListener("securitypolicyviolation", (event) =>
        window.reportViolation(`${event.violatedDirective} forbids ${event.blockedURI}`),
      ),
    );
    pages.set(id, { page, seen });
  },
  async run({ id, code, given }) {
    const AsyncFunction = (async () => {}).constructor;
    return await new AsyncFunction("page", "given", code)(pages.get(id).page, given);
  },
  async seen({ id }) {
    return pages.get(id).seen;
  },
  async forget({ id }) {
    for (const one of Object.values(pages.get(id).seen)) one.length = 0;
  },
  async close({ id }) {
    await pages.get(id).page.context().close();
    pages.delete(id);
  },
};

console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...more } = JSON.parse(line);
  try {
    console.log(JSON.stringify({ value: (await COMMANDS[command](more)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
await browser.close();
