"""Whatever stops the ingest, and wherever: every record is stored exactly once."""

import json
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import duckdb
import pytest
from django.db import OperationalError

from headgate.core.clock import FixedClock
from headgate.store.models import TrafficFile, TrafficSegment, TrafficTotal
from headgate.store.services import leases
from headgate.store.services.leases import LeaseLostError
from headgate.store.services.traffic.ingest import LEASE, LEASE_LENGTH, Ingest
from headgate.traffic.io.engine import Engine
from headgate.traffic.io.folders import TrafficFolders
from tests.support.lines import Shape, lines

pytestmark = pytest.mark.integration
WORKER = Path(__file__).parents[2] / "support" / "traffic_worker.py"
KILLS = 24
LINES_PER_SEGMENT = 40
STEPS = ("written", "placed", "before_commit", "committed", "archived")


class StoppedError(Exception):
    """What a test throws in the place of a power cut."""


def put(folders: TrafficFolders, sequence: int, count: int = LINES_PER_SEGMENT) -> Counter[str]:
    """A sealed segment, placed as the node does: complete at once. Its request ids."""
    text = lines(count, shape=Shape(seed=sequence))
    spooled = folders.data / f"spool-{sequence}"
    spooled.write_bytes(text)
    os.link(spooled, folders.inbox / f"nod_a-00000001-{sequence:08d}.jsonl")
    spooled.unlink()
    return Counter(json.loads(line)["request_id"] for line in text.splitlines())


def stored_ids(folders: TrafficFolders, paths: list[str]) -> Counter[str]:
    if not paths:
        return Counter()
    files = [str(folders.files / path) for path in paths]
    rows = duckdb.execute("SELECT request_id FROM read_parquet(?)", [files]).fetchall()
    return Counter(row[0] for row in rows)


def counted(folders: TrafficFolders, paths: list[str]) -> int:
    """Records of operations that the filter has seen: what the totals must say."""
    rows = duckdb.execute(
        "SELECT count(*) FROM read_parquet(?) WHERE filter_verdict <> '' AND operation <> ''",
        [[str(folders.files / path) for path in paths]],
    ).fetchall()
    return int(rows[0][0])


def summed(folders: TrafficFolders, paths: list[str]) -> int:
    """Records that summaries stand for, by what is in them."""
    if not paths:
        return 0
    files = [str(folders.files / path) for path in paths]
    rows = duckdb.execute(
        "SELECT sum(number) FROM read_parquet(?) WHERE family = 0", [files]
    ).fetchall()
    return int(rows[0][0])


@pytest.mark.django_db
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("error", [StoppedError, OperationalError, duckdb.IOException])
def test_a_stop_at_any_step_loses_and_doubles_nothing(
    folders: TrafficFolders,
    engine: Engine,
    clock: FixedClock,
    step: str,
    error: type[Exception],
) -> None:
    def stop(at: str) -> None:
        if at == step:
            raise error("stopped")

    wanted = put(folders, 1) + put(folders, 2)
    with pytest.raises(error):
        Ingest(folders, engine, clock=clock, holder="one", checkpoint=stop).tick()
    clock.set(clock.now() + 2 * LEASE_LENGTH)
    again = Ingest(folders, engine, clock=clock, holder="two")
    again.tick()
    again.tick()
    paths = list(TrafficFile.objects.values_list("path", flat=True))
    assert stored_ids(folders, paths) == wanted
    totals = TrafficTotal.objects.filter(kind="operation").values_list("records", flat=True)
    assert sum(totals) == counted(folders, paths)
    assert TrafficSegment.objects.count() == 2
    assert {path.name for path in folders.files.rglob("*.parquet")} == {
        Path(path).name for path in paths
    }
    assert not list(folders.inbox.iterdir())


@pytest.mark.django_db
def test_a_holder_that_slept_too_long_cannot_commit(
    folders: TrafficFolders, engine: Engine, clock: FixedClock
) -> None:
    def take_over(at: str) -> None:
        if at == "placed":
            clock.set(clock.now() + 2 * LEASE_LENGTH)
            other = Ingest(folders, engine, clock=clock, holder="awake")
            assert other.tick() is not None

    wanted = put(folders, 1)
    with pytest.raises(LeaseLostError):
        Ingest(folders, engine, clock=clock, holder="asleep", checkpoint=take_over).tick()
    paths = list(TrafficFile.objects.values_list("path", flat=True))
    assert stored_ids(folders, paths) == wanted
    assert TrafficTotal.objects.filter(kind="operation").exists()


@pytest.mark.django_db
def test_a_clock_that_steps_back_does_not_hold_the_lease_for_ever(clock: FixedClock) -> None:
    held = leases.take(LEASE, holder="one", now=clock.now(), length=LEASE_LENGTH)
    assert held is not None
    earlier = clock.now() - 1000 * LEASE_LENGTH
    assert leases.take(LEASE, holder="two", now=earlier, length=LEASE_LENGTH) is not None
    with pytest.raises(LeaseLostError):
        leases.prove(held, now=clock.now())


