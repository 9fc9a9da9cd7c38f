"""Is the reference of an API shown page by page: small, safe, and readable without scripts?"""

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.support import npm
from tests.support.browser import Browser, chromium
from tests.support.documents import SHARED, openapi, operation
from tests.support.looks import Faults
from tests.support.person import Person, words
from tests.support.tree import Tree, tree

pytestmark = pytest.mark.integration
ELEMENTS_MAX = 1_500
UPSTREAM = "http://127.0.0.1:9"
ATTACK = "<script>alert(1)</script><img src=x onerror=alert(1)>[x](javascript:alert(1))"
PETS = "/apis/petstore"
GITHUB = "/apis/github"
LARGEST = ("repos-update", "repos-create-in-org", "repos-get", "orgs-update", "issues-update")
HOSTILE = openapi(
    info={"title": ATTACK, "version": ATTACK, "description": ATTACK},
    tags=[{"name": ATTACK, "description": ATTACK}],
    paths={
        "/x": {
            "post": operation(
                operationId="post",
                summary=ATTACK,
                description=ATTACK,
                tags=[ATTACK],
                parameters=[
                    {
                        "name": ATTACK,
                        "in": "query",
                        "description": ATTACK,
                        "example": ATTACK,
                        "schema": {"type": "string", "default": ATTACK, "enum": [ATTACK]},
                    }
                ],
                requestBody={
                    "content": {
                        "application/json": {
                            "schema": {"$ref": "#/components/schemas/Hostile"},
                            "example": {ATTACK: ATTACK},
                        }
                    }
                },
            )
        }
    },
    components={
        "schemas": {
            "Hostile": {
                "type": "object",
                "title": ATTACK,
                "properties": {ATTACK: {"type": "object", "properties": {ATTACK: {}}}},
            }
        }
    },
)


