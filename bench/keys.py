"""How soon does a new key work and a revoked one stop, among how many?"""

import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.installation import Installation, add_apis, add_consumer, running, upstream
from bench.measure import Measurement

SIZES = (1_000, 100_000, 1_000_000)
ROUNDS = 30
PATH = "/things/things1/7"
BUDGET_MS = 50

_FILL = """
import sys
from bench.keys import fill
fill(int(sys.argv[1]))
"""


def run(*, is_quick: bool) -> list[Measurement]:
    """The p95 over thirty keys, from the REST answer to the gateway's, in milliseconds."""
    found = []
    with TemporaryDirectory(prefix="headgate-bench-") as folder, upstream() as port:
        data = Path(folder, "data")
        with running(data) as one:
            add_apis(one, ["things"], operations=1, upstream_port=port)
            key = add_consumer(one, "things")
            one.seconds_until(200, PATH, key)
        for size in (1_000,) if is_quick else SIZES:
            environment = os.environ | {"HEADGATE_DATA": str(data)}
            command = [sys.executable, "-c", _FILL, str(size)]
            subprocess.run(command, check=True, env=environment)
            with running(data) as one:
                probe = one.ask("POST", "/keys", {"application": "acme/demo"})
                one.seconds_until(200, PATH, probe["key"], at_most=600)  # the table is filled
                works, stops = zip(*(_once(one) for _ in range(ROUNDS)), strict=True)
            for what, times in (("new key works", works), ("revoked key stops", stops)):
                p95 = statistics.quantiles(times, n=20)[-1] * 1000
                found.append(
                    Measurement("keys", f"{what}, {size:,} keys", p95, "ms p95", BUDGET_MS)
                )
    return found


def _once(one: Installation) -> tuple[float, float]:
    made = one.ask("POST", "/keys", {"application": "acme/demo"})
    works = one.seconds_until(200, PATH, made["key"])
    one.ask("POST", f"/keys/{made['id']}/revoke")
    return works, one.seconds_until(401, PATH, made["key"])


def fill(size: int) -> None:
    """Have the store of the environment hold `size` keys, as if they had been issued."""
    from headgate.access.keys import new_key
    from headgate.core.clock import SystemClock
    from headgate.core.ids import new_id
    from headgate.store import setup

    now = SystemClock().now()
    setup.start(now)
    from django.db import transaction

    from headgate.store.models import Application, Credential
    from headgate.store.services.feed import next_sequence

    application = Application.objects.get(name="demo")
    missing = size - Credential.objects.count()
    while missing > 0:
        count = min(missing, 50_000)
        keys = [new_key() for _ in range(count)]
        with transaction.atomic():
            first = next_sequence(count)
            Credential.objects.bulk_create(
                Credential(
                    id=new_id("key"),
                    created_at=now,
                    changed=first + offset,
                    application=application,
                    prefix=key.text[:9],
                    sha256=key.sha256,
                )
                for offset, key in enumerate(keys)
            )
        missing -= count
