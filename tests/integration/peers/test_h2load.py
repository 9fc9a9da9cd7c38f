"""Does h2load, with many streams at once, see no failed request? Counted, never timed."""

import re

import pytest

from tests.integration.peers.conftest import World
from tests.support.programs import run

pytestmark = pytest.mark.integration
REQUESTS = 4000
CONNECTIONS = 4
STREAMS = 100  # at once on each; the gateway takes 128


def h2load(*arguments: str) -> dict[str, int]:
    """Its counts: total, started, done, succeeded, failed, errored, timeout, 2xx to 5xx."""
    counts = ["-n", str(REQUESTS), "-c", str(CONNECTIONS), "-m", str(STREAMS), "-t", "1"]
    done = run("h2load", *counts, *arguments)
    assert done.returncode == 0, done.stderr
    lines = re.findall(r"^(?:requests|status codes): (.*)$", done.stdout, re.MULTILINE)
    assert len(lines) == 2, done.stdout
    found = re.findall(r"(\d+) (\w+)", ", ".join(lines))
    return {name: int(number) for number, name in found}


def test_many_streams_without_tls_all_succeed(world: World) -> None:
    found = h2load(world.url("/files/small.txt"))
    assert (found["succeeded"], found["2xx"]) == (REQUESTS, REQUESTS)
    assert (found["failed"], found["errored"], found["timeout"]) == (0, 0, 0)


def test_many_streams_over_tls_all_succeed(world: World) -> None:
    place = f"https://127.0.0.1:{world.tls.port}/files/small.txt"
    found = h2load(place)
    assert (found["succeeded"], found["2xx"]) == (REQUESTS, REQUESTS)
    assert (found["failed"], found["errored"], found["timeout"]) == (0, 0, 0)


def test_many_calls_over_http_1_all_succeed(world: World) -> None:
    found = h2load("--h1", world.url("/files/small.txt"))
    assert (found["succeeded"], found["2xx"]) == (REQUESTS, REQUESTS)


def test_it_does_count_what_is_refused(world: World) -> None:
    found = h2load(world.url("/closed/small.txt"))
    assert (found["4xx"], found["2xx"]) == (REQUESTS, 0)
    assert found["done"] == REQUESTS
