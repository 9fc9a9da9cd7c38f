"""What do the console's tests look at? One tree with an API, a caller, a person of each role.

Made over REST, as an operator's program would; the pages are then looked at as people do.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from headgate.store.services.consumers.roles import Role
from tests.support.person import Person
from tests.support.tree import Tree, eventually, tree
from tests.support.upstream import upstream

PASSWORD = "correct horse 9"
OUTSIDER = "dev@other.example"  # a member of another organization, without a role
COLLEAGUE = "ada@acme.example"  # a member of acme and of its team
DOCUMENT = """\
openapi: 3.0.3
info: {title: Pets of the world, version: 1.0.0}
paths:
  /pets:
    get:
      operationId: listPets
      summary: All pets
      responses: {"200": {description: All pets}}
    post:
      operationId: addPet
      responses: {"201": {description: Added}}
  /pets/{id}:
    get:
      operationId: getPet
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: One pet}}
"""


@dataclass
class ConsoleWorld:
    """A running tree and what is in it: `ids` by the names that addresses have for them."""

    up: Tree
    api: httpx2.Client
    upstream: str
    key: str
    ids: dict[str, str]
    people: dict[str, Person] = field(default_factory=dict)

    def person(self, role: str) -> Person:
        """A signed-in person with this role."""
        return self.people[role]

    def post(self, path: str, **body: Any) -> Any:
        """Make something over REST."""
        answer = self.api.post(path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()


@contextmanager
def console_world(folder: Path) -> Iterator[ConsoleWorld]:
    """The world, until the block ends."""
    with ExitStack() as stack:
        echo = stack.enter_context(upstream())
        up = stack.enter_context(tree(folder / "data"))
        token = (up.data / "admin.token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        api = stack.enter_context(
            httpx2.Client(
                base_url=f"{up.web}/api/v1", headers=headers, trust_env=False, timeout=60.0
            )
        )
        world = ConsoleWorld(up, api, echo.url, "", {})
        _fill(world)
        for role in (*Role, "outsider"):
            email = OUTSIDER if role == "outsider" else f"{role}@example.com"
            person = stack.enter_context(Person(up.web))
            answer = person.sign_in(email, PASSWORD)
            assert answer.status_code == 200, answer.text
            world.people[str(role)] = person
        world.ids["feedback_id"] = _judged(world)
        world.ids |= {"team": "payments", "member": _placed(world)}
        yield world


def _fill(world: ConsoleWorld) -> None:
    world.post(
        "/apis",
        name="pets",
        document={"files": {"openapi.yaml": DOCUMENT}, "entry": "openapi.yaml"},
        upstream=world.upstream,
    )
    world.post("/apis/pets/publish", gateway="default")
    world.post("/products", name="basic", title="Basic", apis=["pets"])
    world.post("/products/basic/plans", name="free", rates=["100/second"], quotas=["10000/month"])
    world.post("/organizations", name="acme", title="Acme")
    world.post("/organizations", name="other")
    for name in ("acme", "other"):
        world.post("/applications", organization=name, name="demo")
    subscription = world.post("/subscriptions", application="acme/demo", plan="basic/free")
    world.post("/products/basic/plans", name="partner", needs_approval=True)
    asked = world.post("/subscription-requests", application="acme/demo", plan="basic/partner")
    mark = world.post(
        "/sensitive", api="pets", operation="getPet", owner="admin@example.com", why="Names"
    )
    wanted = world.post(
        "/access-requests",
        application="acme/demo",
        api="pets",
        operation="getPet",
        reason="For the fair",
    )
    key = world.post("/keys", application="acme/demo", name="first")
    world.key = key["key"]
    client = world.post("/applications/acme/demo/clients", name="robot")
    block = world.post("/blocks", kind="address", subject="203.0.113.7", seconds=9000, reason="x")
    token = world.post("/tokens", name="robot", scopes=["read"])
    named = {"issuer": "CN=Acme Issuing", "name": "CN=robot"}
    trusted = world.post("/applications/acme/demo/certificates", **named)
    world.api.put("/secrets/billing", json={"value": "not to be seen"}).raise_for_status()
    world.post("/issuer/rotate")  # so that there is a former key
    webhook = world.post("/webhooks", url="https://hooks.example.com/headgate")
    tried = world.post(f"/webhooks/{webhook['id']}/test")
    sent = world.api.get(f"/webhooks/{webhook['id']}/deliveries").json()["items"]
    for role in Role:
        made = world.post("/people", email=f"{role}@example.com", password=PASSWORD, role=str(role))
    world.post("/people", email=OUTSIDER, password=PASSWORD)
    world.api.put(f"/organizations/other/members/{OUTSIDER}", json={"role": "owner"})
    world.post("/people", email=COLLEAGUE, password=PASSWORD)
    world.post("/organizations/acme/teams", name="payments", title="Payments")
    for place, role in (("members", "developer"), ("teams/payments/members", "maintainer")):
        path = f"/organizations/acme/{place}/{COLLEAGUE}"
        world.api.put(path, json={"role": role}).raise_for_status()
    answers = []

    def is_answered() -> bool:
        answers.append(world.up.call("/pets/pets", world.key))
        return answers[-1].status_code == 200

    eventually(is_answered, 60.0)
    world.ids = {
        "api": "pets",
        "operation": "listPets",
        "product": "basic",
        "plan": "free",
        "organization": "acme",
        "name": "acme",
        "subscription": subscription["id"],
        "asked": asked["id"],
        "mark": mark["id"],
        "wanted": wanted["id"],
        "key": key["id"],
        "client": client["id"],
        "block": block["id"],
        "token": token["id"],
        "user": made["id"],
        "gateway": "default",
        "revision": "1",
        "node": world.api.get("/nodes").json()["items"][0]["name"],
        "entry": world.api.get("/audit").json()["items"][0]["id"],
        "request_id": _recorded(world),
        "release": "",
        "place": "api",
        "kind": "certificates",
        "credential": trusted["id"],
        "secret": "billing",
        "key_id": world.api.get("/issuer").json()["keys"][0]["key_id"],
        "webhook": webhook["id"],
        "delivery": sent[0]["id"],
        "event": tried["event"],
    }


def _judged(world: ConsoleWorld) -> str:
    """The id of what a reader said of a page."""
    world.person("outsider").send("/apis/pets", to="/feedback", about="/apis/pets", helpful="no")
    page = world.person(str(Role.ADMIN)).get("/console/feedback").text
    found = re.search(r"/console/feedback/(fdb_\w+)", page)
    assert found
    return found.group(1)


def _placed(world: ConsoleWorld) -> str:
    """The id of the colleague's place in the team."""
    page = world.person(str(Role.ADMIN)).get("/console/teams/acme/payments").text
    found = re.search(r"/members/(pla_\w+)", page)
    assert found
    return found.group(1)


def _recorded(world: ConsoleWorld) -> str:
    """The id of a request that is in the store."""
    found: list[str] = []

    def is_stored() -> bool:
        items = world.api.get("/traffic/requests").json()["items"]
        found.extend(item["request_id"] for item in items if item["status"] == 200)
        return bool(found)

    eventually(is_stored, 60.0)
    return found[0]
