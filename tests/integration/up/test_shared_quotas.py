"""Do two nodes share a quota exactly, and a rate? Two agents, two Envoys, one control plane."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.support.tree import Tree, environment, eventually
from tests.support.upstream import Upstream, upstream

pytestmark = pytest.mark.integration
SPEC = (
    "openapi: 3.0.3\ninfo: {title: Echo, version: '1'}\npaths:\n  /a:\n    get:\n"
    "      operationId: a\n      responses: {'200': {description: ok}}\n"
)
QUOTA = 1000
CLIENTS = 200
PATIENCE_SECONDS = 200.0  # a busy machine; what is leased arrives within a few tenths of a second


class Installation:
    """A control plane and two nodes, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.centre = Tree(folder / "centre")
        self.edges = [Tree(folder / "edge1"), Tree(folder / "edge2")]
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, data: Path, *arguments: str) -> None:
        """One process."""
        with (self._folder / f"{name}.log").open("a") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", "headgate.cli", *arguments],
                env=environment(data),
                stderr=log,
            )

    def start_web(self) -> None:
        """The control plane; ready when its address is known."""
        (self.centre.data / "run" / "web.json").unlink(missing_ok=True)
        port = str(self.centre.web_port)
        self.start("web", self.centre.data, "web", "--web-port", port)
        eventually((self.centre.data / "run" / "web.json").exists, 60)

    def start_node(self, number: int) -> None:
        """One of the nodes, with a token of its own."""
        name, edge = f"edge{number + 1}", self.edges[number]
        token_file = self._folder / f"{name}.token"
        if not token_file.exists():
            self.centre.do("node", "add", name, "--token-file", str(token_file))
        url = f"http://127.0.0.1:{self.centre.web_port}"
        where = ("--control-plane", url, "--token-file", str(token_file), "--name", name)
        port = ("--gateway-port", str(edge.gateway_port), "--workers", "1")
        self.start(name, edge.data, "node", *where, *port)

    def stop(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """End one process."""
        process = self._processes.pop(name)
        process.send_signal(number)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def close(self) -> None:
        for name in list(self._processes):
            self.stop(name)
        for tree in (*self.edges, self.centre):
            tree.end_everything()

    def key(self, name: str, quota: str, *, kind: str = "--quota") -> str:
        """The key of an application of its own, under a plan of its own, that both nodes know."""
        self.centre.do("plan", "create", f"echo/{name}", kind, quota)
        self.centre.do("app", "create", name, "--organization", "acme")
        self.centre.do("subscribe", f"acme/{name}", f"echo/{name}")
        key = self.centre.do("key", "create", f"acme/{name}").out.strip()
        for edge in self.edges:
            eventually(lambda at=edge: at.call("/echo/a", key).status_code != 401)  # type: ignore[misc]  # bound now
        return key


@pytest.fixture(scope="module")
def echo() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, echo: Upstream) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("shared")
    (folder / "openapi.yaml").write_text(SPEC)
    installation = Installation(folder)
    try:
        installation.start_web()
        for number in range(2):
            installation.start_node(number)
        centre = installation.centre
        centre.do("import", str(folder / "openapi.yaml"), "--name", "echo", "--upstream", echo.url)
        centre.do("product", "create", "echo", "--api", "echo")
        eventually(lambda: centre.cli("publish", "echo").code == 0, 60, every_seconds=0.5)
        for edge in installation.edges:
            eventually(lambda at=edge: at.call("/echo/a").status_code == 401, 60)  # type: ignore[misc]  # bound now
        yield installation
    finally:
        installation.close()


def call_until(
    both: Installation, key: str, clients: int, is_over: Callable[[], bool], seconds: float
) -> None:
    """Parallel clients, half of them at each node, call until it is over or time is up."""
    deadline = time.monotonic() + seconds

    def client(number: int) -> None:
        url = both.edges[number % 2].gateway + "/echo/a"
        with httpx2.Client(trust_env=False, timeout=60, headers={"x-api-key": key}) as http:
            while not is_over() and time.monotonic() < deadline:
                status = http.get(url).status_code
                assert status in {200, 429}, status
                if status == 429:
                    time.sleep(0.05)

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(client, range(clients)))


