"""Does the REST API keep its own description, whatever is sent to it?

Schemathesis makes right and wrong requests out of the served document, sends them to a real web
process and compares every answer with what the document promises. The web process resolves
loopback addresses only, so that no generated address is ever reached.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.web_process import running_web
from tests.support.web_world import make_world

SECONDS_MAX = 1800  # it takes about two minutes where nothing else runs
CONFIGURATION = """
seed = 7
workers = 1  # CPython 3.11 may fail to parse source on two threads at once (gh-106905)
request-timeout = 20

[generation]
max-examples = 6
no-shrink = true

[phases.stateful]
enabled = false

[checks]
# Rules between values are not in a JSON Schema: a cursor that no page gave, a plan of another
# product, an Idempotency-Key used twice (422); a tag that is out of date (412). Anything else
# that refuses a right request still fails.
positive_data_acceptance.expected-statuses = [
  "2xx", "3xx", 401, 403, 404, 409, 412, 422, 429, "5xx"
]

[[operations]]
# It would revoke the token that the test itself uses.
include-operation-id = "deleteToken"
enabled = false
"""


@pytest.mark.timeout(SECONDS_MAX + 60)
def test_every_answer_is_what_the_document_promises(tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    assert program is not None
    with running_web(tmp_path / "data") as web:
        with web.client() as api:
            make_world(api, "given")
        ended = subprocess.run(
            [
                program,
                "run",
                f"{web.url}/api/v1/openapi.json",
                "--header",
                f"Authorization: Bearer {web.admin_token}",
                "--checks=all",
                "--warnings=off",
                "--suppress-health-check=all",  # how fast inputs are made is not the question
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
        )
        errors = [line for line in web.log_lines() if line["level"] == "error"]
    assert errors == []
    assert ended.returncode == 0, ended.stdout[-20_000:] + ended.stderr[-2_000:]
    assert "No issues found" in ended.stdout or "passed" in ended.stdout
