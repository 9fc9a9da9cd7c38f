"""Do docs/events.md and docs/webhooks.md say what the code says, and does their code work?"""

import re

from headgate.alerts.webhooks import RETRY_AFTER, headers, new_secret
from headgate.core.clock import SystemClock
from headgate.model.events import page
from tests.project.tree import ROOT


def test_the_page_of_the_events_is_the_one_that_the_kinds_make() -> None:
    written = (ROOT / "docs" / "events.md").read_text()
    assert written == page(), "run: .venv/bin/python -m headgate.model.events > docs/events.md"


def test_the_verification_that_the_docs_show_takes_our_messages_and_no_others() -> None:
    text = (ROOT / "docs" / "webhooks.md").read_text()
    (source,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    known: dict[str, object] = {}
    exec(source, known)  # the documentation's own code
    is_genuine = known["is_genuine"]
    assert callable(is_genuine)
    at = SystemClock().now()
    old, new = new_secret(), new_secret()
    body = b'{"id": "evt_1"}'
    sent = dict(headers("evt_1", body, keys=[new, old], at=at))
    now_s = at.timestamp()
    assert is_genuine(new, sent, body, now_s)
    assert is_genuine(old, sent, body, now_s + 299)
    assert not is_genuine(new_secret(), sent, body, now_s)
    assert not is_genuine(new, sent, body + b" ", now_s)
    assert not is_genuine(new, sent | {"webhook-id": "evt_2"}, body, now_s)
    assert not is_genuine(new, sent, body, now_s + 302)
    assert not is_genuine(new, {}, body, now_s)


def test_the_docs_name_the_schedule_that_is_kept() -> None:
    text = " ".join((ROOT / "docs" / "webhooks.md").read_text().split())
    hours = [int(wait.total_seconds()) // 3600 for wait in RETRY_AFTER]
    assert "5 seconds, 5 minutes, 30 minutes, 2, 5, 10, 14, 20 and 24 hours" in text
    assert hours == [0, 0, 0, 2, 5, 10, 14, 20, 24]