class _Elements(HTMLParser):
    """Counts elements, and notes those that could run something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.count = 0
        self.wrong: list[str] = []
        self.parts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count += 1
        found = dict(attrs)
        if tag in {"iframe", "object", "style"} or (tag == "script" and "src" not in found):
            self.wrong.append(tag)
        if tag == "img" and not str(found.get("src")).startswith("/static/"):
            self.wrong.append(str(attrs))
        self.wrong += [name for name in found if name.startswith("on") or name == "style"]
        href = str(found.get("href") or "").strip().lower()
        self.wrong += [href] if href.startswith(("javascript:", "data:")) else []
        if "data-part" in found:
            self.parts.append(str(found["data-part"]))


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    folder = tmp_path_factory.mktemp("reference")
    github = npm.package("@octokit/openapi") / "generated" / "api.github.com.json"
    hostile = folder / "hostile.json"
    hostile.write_text(json.dumps(HOSTILE))
    documents: dict[str, Path] = {
        "petstore": SHARED / "petstore.swagger2.yaml",
        "github": github,
        "hostile": hostile,
    }
    with tree(folder / "data") as running:
        for name, path in documents.items():
            running.do("import", str(path), "--name", name, "--upstream", UPSTREAM)
            running.do("publish", name)
        running.do("import", str(documents["petstore"]), "--name", "draft", "--upstream", UPSTREAM)
        running.do("product", "create", "basic", "--api", "petstore")
        running.do("plan", "create", "basic/free", "--rate", "7/second")
        yield running


@pytest.fixture(scope="module")
def reader(up: Tree) -> Iterator[Person]:
    with Person(up.web) as person:
        yield person


def test_the_first_page_says_how_an_api_is_called(up: Tree, reader: Person) -> None:
    said = words(reader.get(PETS))
    assert f"{up.gateway}/petstore" in said
    assert "X-API-Key" in said
    assert "basic free: 7" in said
    assert "Find pet by ID" in said


def test_an_operation_has_a_page_with_its_parameters_answers_and_samples(
    up: Tree, reader: Person
) -> None:
    page = reader.get(f"{PETS}/operations/getPetById")
    said = words(page)
    assert f"{up.gateway}/petstore/pet/{{petId}}" in said
    assert "petId integer · int64" in said
    assert "curl --globoff" in said
    assert "requests.request" in words(reader.get(f"{PETS}/operations/getPetById?in=python"))
    assert "curl --globoff" in words(reader.get(f"{PETS}/operations/getPetById?in=cobol"))


def test_a_schema_opens_level_by_level_also_without_scripts(reader: Person) -> None:
    elements = _Elements(reader.get(f"{PETS}/operations/getPetById").text)
    assert elements.parts
    whole = reader.get(elements.parts[0])
    assert "<html" in whole.text
    assert "name" in words(whole)
    part = reader.client.get(elements.parts[0], headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert "HX-Request" in part.headers["vary"]


@pytest.mark.parametrize(
    "path",
    [
        "/apis/draft",
        "/apis/draft/operations/getPetById",
        "/apis/draft/files/openapi.json",
        "/apis/nothing",
        f"{PETS}/operations/nothing",
        f"{PETS}/schemas/getPetById?side=request&at=nowhere",
        f"{PETS}/schemas/getPetById?side=else&at=/info",
        f"{PETS}/files/secret.key",
    ],
)
def test_drafts_and_what_is_not_there_are_not_found(reader: Person, path: str) -> None:
    assert reader.get(path).status_code == 404


@pytest.mark.parametrize(
    "file", ["openapi.json", "openapi.yaml", "postman.json", "python-client.zip"]
)
def test_files_are_offered_to_readers(reader: Person, file: str) -> None:
    answer = reader.get(f"{PETS}/files/{file}")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    assert UPSTREAM.encode() not in answer.content


def test_a_search_finds_operations_and_says_when_there_are_none(reader: Person) -> None:
    assert "Finds Pets by status" in words(reader.get(f"{PETS}?q=pets+status"))
    assert "No operation fits" in words(reader.get(f"{PETS}?q=unicorn"))


def test_nothing_in_a_document_runs_on_a_page(reader: Person) -> None:
    pages = [
        "",
        "?q=script",
        "/operations/post",
        "/operations/post?in=python",
        "/operations/post?in=go",
    ]
    found = [_Elements(reader.get(f"/apis/hostile{path}").text) for path in pages]
    found += [_Elements(reader.get(part).text) for one in found for part in one.parts]
    assert [one.wrong for one in found] == [[]] * len(found)


def test_every_page_of_githubs_reference_is_small(reader: Person) -> None:
    first = reader.get(GITHUB)
    assert _Elements(first.text).count <= ELEMENTS_MAX
    assert _Elements(reader.get(f"{GITHUB}?tag=repos").text).count <= ELEMENTS_MAX
    for slug in LARGEST:
        page = reader.get(f"{GITHUB}/operations/{slug}")
        assert page.status_code == 200, slug
        assert _Elements(page.text).count <= ELEMENTS_MAX, slug


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def test_the_pages_are_without_fault(browser: Browser, up: Tree) -> None:
    faults = Faults()
    own = f"http://localhost:{up.web_port}"
    with browser.page() as page:
        for path in (
            PETS,
            f"{PETS}/operations/addPet",
            f"{PETS}?q=pet",
            GITHUB,
            f"{GITHUB}/operations/repos-get",
        ):
            faults.examine(page, own + path, own=own)
    assert "\n".join(faults.found) == ""


def test_a_script_opens_a_schema_in_place(browser: Browser, up: Tree) -> None:
    with browser.page() as page:
        page.goto(f"http://localhost:{up.web_port}{GITHUB}/operations/repos-get")
        found = page.run(
            "await page.locator('.answer[open] details.more summary').first().click();"
            " await page.locator('details.more > div .name').first().waitFor();"
            " return await page.locator('details.more > div .name').allTextContents()"
        )
        assert "login" in found
