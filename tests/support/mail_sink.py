"""A real mail server that keeps what it is given, for tests to read like a person would."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from headgate.cli.up.answering import free_port

WAIT_SECONDS_MAX = 60.0


@dataclass
class MailSink:
    """What has arrived. While `is_down`, it says 451 to every mail, as a server in trouble does."""

    mails: list[EmailMessage] = field(default_factory=list)
    is_down: bool = False
    url: str = ""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        """Called for each mail."""
        if self.is_down:
            return "451 try again"
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        return "250 kept"

    def wait_for(self, address: str, *, after: int = 0) -> EmailMessage:
        """The first mail to `address` beyond the first `after` ones."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while time.monotonic() < deadline:
            found = [mail for mail in self.mails if mail["To"] == address][after:]
            if found:
                return found[0]
            time.sleep(0.05)
        raise AssertionError(f"no mail to {address} came within {WAIT_SECONDS_MAX:.0f} s")


@contextlib.contextmanager
def mail_sink() -> Iterator[MailSink]:
    """A server on a free port of loopback, until the block ends."""
    sink = MailSink()
    port = free_port("127.0.0.1")
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    sink.url = f"smtp://127.0.0.1:{port}"
    try:
        yield sink
    finally:
        controller.stop()
