"""Is the API's own description true, complete and readable without any other host?"""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.support.web_process import WebProcess

TAGS_WITHOUT_END = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Elements and addresses of a page; complains about tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.elements: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        if tag not in TAGS_WITHOUT_END:
            self.open.append(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            assert name != "style"
            if name in {"href", "src", "action"}:
                self.addresses.append(value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def document(web: WebProcess) -> dict[str, Any]:
    with web.client("") as stranger:
        found: dict[str, Any] = stranger.get("/openapi.json").json()
    return found


@pytest.fixture(scope="module")
def page(web: WebProcess) -> Page:
    with web.client("") as stranger:
        answer = stranger.get("/docs")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src")
    assert "script" not in answer.headers["content-security-policy"]
    return Page(answer.text)


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [op for item in document["paths"].values() for op in item.values()]


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(
    document: dict[str, Any],
) -> None:
    ids = [operation["operationId"] for operation in operations(document)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+[A-Za-z]+", name) for name in ids)
    assert all(operation["description"] for operation in operations(document))


def test_every_operation_names_its_problems_and_its_token(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["security"] == [{"token": []}]
    for operation in operations(document):
        if operation["operationId"] == "getHealth":
            assert operation["security"] == []
            continue
        assert {"401", "403", "422"} <= operation["responses"].keys()
        if "requestBody" in operation:
            assert {"400", "413", "415"} <= operation["responses"].keys()


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [ref for item in value.values() for ref in references(item)]
        return (
            [ref for item in value for ref in references(item)] if isinstance(value, list) else []
        )

    for reference in set(references(document)):
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def test_the_page_shows_every_operation_and_loads_nothing_from_elsewhere(
    web: WebProcess, page: Page, document: dict[str, Any]
) -> None:
    assert {operation["operationId"] for operation in operations(document)} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert not {"script", "img", "iframe", "form"} & set(page.elements)
    for address in page.addresses:
        assert "://" not in address
        assert not address.startswith("//")
        if address.startswith("#"):
            assert address[1:] in page.ids
    with web.client("") as stranger:
        for address in {a for a in page.addresses if not a.startswith("#")}:
            assert stranger.get(f"/{address}").status_code == 200


def test_the_style_reads_in_light_and_dark(web: WebProcess) -> None:
    with web.client("") as stranger:
        style = stranger.get("/docs.css")
    assert style.headers["content-type"].startswith("text/css")
    assert "prefers-color-scheme: dark" in style.text
    assert "url(" not in style.text
    assert "@import" not in style.text
