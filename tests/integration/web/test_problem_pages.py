"""Does the `type` of a problem lead to its explanation, for whoever met it?"""

from pathlib import Path

import httpx2
import pytest

from headgate.core.problems import ProblemType
from headgate.model.codec import from_json
from headgate.model.record import Verdict
from headgate.model.snapshot import SnapshotDelta
from tests.support.web_process import WebProcess, running_web
from tests.support.web_world import api_body

PUBLIC = {"HEADGATE_PUBLIC_URL": "https://apis.example.com"}
NAMES = {str(kind) for kind in ProblemType} | {one.replace("_", "-") for one in Verdict}


def stranger(web: WebProcess) -> httpx2.Client:
    return web.client("", path="")


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_problem_has_a_page_that_strangers_may_read(web: WebProcess, name: str) -> None:
    with stranger(web) as caller:
        page = caller.get(f"/problems/{name}")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert f"<code>{name}</code>" in page.text
    assert "<p>" in page.text


def test_the_list_leads_to_every_page_and_a_name_that_is_none_to_no_page(web: WebProcess) -> None:
    with stranger(web) as caller:
        listed = caller.get("/problems/").text
        missing = caller.get("/problems/no-such-problem")
        style = caller.get("/problems/style.css")
    assert all(f'href="/problems/{name}"' in listed for name in NAMES)
    assert (missing.status_code, missing.json()["status"]) == (404, 404)
    assert style.headers["content-type"] == "text/css; charset=utf-8"


def test_with_a_public_url_types_lead_to_the_pages_here_and_at_the_gateways(
    tmp_path: Path,
) -> None:
    with running_web(tmp_path / "data") as web, web.client() as api:
        assert api.get("/apis/none").json()["type"] == "urn:headgate:problem:not-found"
        assert api.post("/apis", json=api_body("shop")).status_code == 201
        assert api.post("/apis/shop/publish", json={}).is_success
        assert snapshot(web).problem_types == "urn:headgate:problem:"
    with running_web(tmp_path / "data", environment=PUBLIC) as web, web.client() as api:
        known = "https://apis.example.com/problems/"
        assert api.get("/apis/none").json()["type"] == known + "not-found"
        schema = api.get("/openapi.json").json()["components"]["schemas"]["Problem"]
        assert known + "not-found" in schema["properties"]["type"]["enum"]
        assert snapshot(web).problem_types == known


def snapshot(web: WebProcess) -> SnapshotDelta:
    with web.client(web.node_token, path="/node/v1") as node:
        return from_json(SnapshotDelta, node.get("/snapshot", params={"after": "0"}).content)
