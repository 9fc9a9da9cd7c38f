"""What do tests of the portal start from? A running tree with APIs, and people who signed up."""

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.mail_sink import MailSink, mail_sink
from tests.support.person import Person
from tests.support.tree import Tree, eventually, tree
from tests.support.upstream import Upstream, upstream

CODE = re.compile(r"^\s*([A-Z0-9-]{6,12})\s*$", re.MULTILINE)
PASSWORD = "correct horse 9"
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {
        "title": "Orders of the shop",
        "version": "1",
        "description": "Place orders and follow them.\n\n# More\nFrom the **cart** to the parcel.",
    },
    "tags": [{"name": "parcels", "description": "Where a parcel is"}],
    "paths": {
        "/orders": {
            "get": {
                "operationId": "listOrders",
                "summary": "All orders of a customer",
                "responses": {"200": {"description": "ok"}},
            }
        },
        "/orders/{id}": {
            "parameters": [
                {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
            ],
            "get": {"operationId": "getOrder", "responses": {"200": {"description": "ok"}}},
        },
    },
}
HIDDEN: dict[str, Any] = DOCUMENT | {"info": {"title": "Secret plans", "version": "1"}}


@dataclass
class PortalWorld:
    """A tree with one published API, one that is not, a product with two plans."""

    up: Tree
    sink: MailSink
    echo: Upstream
    folder: Path

    def sign_up(self, address: str) -> Person:
        """A person with a proved address, signed in."""
        person = Person(self.up.web)
        person.send("/account/signup/", email=address, password1=PASSWORD)
        person.send("/account/confirm-email/", code=code_of(self.sink, address))
        return person

    def operator(self, address: str, role: str) -> Person:
        """Somebody with a role in the console, signed in."""
        given = ["person", "create", address, "--role", role]
        self.up.do(*given, stdin=PASSWORD)
        person = Person(self.up.web)
        person.sign_in(address, PASSWORD)
        return person

    def owner(self, address: str, organization: str, application: str = "") -> Person:
        """A person who has founded an organization, and perhaps made an application."""
        person = self.sign_up(address)
        person.send("/organization/new", title=organization.title(), name=organization)
        if application:
            person.send("/applications/new", name=application)
        return person

    def import_api(self, name: str, document: dict[str, Any], *, is_published: bool = True) -> None:
        """An API that answers."""
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(document))
        self.up.do("import", str(path), "--name", name, "--upstream", self.echo.url)
        if is_published:
            self.up.do("publish", name)


def code_of(sink: MailSink, address: str, *, after: int = 0) -> str:
    """The code of a mail to the address, beyond the first `after` mails that have one."""
    found: list[str] = []

    def has_come() -> bool:
        mails = [mail for mail in list(sink.mails) if mail["To"] == address]
        found[:] = [code for mail in mails for code in CODE.findall(mail.get_content())]
        return len(found) > after

    eventually(has_come, 60.0)
    return found[after]


@contextlib.contextmanager
def portal_world(folder: Path) -> Iterator[PortalWorld]:
    """A running tree, until the block ends."""
    with mail_sink() as sink, upstream() as echo:
        more = {"HEADGATE_SMTP_URL": sink.url, "HEADGATE_MAIL_FROM": "headgate@example.com"}
        with tree(folder / "data", more=more) as up:
            world = PortalWorld(up, sink, echo, folder)
            world.import_api("orders", DOCUMENT)
            world.import_api("veiled", HIDDEN, is_published=False)
            up.do("product", "create", "shop", "--api", "orders", "--api", "veiled")
            up.do("plan", "create", "shop/pro", "--rate", "100/second+200", "--concurrent", "20")
            up.do("plan", "create", "shop/free", "--rate", "5/second", "--quota", "1000/month")
            up.do("plan", "create", "shop/partner", "--rate", "500/second", "--needs-approval")
            up.do("product", "create", "dark", "--api", "veiled")
            yield world
