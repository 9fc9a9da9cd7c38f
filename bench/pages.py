"""How long does the server take for each page of the two sites, with ten thousand of everything?"""

import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.installation import Installation, add_apis, running, upstream
from bench.measure import Measurement
from tests.support import npm
from tests.support.person import Person

ROWS, APIS, RECORDS = 10_000, 1_000, 100_000
ROUNDS = 20
BUDGET_MS = 300
ROWS_PER_PAGE = 50
ELEMENTS_MAX = 1_500
GITHUB_EVERY = 4  # of its operations, one of so many is looked at
HOURS = 20  # over which the records lie
APPLICATIONS = 1_000  # that the records are of
LISTS = {
    "organizations": ("/console/organizations", "acme-{last}", "acme"),
    "applications": ("/console/applications", "acme-{last}", "demo"),
    "subscriptions": ("/console/subscriptions", "acme-{last}", "acme"),
    "approvals": ("/console/approvals", "acme-{last}", "partner"),
    "access": ("/console/access", "acme-{last}", "letters"),
    "keys": ("/console/keys", "acme-{last}", "laptop"),
    "clients": ("/console/clients", "robot {last}", "robot"),
    "people": ("/console/people", "guest-{last}", "example"),
    "audit": ("/console/audit", "webhook.tried", "administrator"),
    "events": ("/console/events", "unicorn", "webhook"),
    "webhooks": ("/console/webhooks", "unicorn", "127.0.0.1"),
    "deliveries": ("/console/webhooks/{webhook}/deliveries", "unicorn", "webhook"),
    "feedback": ("/console/feedback", "pets-{last}", "pets"),
    "tokens": ("/console/tokens", "robot-{last}", "robot"),
    "blocks": ("/console/blocks", "2001:db8::{last}", "2001"),
    "secrets": ("/console/secrets", "billing-{last}", "billing"),
    "apis": ("/console/apis", "api-{last}", "api"),
    "products": ("/console/products", "basic-{last}", "basic"),
    "applications of an organization": ("/applications", "demo-{last}", "demo"),
    "people of an organization": ("/organization", "member-{last}", "example"),
}
"""The long lists: where they are, a word that one row has and one that all have, or nearly."""
OF_APIS = frozenset({"apis", "products"})  # there are fewer of them
APPLICATION = "/applications/acme/demo"
PAGES = {
    "console, home": "/console",
    "console, an API": "/console/apis/api-7",
    "console, an application": f"/console{APPLICATION}",
    "console, live traffic": "/console/traffic",
    "console, numbers of the last day": "/console/numbers",
    "portal, catalogue": "/",
    "portal, catalogue, a word that one API has": "/?q=api-77",
    "portal, catalogue, two words that all operations have": "/?q=thing get",
    "portal, catalogue, a word that nothing has": "/?q=unicorn",
    "portal, products": "/products",
    "portal, changelog of an API": "/apis/pets/changelog",
    "portal, a team": "/teams/acme/payments",
    "portal, an application": APPLICATION,
    "portal, report of an application": f"{APPLICATION}/report",
    "portal, first page of GitHub's reference": "/apis/github",
    "portal, search in GitHub's reference": "/apis/github?q=create issue",
}
_FILL = """
import sys
from bench.pages import fill
fill(int(sys.argv[1]), int(sys.argv[2]))
"""


