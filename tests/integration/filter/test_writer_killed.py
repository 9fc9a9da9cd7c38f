"""Does a table whose writer is killed at any moment go on, and does no reader see half a row?"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from headgate.access.keys import new_key
from headgate.gateway import table_layout as layout
from headgate.gateway.table import AccessTable
from headgate.model.access import APISettingsRow, OperationRow, PublishedRows, RowState
from headgate.model.snapshot import KeyLocation, KeySource
from tests.support.filter_gateway import Gateway, application, credential, fill

pytestmark = pytest.mark.integration
KILLS = 12

_WRITER = """
import hashlib, sys
from pathlib import Path
from headgate.gateway.table import AccessTable
from headgate.model.access import AccessDelta, CredentialRow, RowState, SubscriptionRow

table = AccessTable.open(Path(sys.argv[1]), generation="g")
print("open", flush=True)
while True:
    after = table.sequence
    first = after * 50 + 1
    rows = range(first, first + 50)
    table.apply(AccessDelta("g", after, after + 1, is_complete=True,
        credentials=tuple(CredentialRow(row, 1, f"key_{row:012d}", 1,
            hashlib.sha256(str(row).encode()).hexdigest(), RowState.ACTIVE) for row in rows),
        subscriptions=tuple(SubscriptionRow(row, 1, f"sub_{row:012d}", row, 1, 1, RowState.ACTIVE)
            for row in rows)))
"""


def test_a_killed_writer_is_followed_by_one_that_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "access.tbl"
    chance = random.Random(7)
    for _ in range(KILLS):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(chance.uniform(0.001, 0.3))
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
    table = AccessTable.open(path, generation="g")
    words = table._file.words
    rows = table.sequence * 50
    assert rows > 0
    for name in ("credential", "subscription"):
        size = 1 << table._file.header(f"{name}_region")
        first = layout.SECTIONS[f"{name}_index"].offset // 8 + size
        entries = [entry >> 32 for entry in words[first : first + size].tolist() if entry]
        assert len(entries) == len(set(entries))
        assert set(range(1, rows + 1)) <= set(entries)
        assert table._file.header(f"{name}_entries") >= len(entries)
    state = layout.SECTIONS["credential"]
    assert all(words[state.at(row, "state") // 8] == 1 for row in range(1, rows + 1))
    table.close()


def test_callers_see_no_half_written_settings_while_they_change(gateway: Gateway) -> None:
    key = fill(gateway).text
    names = ("x-api-key", "x-a-longer-name-for-the-same-key")
    stop = threading.Event()
    changes = 0

    def change() -> None:
        nonlocal changes
        while not stop.is_set():
            source = KeySource(KeyLocation.HEADER, names[changes % 2])
            row = APISettingsRow(1, (source,))
            gateway.table.publish(PublishedRows((row,), (OperationRow(1, 1),)))
            changes += 1

    writer = threading.Thread(target=change)
    writer.start()
    try:
        for _ in range(100):
            assert gateway.call(headers=dict.fromkeys(names, key)).status == 200
            assert gateway.call(headers={"x-api-key": key}).status in {200, 401}
    finally:
        stop.set()
        writer.join()
    assert changes > 20


def test_a_key_revoked_under_load_stops_at_once_and_others_go_on(gateway: Gateway) -> None:
    stays = fill(gateway).text
    goes = new_key()
    gateway.apply(applications=[application(2)], credentials=[credential(goes, 9)])
    seen: dict[str, list[int]] = {stays: [], goes.text: []}
    revoked = threading.Event()
    late: list[int] = []

    def client(key: str) -> None:
        for _ in range(150):
            was_revoked = revoked.is_set()
            status = gateway.call(key=key).status
            seen[key].append(status)
            if was_revoked and key == goes.text:
                late.append(status)

    threads = [threading.Thread(target=client, args=(key,)) for key in (stays, goes.text) * 3]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    gateway.apply(credentials=[credential(goes, 9, RowState.REVOKED)])
    revoked.set()
    for thread in threads:
        thread.join()
    assert set(seen[stays]) == {200}
    assert set(seen[goes.text]) <= {200, 401}
    assert late
    assert set(late) == {401}
