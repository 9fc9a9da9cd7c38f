"""Do the numbers of what was uploaded come back, each request once?"""

import base64
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from tests.support.lines import lines
from tests.support.web_process import ROOT, WebProcess

LINES = 500
SEEN_SECONDS_MAX = 90.0
JOBS = "import sys; from pathlib import Path; from headgate.jobs.main import run; "


@pytest.fixture(scope="module")
def stored(web: WebProcess) -> Iterator[None]:
    """A segment that a node handed over, in the traffic store."""
    start = datetime.now(UTC) - timedelta(minutes=10)
    body = lines(LINES, start=start)
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    with web.client(web.node_token, path="/node/v1") as node:
        path = "/segments/local-000000aa-00000001"
        headers = {"Content-Digest": f"sha-256=:{digest}:"}
        assert node.put(path, content=body, headers=headers).status_code == 201
    jobs = subprocess.Popen(
        [sys.executable, "-c", JOBS + "sys.exit(run(data=Path(sys.argv[1])))", str(web.data)],
        cwd=ROOT,
        env=os.environ | {"HEADGATE_DATA": str(web.data), "HEADGATE_DATABASE_URL": web.database},
        stderr=subprocess.DEVNULL,
    )
    try:
        with web.client() as api:
            deadline = time.monotonic() + SEEN_SECONDS_MAX
            while not api.get("/traffic/requests").json()["items"]:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield
    finally:
        jobs.terminate()
        jobs.wait(90)


@pytest.mark.usefixtures("stored")
def test_every_request_is_listed_once_newest_first(api: httpx2.Client) -> None:
    seen: list[dict[str, str]] = []
    cursor = ""
    while True:
        page = api.get("/traffic/requests", params={"limit": 120, "cursor": cursor}).json()
        seen += page["items"]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert len(seen) == len({item["request_id"] for item in seen}) == LINES
    times = [item["started_at"] for item in seen]
    assert times == sorted(times, reverse=True)


@pytest.mark.usefixtures("stored")
def test_requests_are_found_by_what_they_were(api: httpx2.Client) -> None:
    limited = api.get("/traffic/requests", params={"verdict": "rate_limited", "limit": 500}).json()
    assert {item["status"] for item in limited["items"]} == {429}
    one = limited["items"][0]
    found = api.get("/traffic/requests", params={"request_id": one["request_id"]}).json()
    assert found["items"] == [one]
    assert api.get("/traffic/requests", params={"since": "5m"}).json()["items"] == []
    assert api.get("/traffic/requests", params={"api": "nothing"}).json()["items"] == []


@pytest.mark.usefixtures("stored")
def test_who_follows_gets_only_what_is_new(api: httpx2.Client) -> None:
    page = api.get("/traffic/requests", params={"limit": 1}).json()
    again = api.get("/traffic/requests", params={"after": page["after"]}).json()
    assert (again["items"], again["after"]) == ([], page["after"])


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("by", ["api", "operation", "application", "status", "verdict", "plan"])
def test_the_groups_add_up_to_the_whole(api: httpx2.Client, by: str) -> None:
    answer = api.get("/traffic/stats", params={"by": by, "since": "1h"}).json()
    assert sum(group["requests"] for group in answer["items"]) == LINES
    for group in answer["items"]:
        assert group["allowed"] + group["rejected"] == group["requests"]


@pytest.mark.usefixtures("stored")
def test_the_same_segment_again_is_known_after_it_has_left_the_inbox(web: WebProcess) -> None:
    name = "local-000000aa-00000001"
    assert not (web.data / "inbox" / f"{name}.jsonl").exists()
    with web.client(web.node_token, path="/node/v1") as node:
        digest = base64.b64encode(b"0" * 32).decode()
        headers = {"Content-Digest": f"sha-256=:{digest}:"}
        assert node.put(f"/segments/{name}", content=b"{}", headers=headers).status_code == 200


@pytest.mark.usefixtures("stored")
def test_the_state_tells_how_much_there_is(api: httpx2.Client) -> None:
    status = api.get("/status").json()
    assert status["records"] >= LINES
    assert status["segments_waiting"] == 0
    comparison = api.get("/reconcile").json()["items"]
    assert sum(item["stored"] for item in comparison if item["kind"] == "operation") > 0
