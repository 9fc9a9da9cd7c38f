"""Do our logs keep secrets out of their lines?"""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from headgate.core.logging import REDACTED, configure, redact

KEY = "hg_" + "A1b2C3d4" * 4 + "0aB1cD"
TOKEN = "hgt_" + "Z9y8X7w6" * 4 + "0aB1cD"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    configure("json", stream=stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_key_is_taken_out_wherever_it_stands() -> None:
    found = json.dumps(redact({"url": f"/a?k={KEY}", "list": [f"Bearer {TOKEN}", {"x": (KEY,)}]}))
    assert KEY not in found
    assert TOKEN not in found


def test_what_only_resembles_a_key_is_left() -> None:
    assert redact({"id": "key_0123456789ab", "hg_": "hg_short", "n": 5}) == {
        "id": "key_0123456789ab",
        "hg_": "hg_short",
        "n": 5,
    }


def test_a_value_named_like_a_secret_is_replaced_whole(lines: io.StringIO) -> None:
    structlog.get_logger().info("issued", password="correct horse", name="demo")
    line = json.loads(lines.getvalue())
    assert line["password"] == REDACTED
    assert line["name"] == "demo"
    assert line["level"] == "info"


def test_the_standard_library_and_exceptions_go_the_same_way(lines: io.StringIO) -> None:
    try:
        int(f"refused {KEY}")
    except ValueError:
        logging.getLogger("other").exception("call with %s failed", TOKEN)
        structlog.get_logger().exception("own")
    text = lines.getvalue()
    assert text.count("\n") == 2
    assert KEY not in text
    assert TOKEN not in text
    assert "ValueError" in text


def test_the_console_format_is_for_reading() -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    configure("console", stream=stream)
    structlog.get_logger().warning("disk nearly full", free_bytes=10)
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    assert "disk nearly full" in stream.getvalue()
    assert "free_bytes=10" in stream.getvalue()
