"""Does `headgate up` refuse to start where it cannot, all reasons at once, changing nothing?"""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from headgate.cli.up import lock
from headgate.cli.up.answering import accepts, answers, free_port
from headgate.cli.up.checks import mistakes
from headgate.cli.up.settings import UpSettings
from headgate.store.setup import DATA_FORMAT
from tests.support.rest_server import serving


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UpSettings:
    monkeypatch.delenv("HEADGATE_DATABASE_URL", raising=False)
    monkeypatch.delenv("HEADGATE_PUBLIC_URL", raising=False)
    return UpSettings(
        data=tmp_path / "data",
        listen="127.0.0.1",
        gateway_port=free_port("127.0.0.1"),
        web_port=free_port("127.0.0.1"),
        tls_certificate=None,
        tls_key=None,
        client_authorities=None,
        trusted_proxies=(),
        trusted_hops=1,
        log_format="console",
        is_demo=False,
        demo_port=None,
    )


def _about(settings: UpSettings, word: str) -> list[str]:
    return [text for text in mistakes(settings) if word in text]


def test_a_good_place_has_nothing_against_it_and_stays_untouched(settings: UpSettings) -> None:
    about_the_place = [text for text in mistakes(settings) if "filter is not built" not in text]
    assert about_the_place == []
    assert not settings.data.exists()


def test_a_port_in_use_is_named_with_its_option(settings: UpSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        [found] = _about(replace(settings, web_port=port), f"Port {port}")
    assert "--web-port" in found


def test_everything_wrong_is_said_at_once(
    settings: UpSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.data.mkdir()
    (settings.data / "format").write_text(str(DATA_FORMAT + 1))
    monkeypatch.setenv("HEADGATE_DATABASE_URL", "mysql://x")
    monkeypatch.setenv("HEADGATE_PUBLIC_URL", "https://example.com/path")
    same = replace(settings, web_port=settings.gateway_port, tls_key=settings.data / "key.pem")
    found = mistakes(same)
    for word in (
        "newer version",
        "HEADGATE_DATABASE_URL",
        "PUBLIC_URL",
        "different ports",
        "TLS needs both",
    ):
        assert any(word in text for text in found), word


def test_the_format_of_this_version_is_fine(settings: UpSettings) -> None:
    settings.data.mkdir()
    (settings.data / "format").write_text(f"{DATA_FORMAT}\n")
    assert _about(settings, "format") == []


def test_a_damaged_format_is_refused(settings: UpSettings) -> None:
    settings.data.mkdir()
    (settings.data / "format").write_text("what")
    assert _about(settings, "not a number")


def test_a_file_in_place_of_the_folder_is_refused(settings: UpSettings) -> None:
    settings.data.write_text("")
    [found] = _about(settings, str(settings.data))
    assert "is a file" in found


def test_an_address_must_be_one(settings: UpSettings) -> None:
    assert _about(replace(settings, listen="everywhere"), "--listen")


def test_a_certificate_that_cannot_be_read_is_refused(settings: UpSettings) -> None:
    nowhere = settings.data / "cert.pem"
    assert _about(replace(settings, tls_certificate=nowhere, tls_key=nowhere), "cannot be used")


def test_a_folder_is_held_by_one_supervisor(settings: UpSettings) -> None:
    held = lock.take(settings.run)
    assert held is not None
    with held:
        assert lock.take(settings.run) is None
        [found] = mistakes(settings)
        assert "Another `headgate up`" in found
    again = lock.take(settings.run)
    assert again is not None
    again.close()


def test_a_server_answers_and_a_silent_port_does_not() -> None:
    with serving() as server:
        server.answer("GET /health", {})
        port = int(server.url.rpartition(":")[2])
        assert answers("127.0.0.1", port, "/api/v1/health", status="200")
        assert answers("127.0.0.1", port, "/nowhere")
        assert not answers("127.0.0.1", port, "/nowhere", status="200")
        assert accepts("127.0.0.1", port)
    assert not answers("127.0.0.1", port, "/api/v1/health")
    assert not accepts("127.0.0.1", port)
