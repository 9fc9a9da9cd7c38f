"""How many statements and elements does each page and list take? A process of its own.

`python -m tests.support.statements FEW MANY` prints, as JSON, for every page of the two sites and
every GET of the REST API how many `statements` it took with FEW and with MANY rows of everything,
and how many `elements` each page has with MANY.
The application is the one that the web process serves, asked without a network between.
"""

import asyncio
import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from headgate.core.logging import configure
from headgate.store import setup

URL = "http://localhost"
LIMIT_MAX = 500  # of a list of the REST API
PLACES_MAX = 40  # gateways: there are never more than 100
LOOP = "a loop that asks once per row"
TAG = re.compile("<[a-z]")
Ask = Callable[[str], httpx2.Response]


class Counter:
    """Counts the statements of every connection of this process."""

    def __init__(self) -> None:
        self.statements = 0

    def install(self) -> None:
        """From now on, on the connections that are open and those that will be."""
        from django.db import connections
        from django.db.backends.signals import connection_created

        connection_created.connect(self._opened, weak=False)
        for connection in connections.all(initialized_only=True):
            self._opened(connection=connection)

    def _opened(self, *, connection: Any, **_: Any) -> None:
        connection.execute_wrappers.append(self._execute)

    def _execute(
        self, execute: Any, sql: str, params: Any, many: bool, context: Any
    ) -> Any:  # Django's signature
        self.statements += 1
        return execute(sql, params, many, context)

    def of(self, act: Callable[[], object]) -> int:
        """How many an act takes."""
        before = self.statements
        act()
        return self.statements - before


class Site:
    """The application, with an administrator's session and token."""

    def __init__(self, token: str) -> None:
        from headgate.web.asgi import application

        self._loop = asyncio.new_event_loop()
        self._client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=application),
            base_url=URL,
            headers={"Accept-Language": "en"},
        )
        self._token = {"Authorization": f"Bearer {token}"}
        self.elements: dict[str, int] = {}  # of each page as it was asked for last

    def page(self, address: str) -> httpx2.Response:
        """As the browser asks."""
        answer = self._loop.run_until_complete(self._client.get(address))
        self.elements[address] = len(TAG.findall(answer.text))
        return answer

    def rest(self, address: str) -> httpx2.Response:
        """As a program asks."""
        asked = self._client.get(f"/api/v1{address}", headers=self._token)
        return self._loop.run_until_complete(asked)

    def sign_in(self, email: str, password: str) -> None:
        """Get a session by the form."""
        path = "/account/login/"
        form = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)', self.page(path).text)
        assert form
        data = {"csrfmiddlewaretoken": form[1], "login": email, "password": password}
        sent = self._client.post(path, data=data, headers={"Referer": URL})
        answer = self._loop.run_until_complete(sent)
        assert answer.status_code == 302, answer.text


def main(few: int, many: int) -> None:
    """Fill, ask, fill more, ask again."""
    configure("json")
    now = datetime.now(UTC)
    started = setup.start(now)
    from headgate.store.services.actor import Actor, Scope
    from headgate.store.services.oauth import signing_keys
    from tests.support import many_rows

    # Nothing becomes late between the two rounds: what could is late in both
    actor = Actor("test", frozenset(Scope), now - timedelta(hours=1))
    signing_keys.settle_url(actor, URL)
    many_rows.fill(actor)
    _multiply(range(1, few))
    counter = Counter()
    counter.install()
    site = Site(Path(started.admin_token_file).read_text().strip())
    site.sign_in(many_rows.EMAIL, many_rows.PASSWORD)
    asked = _addresses(site)
    before = {name: counter.of(act) for name, act in asked.items()}
    _multiply(range(few, many), places=range(few, PLACES_MAX))
    after = {name: counter.of(act) for name, act in asked.items()}
    for name, act in asked.items():
        if after[name] > before[name]:  # what is read once and kept for a while does not count
            act()
            after[name] = counter.of(act)
    statements = {name: [before[name], after[name]] for name in asked}
    print(json.dumps({"statements": statements, "elements": site.elements}))


def _multiply(numbers: range, places: range | None = None) -> None:
    from tests.support import many_rows

    many_rows.multiply(numbers, of_acme=numbers, apis=numbers, places=places or numbers)


def _addresses(site: Site) -> dict[str, Callable[[], object]]:
    """What is asked, by its name."""
    found: dict[str, Callable[[], object]] = {LOOP: _loop}
    for address in _pages(site):
        found[f"GET {address}"] = _asking(site.page, address)
    for name, address in _lists(site).items():
        found[f"{name} {address}"] = _asking(site.rest, address)
    return found


def _asking(ask: Ask, address: str) -> Callable[[], object]:
    def act() -> None:
        answer = ask(address)
        assert answer.status_code == 200, f"{address}: {answer.status_code} {answer.text[:500]}"

    return act


def _pages(site: Site) -> list[str]:
    """One address of each kind of page, and each list also as JSON."""
    from tests.support.links import walk

    lists: list[str] = []

    def get(address: str) -> str | None:
        answer = site.page(address)
        if answer.status_code != 200:
            return None
        if "format=json" in answer.text:
            lists.append(address + ("&" if "?" in address else "?") + "format=json")
        return answer.text

    return [*walk(get).values(), *lists]


def _lists(site: Site) -> dict[str, str]:
    """The operations of the REST API that read, with the first thing of each list."""
    document = site.rest("/openapi.json").json()
    found = {}
    for template, item in document["paths"].items():
        operation = item.get("get")
        if operation is None:
            continue
        path = _filled_in(site, template.removeprefix("/api/v1"))
        names = {one.get("name") for one in operation.get("parameters", ())}
        address = f"{path}?limit={LIMIT_MAX}" if "limit" in names else path
        if site.rest(address).status_code == 200:
            found[operation["operationId"]] = address
    return found


def _filled_in(site: Site, path: str) -> str:
    """A path with the first thing of its list in the place of its parameters."""
    if "{" not in path:
        return path
    items = site.rest("/" + path.split("/")[1]).json().get("items") or [{}]
    return re.sub(r"{(\w+)}", lambda one: _value(one[1], items[0]), path)


def _value(parameter: str, item: dict[str, Any]) -> str:
    return str(item.get(parameter) or item.get("name") or item.get("id") or item.get("email"))


def _loop() -> None:
    """What this measurement exists to find."""
    from headgate.store.models import Application

    for row in Application.objects.all():
        row.organization.name  # noqa: B018  # the statement that is counted


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
