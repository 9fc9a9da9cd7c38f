"""Does the web process start where it says, end in good order, and keep secrets out of its log?"""

import json
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from headgate.web.main import listen
from tests.support.web_process import PROGRAM, ROOT, running_web
from tests.support.web_world import make_token, make_world

WAIT_SECONDS = 25  # of a node for news
RESIDENT_MIB_MAX = 150.0  # the whole tree has 500 MiB, which `make bench` measures


def test_it_says_where_it_listens_and_takes_that_back(tmp_path: Path) -> None:
    with running_web(tmp_path / "data") as web:
        run_file = web.data / "run" / "web.json"
        said = json.loads(run_file.read_text())
        assert said == {"url": web.url, "pid": web.process.pid}
        assert web.stop() == 0
        assert not run_file.exists()


def test_it_ends_soon_although_a_node_is_waiting(tmp_path: Path) -> None:
    with running_web(tmp_path / "data") as web:
        with (
            ThreadPoolExecutor(1) as pool,
            web.client(web.node_token, path="/node/v1") as node,
        ):
            delta = node.get("/access").json()
            place = {"generation": delta["generation"], "after": delta["upto"]}
            params = place | {"wait": WAIT_SECONDS}
            waiting = pool.submit(node.get, "/access", params=params)
            time.sleep(0.5)
            started = time.monotonic()
            status = web.stop(signal.SIGTERM)
            took = time.monotonic() - started
            assert waiting.result(60).status_code == 204
        assert (status, took < WAIT_SECONDS - 5) == (0, True)


def test_a_killed_process_leaves_a_folder_that_the_next_one_takes_over(tmp_path: Path) -> None:
    with running_web(tmp_path / "data") as web:
        with web.client() as api:
            assert api.post("/organizations", json={"name": "survivor"}).status_code == 201
        web.stop(signal.SIGKILL)
    with running_web(tmp_path / "data") as web, web.client() as api:
        assert api.get("/organizations/survivor").status_code == 200


def test_a_port_in_use_is_said_before_anything_changes(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / "data"), port]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2
    assert f"port {port}" in ended.stderr
    assert "--web-port" in ended.stderr
    assert not (tmp_path / "data").exists()


def test_it_stays_small(tmp_path: Path) -> None:
    with running_web(tmp_path / "data") as web:
        with web.client() as api:
            for _ in range(40):
                assert api.get("/organizations").status_code == 200
        assert web.resident_mib() < RESIDENT_MIB_MAX


def test_no_answer_waits_for_a_delayed_acknowledgement() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP  # or asyncio leaves TCP_NODELAY off


def test_no_secret_reaches_the_log(tmp_path: Path) -> None:
    with running_web(tmp_path / "data") as web:
        with web.client() as api:
            world = make_world(api, "logged")
            rotated = api.post(f"/keys/{world.key}/rotate", json={}).json()["key"]
            token = make_token(api)
            api.get("/organizations", params={"limit": "secret-in-the-query"})
            api.get(f"/keys/{world.key_text}")
            api.post("/organizations", content=rotated, headers={"Content-Type": "text/plain"})
        with web.client("hgt_" + "1" * 38) as liar:
            liar.get("/organizations")
        secrets = [
            web.admin_token,
            web.node_token,
            world.key_text,
            rotated,
            token,
            "hgt_" + "1" * 38,
        ]
        web.stop()
        text = web.log.read_text()
        lines = [line for line in web.log_lines() if line["event"] == "request"]
    assert [secret for secret in secrets if secret in text] == []
    assert "secret-in-the-query" not in text
    made = next(line for line in lines if line["path"] == "/api/v1/keys")
    expected = {"method": "POST", "status": 201, "actor": "administrator", "level": "info"}
    assert expected.items() <= made.items()
    assert made["request_id"].startswith("req_")
    assert made["duration_ms"] > 0
    assert {line["status"] for line in lines} >= {201, 401, 404, 415, 422}
