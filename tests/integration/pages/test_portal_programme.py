"""Do readers learn what changed and how an API fares, and can they judge a page?"""

import copy
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from tests.support.person import Person, words
from tests.support.portal_world import DOCUMENT, PortalWorld, portal_world
from tests.support.tree import eventually

pytestmark = pytest.mark.integration
PLACE = "/apis/orders"
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalWorld]:
    with portal_world(tmp_path_factory.mktemp("programme")) as running:
        changed = copy.deepcopy(DOCUMENT)
        del changed["paths"]["/orders/{id}"]
        running.up.do("api", "update", "orders", "--open")
        path = running.folder / "changed.json"
        path.write_text(json.dumps(changed))
        running.up.do("import", str(path), "--name", "orders", "--update")
        running.up.do("publish", "orders", "--note", "Fetch them **all**. <script>x</script>")
        yield running


@pytest.fixture
def reader(world: PortalWorld) -> Iterator[Person]:
    with Person(world.up.web) as person:
        yield person


def test_a_stranger_reads_what_was_published_and_what_breaks(reader: Person) -> None:
    page = reader.get(f"{PLACE}/changelog")
    said = words(page)
    assert "removed GET /orders/{id} breaking" in said
    assert "<strong>all</strong>" in page.text
    assert "<script>x" not in page.text
    assert said.count("v1") == 2
    listed = reader.get(f"{PLACE}/changelog?format=json").json()["changelog"]
    assert [one["kind"] for one in listed] == ["changed", "published"]
    assert listed[0]["is_breaking"]
    assert reader.get("/apis/veiled/changelog").status_code == 404
    assert reader.get("/apis/veiled/changelog.atom").status_code == 404


def test_the_same_is_a_feed(reader: Person) -> None:
    page = reader.get(f"{PLACE}/changelog")
    address = re.search(r'type="application/atom\+xml"[^>]*href="([^"]+)"', page.text)
    assert address
    answer = reader.get(address.group(1))
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = ET.fromstring(answer.content)  # our own answer
    entries = feed.findall(f"{ATOM}entry")
    assert [one.findtext(f"{ATOM}title") for one in entries] == [
        "v1: changed (breaking)",
        "v1: published for the first time",
    ]
    assert "GET /orders/{id}: removed" in str(entries[0].findtext(f"{ATOM}summary"))
    assert len({one.findtext(f"{ATOM}id") for one in entries}) == 2


def test_the_changelog_is_read_by_a_program_and_a_command(world: PortalWorld) -> None:
    told = world.up.do("api", "changelog", "orders").out
    assert "changed (breaking)" in told
    assert "GET /orders/{id}: removed" in told


def test_the_status_counts_what_was_called_and_the_badge_says_it(
    world: PortalWorld, reader: Person
) -> None:
    assert "no calls" in reader.get(f"{PLACE}/badge.svg").text
    for _ in range(25):
        assert world.up.call("/orders/orders").status_code == 200

    def is_counted() -> bool:
        found = reader.get(f"{PLACE}/status?format=json").json()
        return bool(found["day"]["calls"] == found["days"][-1]["calls"] == 25)

    eventually(is_counted, 150.0, every_seconds=2.0)  # kept for a minute
    page = words(reader.get(f"{PLACE}/status"))
    assert "works" in page
    assert "100.00 %" in page
    badge = reader.get(f"{PLACE}/badge.svg")
    assert "100.00 %" in badge.text
    assert badge.headers["content-type"] == "image/svg+xml"
    assert badge.headers["cache-control"] == "public, max-age=60"
    assert "sandbox" in badge.headers["content-security-policy"]
    ET.fromstring(badge.content)  # our own answer
    assert "100.00 %" in words(reader.get("/"))
    assert reader.get("/apis/veiled/badge.svg").status_code == 404
    assert reader.get("/apis/veiled/status").status_code == 404


def test_a_page_is_judged_and_the_console_works_through_it(
    world: PortalWorld, reader: Person
) -> None:
    page = f"{PLACE}/operations/listOrders"
    answer = reader.send(page, to="/feedback", about=page, helpful="no", text="=HYPERLINK()")
    assert "Thank you." in words(answer)
    reader.send("/products/shop", to="/feedback", about="/products/shop", helpful="yes")
    with world.operator("pub@example.com", "publisher") as publisher:
        listed = words(publisher.get("/console/feedback?helpful=no"))
        assert "Orders of the shop: All orders of a customer not helpful" in listed
        assert "Shop" not in listed
        assert "'=HYPERLINK()" in publisher.get("/console/feedback?format=csv").text
        found = re.search(r"/console/feedback/(fdb_\w+)", listed_page(publisher))
        assert found
        one = f"/console/feedback/{found.group(1)}"
        assert "It is saved." in words(publisher.send(f"{one}/settle"))
        assert "done" in words(publisher.get(one))
        assert publisher.get("/console/feedback?state=done&format=json").json()["feedback"]
    with world.operator("aud@example.com", "auditor") as auditor:
        assert auditor.get(one).status_code == 200
        assert auditor.get(f"{one}/settle").status_code == 403


def listed_page(person: Person) -> str:
    return person.get("/console/feedback?helpful=no").text


@pytest.mark.parametrize(
    ("page", "status"),
    [
        ("/console", 422),
        ("https://evil.example/", 422),
        ("//evil.example/apis/orders", 422),
        ("/apis/veiled", 404),
        ("/nothing", 422),
        ("/apis/orders", 200),
    ],
)
def test_only_pages_of_ours_that_are_there_are_judged(
    reader: Person, page: str, status: int
) -> None:
    answer = reader.send(PLACE, to="/feedback", about=page, helpful="yes")
    assert answer.status_code == status


def test_feedback_without_the_token_of_its_form_is_not_taken(reader: Person) -> None:
    answer = reader.client.post("/feedback", data={"about": PLACE, "helpful": "yes"})
    assert answer.status_code == 403


def test_notices_are_there_for_members_and_say_what_to_do(world: PortalWorld) -> None:
    with world.owner("dev@example.com", "initech", "robot") as person:
        page = words(person.get("/notices"))
        assert "None that you call." in page
        soon = datetime.now(UTC).date() + timedelta(days=9)
        for name, end in (("late", "2099-01-01"), ("soon", soon.isoformat())):
            person.send("/applications/initech/robot/keys/new", name=name, expires=end)
        page = words(person.get("/notices"))
        assert "soon robot ends soon" in page
        assert "late" not in page
    with Person(world.up.web) as stranger:
        assert stranger.get("/notices").status_code == 401
