"""Does sensitive data go its way on the two sites: marked, asked for, granted, revoked, told?"""

import re
from collections.abc import Iterator

import pytest

from tests.support.person import Person, words
from tests.support.portal_world import PortalWorld, portal_world
from tests.support.tree import eventually

pytestmark = pytest.mark.integration
PLACE = "/applications/acme/demo"
OPERATION = "/apis/orders/operations/listOrders"
ASKING = "/apis/orders/access?operation=listOrders"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalWorld]:
    with portal_world(tmp_path_factory.mktemp("access")) as running:
        yield running


@pytest.fixture(scope="module")
def publisher(world: PortalWorld) -> Iterator[Person]:
    with world.operator("pub@example.com", "publisher") as person:
        yield person


@pytest.fixture(scope="module")
def ann(world: PortalWorld) -> Iterator[Person]:
    """The owner of the data, who may read everything and change nothing else."""
    with world.operator("ann@example.com", "auditor") as person:
        yield person


@pytest.fixture(scope="module")
def developer(world: PortalWorld) -> Iterator[Person]:
    with world.owner("dev@example.com", "acme", "demo") as person:
        yield person


@pytest.fixture(scope="module")
def marked(world: PortalWorld, publisher: Person, ann: Person) -> None:
    page = publisher.get("/console/apis/orders/operations/listOrders").text
    where = re.search(r'href="(/console/new/sensitive\?[^"]+)"', page)
    assert where
    made = publisher.send(
        where.group(1).replace("&amp;", "&"),
        api="orders",
        operation="listOrders",
        owner="ann@example.com",
        why="Names <b>of</b> customers",
        days_max="30",
    )
    assert "Callers need a grant from now on" in words(made)
    assert (
        "Mark as sensitive" not in publisher.get("/console/apis/orders/operations/listOrders").text
    )


def ask(world: PortalWorld, developer: Person, *, after: int = 0) -> str:
    """The address of the request in the console, as the owner's next mail has it."""
    application = re.search(r"app_[0-9a-z]{12}", developer.get(PLACE).text)
    assert application
    fields = {"application": application.group(0), "reason": "Invoices", "days": "7"}
    assert "It is asked for" in words(developer.send(ASKING, **fields))
    mail = world.sink.wait_for("ann@example.com", after=after).get_content()
    assert "Invoices" in mail
    link = re.findall(r"(/console/access/dar_\w+)", mail)
    assert link
    return str(link[-1])


def test_the_reference_says_what_is_on_request_and_nothing_of_the_rest(
    world: PortalWorld, marked: None
) -> None:
    with Person(world.up.web) as stranger:
        page = stranger.get(OPERATION).text
        assert "on request" in page
        assert "Names &lt;b&gt;of&lt;/b&gt; customers" in page
        assert "ann@example.com" not in page
        assert "on request" not in stranger.get("/apis/orders/operations/getOrder").text
        assert stranger.get("/apis/orders").text.count("on request") == 1
        assert stranger.get(ASKING).status_code == 401


def test_a_request_is_granted_by_its_owner_revoked_and_told_of(
    world: PortalWorld, ann: Person, developer: Person, marked: None
) -> None:
    own = re.search(r"app_[0-9a-z]{12}", developer.get(PLACE).text)
    assert own
    too_long = developer.send(ASKING, application=own.group(0), reason="x", days="31")
    assert too_long.status_code == 422
    assert developer.send(ASKING, application="app_0", reason="x", days="3").status_code == 404
    place = ask(world, developer)
    assert "waits for an answer" in words(developer.get(PLACE))
    assert "waits for an answer" in words(developer.get(OPERATION))
    assert "acme/demo" in words(ann.get("/console/access?state=asked"))
    assert "Requests for sensitive data that wait" in words(ann.get("/console"))
    assert "at most 30 days" in words(ann.send(f"{place}/grant", days="31", word=""))
    page = words(ann.send(f"{place}/grant", days="5", word="For June"))
    assert "It is granted, at once" in page
    assert "For June" in world.sink.wait_for("dev@example.com", after=1).get_content()
    page = words(developer.get(PLACE))
    assert "granted" in page
    assert "For June" in page
    listed = ann.get("/console/access?format=csv").text
    assert "acme/demo" in listed
    page = words(ann.send(f"{place}/revoke", word="The fair is over"))
    assert "refused from now on" in page
    assert "The fair is over" in words(developer.get(PLACE))


def test_a_wish_can_be_withdrawn_and_a_refusal_says_why(
    world: PortalWorld, ann: Person, developer: Person, marked: None
) -> None:
    ask(world, developer, after=1)
    action = re.search(r'action="([^"]+/access/dar_\w+/withdraw)"', developer.get(PLACE).text)
    assert action
    developer.send(PLACE, to=action.group(1))
    assert "withdrawn" in words(developer.get(PLACE))
    place = ask(world, developer, after=2)
    eventually(lambda: "waits" in words(ann.get(place)), 60)
    assert ann.send(f"{place}/refuse", word="").status_code == 422
    ann.send(f"{place}/refuse", word="Use the statistics")
    assert "Use the statistics" in words(developer.get(PLACE))


def test_who_neither_owns_the_data_nor_keeps_the_keys_decides_nothing(
    world: PortalWorld, ann: Person, publisher: Person, developer: Person, marked: None
) -> None:
    listed = ann.get("/console/access").text
    found = re.search(r"/console/access/dar_\w+", listed)
    assert found
    assert "Grant</a>" not in publisher.get(found.group(0)).text
    assert publisher.get(f"{found.group(0)}/grant").status_code == 403
    assert developer.get(found.group(0)).status_code == 404


def test_who_asks_does_not_grant_it_where_another_could(
    world: PortalWorld, ann: Person, developer: Person, marked: None
) -> None:
    world.up.do("member", "add", "acme", "ann@example.com", "--role", "developer")
    application = re.search(r"app_[0-9a-z]{12}", developer.get(PLACE).text)
    assert application
    ann.send(ASKING, application=application.group(0), reason="For me", days="7")
    found = re.search(r"/console/access/dar_\w+", ann.get("/console/access?state=asked").text)
    assert found
    place = found.group(0)
    assert "nobody else has the right" in words(ann.get(place))
    assert "Grant</a>" in ann.get(place).text
    with world.operator("keys@example.com", "operator") as operator:
        page = ann.get(place)
        assert "Can be granted by keys@example.com" in words(page)
        assert "Grant</a>" not in page.text
        assert "Refuse</a>" in page.text
        assert "somebody else grants it" in words(ann.send(f"{place}/grant", days="7", word=""))
        assert "It is granted, at once" in words(operator.send(f"{place}/grant", days="7", word=""))