def test_kill_9_at_random_moments_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Two dozen kills of the real process while it ingests, merges and unlinks."""
    folders = TrafficFolders(tmp_path / "data")
    folders.make()
    environment = {**os.environ, "HEADGATE_DATA": str(folders.data), "HEADGATE_DATABASE_URL": ""}
    chance = random.Random(20261120)
    wanted: Counter[str] = Counter()
    sequence = 0
    with (tmp_path / "log").open("wb") as log:
        for number in range(KILLS + 1):
            is_last = number == KILLS
            process = subprocess.Popen(
                [sys.executable, str(WORKER), str(folders.data)], env=environment, stderr=log
            )
            try:
                for _ in range(chance.randrange(4, 10)):
                    sequence += 1
                    wanted += put(folders, sequence)
                    time.sleep(0.01)
                if is_last:
                    wait_until_empty(folders, process)
                    wait_until_merged(folders, process)
                else:
                    wait_for_work(folders, process, sequence)
                    time.sleep(chance.random() * 0.15)
            finally:
                process.send_signal(signal.SIGTERM if is_last else signal.SIGKILL)
                process.wait(30)
    assert process.returncode == 0, (tmp_path / "log").read_text()[-3000:]
    with sqlite3.connect(folders.data / "headgate.db") as store:
        files = store.execute(
            "SELECT id, path, tier, records FROM store_trafficfile WHERE replaced_at IS NULL"
        ).fetchall()
        summaries = store.execute(
            "SELECT file_id, path, records FROM store_trafficsummary WHERE replaced_at IS NULL"
        ).fetchall()
        segments, records = store.execute(
            "SELECT count(*), sum(records) FROM store_trafficsegment"
        ).fetchone()
        totals = store.execute(
            "SELECT sum(records) FROM store_traffictotal WHERE kind = 'operation'"
        ).fetchone()[0]
    store.close()
    paths = [path for _, path, _, _ in files]
    assert stored_ids(folders, paths) == wanted
    assert (segments, records) == (sequence, wanted.total())
    assert totals == counted(folders, paths)
    assert {file for file, _, _ in summaries} == {file for file, _, tier, _ in files if tier >= 2}
    in_files = sum(count for _, _, tier, count in files if tier >= 2)
    assert in_files, "no hour was merged: the test shows too little"
    assert summed(folders, [path for _, path, _ in summaries]) == in_files


def test_a_full_disk_stops_the_ingest_only_for_as_long_as_it_is_full(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: every write fails with EFBIG."""
    folders = TrafficFolders(tmp_path / "data")
    folders.make()
    environment = {**os.environ, "HEADGATE_DATA": str(folders.data), "HEADGATE_DATABASE_URL": ""}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(WORKER), str(folders.data)], env=environment, stderr=log
        )
        try:
            wanted = put(folders, 1)
            wait_until_empty(folders, process)
            no_limit = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1000, no_limit[1]))
            wanted += put(folders, 2) + put(folders, 3)
            time.sleep(1.5)
            assert process.poll() is None, "a full disk ended the process"
            assert len(list(folders.inbox.iterdir())) == 2
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, no_limit)
            wait_until_empty(folders, process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    assert process.returncode == 0
    with sqlite3.connect(folders.data / "headgate.db") as store:
        rows = store.execute("SELECT path FROM store_trafficfile WHERE replaced_at IS NULL")
        paths = [path for (path,) in rows]
    store.close()
    assert stored_ids(folders, paths) == wanted


def wait_for_work(folders: TrafficFolders, process: subprocess.Popen[bytes], sequence: int) -> None:
    """Until the process has taken something from the inbox: killed earlier, it shows nothing."""
    waiting = len(list(folders.inbox.iterdir()))
    until = time.monotonic() + 20
    while len(list(folders.inbox.iterdir())) >= waiting and time.monotonic() < until:
        assert process.poll() is None
        time.sleep(0.005)


def wait_until_empty(folders: TrafficFolders, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while list(folders.inbox.iterdir()):
        assert time.monotonic() < until, "the inbox was not emptied"
        assert process.poll() is None
        time.sleep(0.05)


def wait_until_merged(folders: TrafficFolders, process: subprocess.Popen[bytes]) -> None:
    """Until all records are in files of hours or days."""
    until = time.monotonic() + 60
    while True:
        with sqlite3.connect(folders.data / "headgate.db") as store:
            rows = store.execute(
                "SELECT count(*) FROM store_trafficfile WHERE replaced_at IS NULL AND tier < 2"
            ).fetchall()
        store.close()
        if rows == [(0,)]:
            return
        assert time.monotonic() < until, "the hours were not merged"
        assert process.poll() is None
        time.sleep(0.05)
