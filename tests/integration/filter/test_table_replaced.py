"""Does a running Envoy notice a table that is damaged, missing or made anew?"""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from headgate.gateway import table_layout as layout
from headgate.gateway.table import AccessTable
from tests.support.filter_gateway import GENERATION, Answer, Gateway, fill

pytestmark = pytest.mark.integration
NOTICE_SECONDS_MAX = 60.0  # it looks every second; a busy machine takes longer


def _until(gateway: Gateway, key: str, is_wanted: Callable[[Answer], bool]) -> None:
    """Wait until a call is answered as wanted."""
    started = time.monotonic()
    while not is_wanted(answer := gateway.call(key=key)):
        assert time.monotonic() - started < NOTICE_SECONDS_MAX, answer
        time.sleep(0.01)


def test_a_table_that_never_had_all_rows_lets_nobody_in(gateway: Gateway) -> None:
    answer = gateway.call(key="hg_any")
    assert (answer.status, answer.json["type"]) == (503, "urn:headgate:problem:table-damaged")
    assert gateway.call("/nowhere").status == 404
    key = fill(gateway).text
    assert gateway.call(key=key).status == 200


@pytest.mark.parametrize("field", ["magic", "state"])
def test_a_damaged_header_refuses_everybody_and_is_logged_once(
    gateway: Gateway, field: str
) -> None:
    key = fill(gateway).text
    assert gateway.call(key=key).status == 200
    at = layout.SECTIONS["header"].at(0, field)
    with Path(gateway.table_path).open("r+b") as file:
        file.seek(at)
        good = file.read(8)
        file.seek(at)
        file.write(b"\xff" * 8)
        file.flush()
        assert [gateway.call(key=key).status for _ in range(5)] == [503] * 5
        assert gateway.log_lines(6)[-1]["verdict"] == "table_damaged"
        file.seek(at)
        file.write(good)
    _until(gateway, key, lambda answer: answer.status == 200)
    log = (gateway.folder / "envoy.log").read_text()
    assert log.count("access table is missing or damaged") == 1


def test_a_row_that_leads_nowhere_is_refused_and_counted(gateway: Gateway) -> None:
    key = fill(gateway).text
    words = gateway.table._file.words
    place = layout.SECTIONS["credential"].at(1, "application") // 8
    words[place] = 999_999_999
    assert gateway.call(key=key).status == 503
    assert gateway.table.health().damaged == 1
    words[place] = 1
    assert gateway.call(key=key).status == 200


def test_a_table_of_a_new_generation_is_taken_up_at_once(
    start_gateway: Callable[[int], Gateway],
) -> None:
    gateway = start_gateway(2)
    old_key = fill(gateway).text
    assert gateway.call(key=old_key).status == 200
    gateway.table.close()
    gateway.table = AccessTable.open(gateway.table_path, generation="another")
    assert gateway.table.sequence == 0
    assert {gateway.call(key=old_key).status for _ in range(5)} == {503}
    gateway.table.close()
    gateway.table = AccessTable.open(gateway.table_path, generation=GENERATION)
    new_key = fill(gateway).text
    _until(gateway, new_key, lambda answer: answer.status == 200)
    assert gateway.call(key=old_key).status == 401


def test_a_deleted_table_serves_on_until_it_is_made_again(gateway: Gateway) -> None:
    old_key = fill(gateway).text
    assert gateway.call(key=old_key).status == 200
    gateway.table.close()
    gateway.table_path.unlink()
    time.sleep(1.2)
    assert gateway.call(key=old_key).status == 200
    gateway.table = AccessTable.open(gateway.table_path, generation=GENERATION)
    new_key = fill(gateway).text
    _until(gateway, new_key, lambda answer: answer.status == 200)
    assert gateway.call(key=old_key).status == 401


def test_envoy_starts_without_a_table_and_takes_it_up_when_it_comes(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.table.close()
    gateway.table_path.unlink()
    try:
        gateway.start()
        assert gateway.call(key="hg_any").status == 503
        gateway.table = AccessTable.open(gateway.table_path, generation=GENERATION)
        key = fill(gateway).text
        _until(gateway, key, lambda answer: answer.status == 200)
    finally:
        gateway.close()


def test_a_table_cut_short_is_refused_by_both_sides(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    key = fill(gateway).text
    gateway.table.close()
    with gateway.table_path.open("r+b") as file:
        file.truncate(layout.FILE_BYTES - 4096)
    try:
        gateway.start()
        assert gateway.call(key=key).status == 503
    finally:
        gateway.table_path.unlink()
        gateway.table = AccessTable.open(gateway.table_path, generation=GENERATION)
        gateway.close()
