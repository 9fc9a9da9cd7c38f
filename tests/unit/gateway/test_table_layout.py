"""Do Python and Zig speak of the same bytes, and do Zig's own tests pass?"""

import ctypes
import hashlib
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

from headgate.gateway import table_layout as layout
from headgate.gateway.filter import FOLDER
from headgate.model.access import SCOPED_LIMITS_MAX
from headgate.model.limits import LIMITS_PER_PLAN_MAX


def test_python_and_the_filter_describe_the_same_file(library: ctypes.CDLL) -> None:
    library.headgate_layout.restype = ctypes.c_char_p
    assert json.loads(library.headgate_layout()) == layout.description()


def test_the_layout_holds_what_the_model_allows() -> None:
    assert layout.SECTIONS["plan"].record["limits"] + 8 * LIMITS_PER_PLAN_MAX <= 128
    assert SCOPED_LIMITS_MAX == 4


def test_numbers_that_are_stored_at_once_are_aligned() -> None:
    for section in layout.SECTIONS.values():
        assert section.offset % layout.PAGE_BYTES == 0
        if section.record.offsets:
            assert section.record.size % 8 == 0


def test_the_zig_tests_pass(tmp_path: Path) -> None:
    caches = {"ZIG_GLOBAL_CACHE_DIR": str(tmp_path), "ZIG_LOCAL_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "ziglang", "test", "tests.zig", "-lc", "-O", "ReleaseSafe"]
    done = subprocess.run(
        command, cwd=FOLDER, env=os.environ | caches, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "All" in done.stderr
    assert "passed" in done.stderr


def test_the_filter_is_small_enough_to_review() -> None:
    files = [path for path in FOLDER.glob("*.zig") if path.name != "tests.zig"]
    lines = [len(path.read_text().splitlines()) for path in files]
    assert max(lines) <= 400
    assert sum(lines) <= 1600


def test_both_ways_to_hash_agree(library: ctypes.CDLL) -> None:
    library.headgate_hash.restype = ctypes.c_bool
    for length in (0, 41, 55, 56, 64, 1000):
        text = bytes(range(256)) * 4
        for is_chosen in (False, True):
            out = ctypes.create_string_buffer(32)
            library.headgate_hash(text[:length], ctypes.c_size_t(length), out, is_chosen)
            assert out.raw == hashlib.sha256(text[:length]).digest()


def test_a_processor_that_can_hash_is_used(library: ctypes.CDLL) -> None:
    library.headgate_hash.restype = ctypes.c_bool
    has_instructions = {"sha_ni", "avx2"} <= set(Path("/proc/cpuinfo").read_text().split())
    if platform.machine() != "x86_64":
        has_instructions = "sha2" in Path("/proc/cpuinfo").read_text().split()
    out = ctypes.create_string_buffer(32)
    assert library.headgate_hash(b"", ctypes.c_size_t(0), out, True) is has_instructions