def statuses(edge: Tree, key: str, times: int) -> list[int]:
    """Of so many calls over one connection: all of them fit into a minute."""
    with httpx2.Client(trust_env=False, timeout=60, headers={"x-api-key": key}) as http:
        return [http.get(edge.gateway + "/echo/a").status_code for _ in range(times)]


def never() -> bool:
    return False


def test_two_hundred_clients_at_two_nodes_get_the_whole_quota_and_no_more(
    both: Installation, echo: Upstream
) -> None:
    before = echo.by_path["/a"]
    key = both.key("whole", f"{QUOTA}/month")

    def is_used_up() -> bool:
        return echo.by_path["/a"] - before >= QUOTA

    call_until(both, key, CLIENTS, is_used_up, PATIENCE_SECONDS)
    assert is_used_up()
    call_until(both, key, 20, never, 3.0)
    assert echo.by_path["/a"] - before == QUOTA


def test_one_busy_node_gets_what_the_idle_one_does_not_use(
    both: Installation, echo: Upstream
) -> None:
    before = echo.by_path["/a"]
    key = both.key("onesided", "200/month")
    busy = both.edges[0]

    def is_used_up() -> bool:
        busy.call("/echo/a", key)
        return echo.by_path["/a"] - before == 200

    eventually(is_used_up, PATIENCE_SECONDS, every_seconds=0.01)
    assert [edge.call("/echo/a", key).status_code for edge in both.edges] == [429, 429]


def test_without_the_control_plane_each_node_spends_what_it_holds_and_then_refuses(
    both: Installation, echo: Upstream
) -> None:
    key = both.key("apart", "400/minute")
    both.stop("web", signal.SIGKILL)
    try:
        time.sleep(60.5 - time.time() % 60)  # a window that begins without the control plane
        minute, before = time.time() // 60, echo.by_path["/a"]
        calls = [status for edge in both.edges for status in statuses(edge, key, 150)]
        assert calls[:100] == calls[150:250] == [200] * 100  # half is divided, a quarter for each
        assert calls.count(200) == 200
    finally:
        both.start_web()

    def is_used_up() -> bool:
        return echo.by_path["/a"] - before >= 400 or time.time() // 60 > minute

    call_until(both, key, 4, is_used_up, PATIENCE_SECONDS)
    assert time.time() // 60 > minute or echo.by_path["/a"] - before == 400


def test_an_agent_that_is_killed_costs_nothing_of_the_quota(
    both: Installation, echo: Upstream
) -> None:
    before = echo.by_path["/a"]
    key = both.key("killed", "300/month")
    call_until(both, key, 10, lambda: echo.by_path["/a"] - before >= 100, PATIENCE_SECONDS)
    both.stop("edge1", signal.SIGKILL)
    both.start_node(0)
    call_until(both, key, 10, lambda: echo.by_path["/a"] - before >= 300, PATIENCE_SECONDS)
    call_until(both, key, 4, never, 2.0)
    assert echo.by_path["/a"] - before == 300


def test_a_shared_rate_is_kept_by_both_nodes_together_and_another_by_each(
    both: Installation,
) -> None:
    """Of a rate per day nothing grows back meanwhile; looking whether it is known took one."""
    shared = both.key("together", "20/day shared", kind="--rate")
    own = both.key("each", "20/day", kind="--rate")

    def passed(key: str) -> list[int]:
        calls = [[edge.call("/echo/a", key) for _ in range(25)] for edge in both.edges]
        return [sum(one.status_code == 200 for one in answers) for answers in calls]

    assert passed(shared) == [9, 9]
    assert passed(own) == [19, 19]
    later = both.key("later", "20/day shared", kind="--rate")
    both.stop("web", signal.SIGKILL)  # each keeps the part that it has
    try:
        assert passed(later) == [9, 9]
    finally:
        both.start_web()
