"""Do Python and Zig speak of the same bytes, and do Zig's own tests pass?"""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from headgate.access.keys import new_key
from headgate.gateway import table_layout as layout
from headgate.gateway.envoy.answers import FILTER_ANSWERS
from headgate.gateway.envoy.listener import HEADERS_MAX
from headgate.gateway.filter import FOLDER
from headgate.gateway.filter.build import compile_hash
from headgate.gateway.filter.layout import MARK, PATH, built_for, layout_zig, signature
from headgate.model.access import SCOPED_LIMITS_MAX
from headgate.model.limits import LIMITS_PER_PLAN_MAX
from headgate.model.logline import SUBJECT_BYTES_MAX, TARGET_BYTES_MAX


def test_the_filter_reads_the_layout_that_python_writes() -> None:
    assert PATH.read_text() == layout_zig(), "run python -m headgate.gateway.filter.layout"


def test_structures_have_no_padding_but_what_they_name() -> None:
    """So that C's rules, by which Zig lays them out, leave nothing to chance."""
    records = [section.record for section in layout.SECTIONS.values()]
    for record in (*records, layout.SOURCE, layout.SETTINGS):
        sizes = re.findall(r"(\w+): (?:\[(\d+)\])?(\w+)", _struct_in_zig(record.name))
        bytes_of = {"u8": 1, "u32": 4, "u64": 8, "Source": 36, "Settings": 192}
        at = 0
        for name, count, kind in sizes:
            assert record.offsets.get(name, at) == at
            at += int(count or 1) * bytes_of[kind]
        assert at == record.size or not record.fields


def _struct_in_zig(name: str) -> str:
    found = re.search(rf"const {name} = extern struct {{ (.*) }};", PATH.read_text())
    return found[1] if found else ""


def test_every_reason_of_the_filter_has_its_words_under_the_same_status() -> None:
    reasons = re.findall(
        r"^    (\w+) = (\d{3})\d,$", (FOLDER / "decide.zig").read_text(), re.MULTILINE
    )
    told = {answer.reason: answer.status for answer in FILTER_ANSWERS}
    assert {name: int(status) for name, status in reasons if name != "allowed"} == told


def test_the_layout_holds_what_the_model_allows() -> None:
    assert layout.SECTIONS["plan"].record["limits"] + 8 * LIMITS_PER_PLAN_MAX <= 128
    assert SCOPED_LIMITS_MAX == 4


@pytest.mark.parametrize(
    ("module", "name", "said"),
    [
        ("filter.zig", "LOGGED_TARGET_BYTES_MAX", TARGET_BYTES_MAX),
        ("tokens.zig", "SUBJECT_BYTES_MAX", SUBJECT_BYTES_MAX),
        ("keys.zig", "KEY_BYTES", len(new_key().text)),
        ("cache.zig", "HEADERS_MAX", HEADERS_MAX),
    ],
)
def test_a_number_that_zig_repeats_is_the_one_that_python_says(
    module: str, name: str, said: int
) -> None:
    text = (FOLDER / module).read_text()
    assert re.findall(rf"^(?:pub )?const {name} = (\d+);", text, re.MULTILINE) == [str(said)]


def test_numbers_that_are_stored_at_once_are_aligned() -> None:
    for section in layout.SECTIONS.values():
        assert section.offset % layout.PAGE_BYTES == 0
        if section.record.offsets:
            assert section.record.size % 8 == 0


@pytest.mark.parametrize(
    "module", ["tests.zig", "cache_tests.zig", "json_tests.zig", "error_forms.zig"]
)
def test_the_zig_tests_pass(tmp_path: Path, module: str) -> None:
    caches = {"ZIG_GLOBAL_CACHE_DIR": str(tmp_path), "ZIG_LOCAL_CACHE_DIR": str(tmp_path)}
    hash_fast = tmp_path / "hash_fast.o"
    compile_hash(FOLDER, str(tmp_path), hash_fast)
    words = set(Path("/proc/cpuinfo").read_text().split())
    needed = {"sha_ni", "avx2"} if platform.machine() == "x86_64" else {"sha2"}
    told = {"HASHES_BY_ITSELF": "1" if needed <= words else "0"}
    command = [sys.executable, "-m", "ziglang", "test", module, str(hash_fast), "-lc"]
    done = subprocess.run(
        [*command, "-O", "ReleaseSafe"],
        cwd=FOLDER,
        env=os.environ | caches | told,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "All" in done.stderr
    assert "passed" in done.stderr


def test_a_library_says_for_which_layout_it_was_built() -> None:
    assert built_for(b"\x00" + MARK.encode() + signature().encode() + b"\x00rest") == signature()


def test_a_library_without_a_word_about_its_layout_is_of_none() -> None:
    assert built_for(b"\x7fELF " + MARK.encode() + b"unknown") == ""
