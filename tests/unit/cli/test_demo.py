"""What does the demonstration remember, and how does it read an answer?"""

import socket
from pathlib import Path

from headgate.cli.demo.calls import Call, Sent, send
from headgate.cli.demo.memory import FILE_NAME, Memory, kept_port, recall, remember
from tests.support.rest_server import PREFIX, problem, serving


def test_what_is_remembered_is_recalled_and_private(tmp_path: Path) -> None:
    memory = Memory("http://127.0.0.1:9000", "hg_text", "key_1", is_complete=True)
    remember(tmp_path, memory)
    assert recall(tmp_path) == memory
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_nothing_or_nonsense_is_an_empty_memory(tmp_path: Path) -> None:
    assert recall(tmp_path) == Memory()
    (tmp_path / FILE_NAME).write_text('{"other": 1}')
    assert recall(tmp_path) == Memory()


def test_the_port_is_kept_unless_something_else_has_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        remember(tmp_path, Memory(f"http://127.0.0.1:{port}"))
        assert kept_port(tmp_path) is None
    assert kept_port(tmp_path) == port


def test_answers_are_counted_as_the_caller_can_tell_them() -> None:
    sent = Sent()
    with serving() as server:
        server.answer("GET /limited", problem("rate-limited", 429, "Slow."), 429)
        server.answer("GET /fine", {})
        server.answer("GET /broken", {}, 503)
        calls = [Call("GET", path, 2) for path in ("/fine", "/broken")]
        send(server.url + PREFIX, calls, sent)
    assert sent.by_verdict == {"allowed": 2, "upstream_failed": 2}
    assert sent.by_status == {200: 2, 503: 2}
    assert sent.total == 4