def run(*, is_quick: bool) -> list[Measurement]:
    """The p95 of every page, asked one after another, in milliseconds."""
    rows, apis, records = (n // 10 if is_quick else n for n in (ROWS, APIS, RECORDS))
    with TemporaryDirectory(prefix="headgate-bench-") as folder, upstream() as port:
        data = Path(folder, "data")
        made = prepare(data, rows, apis, records, port)
        with running(data) as one, Person(str(one.rest.base_url)) as person:
            person.sign_in(made["email"], made["password"])
            return list(_measured(person, made, rows, apis))


def prepare(data: Path, rows: int, apis: int, records: int, port: int) -> dict[str, str]:
    """Make an installation with so many of everything in a folder: who may see all of it, and the
    ids that addresses hold.

    What is measured is a later start of it, which has nothing left to do of all that.
    """
    filled = subprocess.run(
        [sys.executable, "-c", _FILL, str(rows), str(records)],
        check=True,
        env=os.environ | {"HEADGATE_DATA": str(data)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with running(data) as one:
        _publish(one, apis, port)
    found: dict[str, str] = json.loads(filled.stdout)
    return found


def _measured(person: Person, made: dict[str, str], rows: int, apis: int) -> Iterator[Measurement]:
    for name, (at, *words) in LISTS.items():
        count = apis if name in OF_APIS else rows
        address = at.format(**made)
        states = _states(person, address, [word.format(last=count - 1) for word in words], count)
        times = {state: _p95_ms(person, state) for state in states}
        slowest = max(times, key=times.__getitem__)
        what = f"list of {name}, {count:,} rows: the slowest of {len(states)} states"
        note = slowest.removeprefix(address) or "as it opens"
        yield Measurement("pages", what, times[slowest], "ms p95", BUDGET_MS, note=f"`{note}`")
    for name, address in PAGES.items():
        yield Measurement("pages", name, _p95_ms(person, address), "ms p95", BUDGET_MS)
    yield from _github(person)


def _states(person: Person, address: str, words: list[str], count: int) -> list[str]:
    """A list as it opens, searched, sorted by each column, filtered by each, at its end."""
    text = person.get(address).text
    sorts = sorted(set(re.findall(r'href="\?(sort=[a-z_]+)"', text)))
    filters = re.findall(
        r'<select id="list-[^"]*" name="([^"]+)"><.*?<option value="([^"]+)"', text
    )
    last = f"page={count // ROWS_PER_PAGE}"
    searches = [f"q={word}" for word in words]
    queries = [*searches, last, *sorts, *(f"{key}={value}" for key, value in filters)]
    return [address, *(f"{address}?{query}" for query in queries)]


def _p95_ms(person: Person, address: str) -> float:
    """Also of what is read once and kept: the first answer does not count."""
    times = []
    for number in range(ROUNDS + 1):
        before = time.perf_counter()
        answer = person.client.get(address)
        times.append((time.perf_counter() - before) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"{address}: {answer.status_code} {answer.text[:500]}")
        if number == 0:
            times.clear()
    return statistics.quantiles(times, n=20)[-1]


def _github(person: Person) -> Iterator[Measurement]:
    """Operations of the largest document, each asked for the first time."""
    pages = [person.get("/apis/github")]
    tags = re.findall(r'href="(\?tag=[^"]+)"', pages[0].text)
    pages += [person.get(f"/apis/github{tag}") for tag in dict.fromkeys(tags)]
    found = re.findall(r'href="(/apis/github/operations/[^"?]+)"', "".join(p.text for p in pages))
    times, elements = [], 0
    for address in list(dict.fromkeys(found))[::GITHUB_EVERY]:
        before = time.perf_counter()
        text = person.client.get(address).text
        times.append((time.perf_counter() - before) * 1000)
        elements = max(elements, _Elements(text).count)
    what = f"portal, {len(times)} operations of GitHub's reference, each once"
    p95 = statistics.quantiles(times, n=20)[-1]
    yield Measurement("pages", what, p95, "ms p95", BUDGET_MS)
    yield Measurement("pages", "their largest page", elements, "elements", ELEMENTS_MAX)


class _Elements(HTMLParser):
    """Counts elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.count = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  # the base's signature
        self.count += 1


def _publish(one: Installation, apis: int, port: int) -> None:
    """The APIs that the portal shows, GitHub's among them."""
    names = [f"api-{number}" for number in range(apis)]
    add_apis(one, names, operations=5, upstream_port=port)
    products: list[dict[str, object]] = []
    for number, name in enumerate(names):
        products.append({"kind": "product", "name": f"basic-{number}", "apis": [name]})
        for plan, rate in (("free", "10/second"), ("pro", "100/second")):
            products.append(
                {"kind": "plan", "name": f"basic-{number}/{plan}", "rates": [rate], "quotas": []}
            )
    one.ask("POST", "/configuration", {"documents": products})
    path = npm.package("@octokit/openapi") / "generated" / "api.github.com.json"
    github = {"files": {"github.json": path.read_text()}, "entry": "github.json"}
    body = {"name": "github", "upstream": f"http://127.0.0.1:{port}", "document": github}
    one.ask("POST", "/apis", body)
    one.ask("POST", "/apis/github/publish", {})


def fill(rows: int, records: int) -> None:
    """Have the store of the environment hold so many of everything, and records of calls.

    Nothing of it waits to be sent. What `prepare` answers is written to standard output.
    """
    from headgate.core.clock import SystemClock
    from headgate.store import setup

    now = SystemClock().now()
    started = setup.start(now)
    from bench.records import Block, Filler
    from headgate.alerts.webhooks import DeliveryState
    from headgate.store.models import Application, Delivery, Organization, Webhook
    from headgate.store.services.actor import Actor, Scope
    from headgate.store.services.oauth import signing_keys
    from tests.support import many_rows
    from tests.support.lines import DEFAULT_START, example_id

    signing_keys.settle_url(Actor.system("bench", now), "http://127.0.0.1:1")
    many_rows.fill(Actor("administrator", frozenset(Scope), now))
    numbers, none = range(1, rows), range(0)
    many_rows.multiply(numbers, of_acme=numbers, apis=none, places=none)
    Webhook.objects.update(disabled_at=now, disabled_reason="Nothing is sent here.")
    Delivery.objects.update(state=DeliveryState.DELIVERED, tries=1, settled_at=now)
    callers = Application.objects.order_by("pk").values_list("pk", "organization")
    for number, (row, owner) in enumerate(callers[:APPLICATIONS]):  # the first one is acme/demo
        Application.objects.filter(pk=row).update(id=example_id("app", number))
        if number == 0:
            Organization.objects.filter(pk=owner).update(id=example_id("org", 0))
    filler = Filler(started.data)
    filler.clock.set(now)
    block = Block(count=records, gap_us=HOURS * 3_600_000_000 // records)
    filler.place(block.at(now - DEFAULT_START - timedelta(hours=HOURS)))
    filler.store()
    made = {"email": many_rows.EMAIL, "password": many_rows.PASSWORD}
    made["webhook"] = Webhook.objects.order_by("pk")[0].id
    sys.stdout.write(json.dumps(made))
