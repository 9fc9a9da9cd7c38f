"""Does the portal wear what its operators choose, and can nobody do harm with it?"""

from collections.abc import Iterator

import pytest

from tests.support.browser import Browser, chromium
from tests.support.looks import Faults
from tests.support.person import Person, words
from tests.support.tree import Tree, tree

pytestmark = pytest.mark.integration
PASSWORD = "correct horse 9"
EVIL_SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40" onload="alert(1)">'
    b"<script>document.title='taken'</script><rect width='40' height='40'/></svg>"
)
EVIL_TEXT = (
    "# Hello\n\n<script>document.title='taken'</script><img src=x onerror=alert(1)>"
    "[here](javascript:alert(1)) <a href='data:text/html,x'>there</a>\n\n**bold**"
)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    with tree(tmp_path_factory.mktemp("look") / "data") as running:
        for name, role in (("ada", "admin"), ("pub", "publisher"), ("aud", "auditor")):
            running.cli("person", "create", f"{name}@example.com", "--role", role, stdin=PASSWORD)
        yield running


def signed_in(up: Tree, name: str) -> Person:
    person = Person(up.web)
    person.sign_in(f"{name}@example.com", PASSWORD)
    return person


def test_a_publisher_dresses_the_portal(up: Tree) -> None:
    with signed_in(up, "pub") as person:
        page = person.send("/console/look", name="Acme APIs", welcome="*Welcome*", accent="#b00020")
        assert "looks like this now" in words(page)
    with Person(up.web) as stranger:
        home = stranger.get("/")
        assert "Acme APIs" in words(home)
        query = home.text.split("/site/brand.css?")[1].split('"')[0]
        sheet = stranger.get(f"/site/brand.css?{query}")
        assert "--fill: #b00020" in sheet.text


def test_an_auditor_may_not_and_a_stranger_is_asked_who_they_are(up: Tree) -> None:
    with signed_in(up, "aud") as person:
        assert person.get("/console/look").status_code == 403
    with Person(up.web) as stranger:
        assert stranger.get("/console/look").status_code == 401
        assert stranger.get("/console/look/pages/new").status_code == 401


def test_a_page_is_written_previewed_stored_read_and_deleted(up: Tree) -> None:
    with signed_in(up, "ada") as person:
        fields = {
            "name": "start",
            "title": "Getting started",
            "text": "Some **words**",
            "position": "1",
        }
        seen = person.send("/console/look/pages/new", preview="yes", **fields)
        assert "<strong>words</strong>" in seen.text
        assert person.get("/pages/start").status_code == 404  # a preview stores nothing
        person.send("/console/look/pages/new", **fields)
        assert "Getting started" in words(person.get("/"))
        assert "<strong>words</strong>" in person.get("/pages/start").text
        person.send("/console/look/pages/start/delete")
        assert person.get("/pages/start").status_code == 404


def test_a_wrong_value_is_said_beside_the_form_and_what_was_typed_is_kept(up: Tree) -> None:
    with signed_in(up, "ada") as person:
        page = person.send(
            "/console/look/pages/new", name="Not a name", title="T", text="typed", position="1"
        )
        assert page.status_code == 422
        assert 'role="alert"' in page.text
        assert "typed" in page.text


def test_neither_a_text_nor_a_logo_does_harm(up: Tree) -> None:
    with signed_in(up, "ada") as person, chromium() as browser:
        form = person.get("/console/look").text
        token = form.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        person.client.post(
            "/console/look",
            data={"csrfmiddlewaretoken": token, "name": "Acme APIs", "accent": "#ffee00"},
            files={"logo": ("logo.svg", EVIL_SVG, "image/svg+xml")},
            headers={"Referer": up.web},
        )
        person.send(
            "/console/look/pages/new", name="evil", title="Evil", text=EVIL_TEXT, position="1"
        )
        text = person.get("/pages/evil").text.split('class="prose"')[1]
        assert "<script" not in text
        assert 'href="javascript' not in text
        assert "onerror" not in text
        _look(up, browser)


def _look(up: Tree, browser: Browser) -> None:
    faults = Faults()
    with browser.page() as page:
        faults.examine(page, f"{up.web}/pages/evil", own=up.web)
        assert page.run("return await page.title()") == "Evil – Acme APIs"
        page.goto(f"{up.web}/site/logo")  # opened as a page of its own it may do nothing
        assert page.run("return await page.title()") != "taken"
    assert "\n".join(faults.found) == ""
