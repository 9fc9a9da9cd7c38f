"""Does curl get what it asks for, in each version of HTTP, up and down?"""

import os
from pathlib import Path

import pytest

from tests.integration.peers.conftest import World
from tests.support.programs import run

pytestmark = pytest.mark.integration
UPLOAD_BYTES = 3 * 1024 * 1024
TOLD = "%{http_code} %{http_version} %{size_download} %{size_upload}"


def curl(*arguments: str) -> list[str]:
    """What it says of the answer: status, version, bytes down and up."""
    done = run("curl", "--silent", "--show-error", "--max-time", "60", "-w", TOLD, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("option", "version"),
    [("--http1.0", "1"), ("--http1.1", "1.1"), ("--http2-prior-knowledge", "2")],
)
def test_a_file_comes_in_each_version_of_http(
    world: World, tmp_path: Path, option: str, version: str
) -> None:
    made = tmp_path / "made"
    status, spoken, size, _ = curl(option, "-o", str(made), world.url("/files/large.json"))
    wanted = (world.nginx.files / "large.json").read_bytes()
    assert (status, int(size)) == ("200", len(wanted))
    assert made.read_bytes() == wanted
    assert spoken.startswith(version) or option == "--http1.0"


def test_over_tls_it_agrees_on_http_2_and_on_1_1_where_it_wants_that(
    world: World, tmp_path: Path
) -> None:
    arguments = [*world.tls_arguments, "-o", str(tmp_path / "made")]
    url = world.tls_url("/files/small.txt")
    assert curl(*arguments, url)[:2] == ["200", "2"]
    assert curl(*arguments, "--http1.1", url)[:2] == ["200", "1.1"]
    assert (tmp_path / "made").read_text() == "hello\n"


def test_with_an_authority_that_it_does_not_trust_it_gets_nothing(world: World) -> None:
    place = f"gateway.test:{world.tls.port}:127.0.0.1"
    done = run("curl", "--silent", "--resolve", place, world.tls_url("/files/small.txt"))
    assert done.returncode == 60  # "the peer certificate cannot be authenticated"
    assert done.stdout == ""


@pytest.mark.parametrize("option", ["--http1.1", "--http2-prior-knowledge"])
def test_an_upload_that_waits_for_100_continue_arrives_whole(
    world: World, tmp_path: Path, option: str
) -> None:
    sent = tmp_path / "sent.bin"
    sent.write_bytes(os.urandom(UPLOAD_BYTES))
    name = f"waited{option}.bin"
    arguments = ["-T", str(sent), "-H", "Expect: 100-continue", "--expect100-timeout", "50"]
    place = world.url(f"/files/uploads/{name}")
    done = run("curl", "-sv", "--max-time", "60", option, *arguments, place)
    assert done.returncode == 0, done.stderr
    assert " 100 " in _status_lines(done.stderr)[0]
    assert " 201 " in _status_lines(done.stderr)[-1]
    assert (world.nginx.files / "uploads" / name).read_bytes() == sent.read_bytes()
    told = [line for line in world.nginx.told() if line[2] == f"/uploads/{name}"]
    assert [line[4] for line in told] == ["-"]  # the gateway itself has said "continue"


def _status_lines(said: str) -> list[str]:
    return [line + " " for line in said.splitlines() if line.startswith("< HTTP/")]


def test_an_upload_of_unknown_length_arrives_whole(world: World, tmp_path: Path) -> None:
    sent = tmp_path / "sent.bin"
    sent.write_bytes(os.urandom(UPLOAD_BYTES))
    headers = ["-H", "Transfer-Encoding: chunked", "-H", "Expect:"]
    arguments = ["--http1.1", "-T", str(sent), *headers, "-o", os.devnull]
    status, _, _, size = curl(*arguments, world.url("/files/uploads/chunked.bin"))
    assert status == "201"
    assert int(size) > UPLOAD_BYTES  # with what frames the chunks
    assert (world.nginx.files / "uploads" / "chunked.bin").read_bytes() == sent.read_bytes()


def test_an_upload_without_a_key_is_refused_and_nothing_of_it_reaches_the_upstream(
    world: World, tmp_path: Path
) -> None:
    sent = tmp_path / "sent.bin"
    sent.write_bytes(os.urandom(UPLOAD_BYTES))
    arguments = ["--http1.1", "-T", str(sent), "-H", "Expect: 100-continue", "-o", os.devnull]
    done = run(
        "curl", "-s", "--max-time", "60", "-w", TOLD, *arguments, world.url("/closed/uploads/no")
    )
    assert done.stdout.split()[0] == "401"
    assert not (world.nginx.files / "uploads" / "no").exists()
    assert [line for line in world.nginx.told() if line[2] == "/uploads/no"] == []
