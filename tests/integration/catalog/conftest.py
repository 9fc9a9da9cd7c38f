"""Where does GitHub's description of its API come from? From npm, once per cache folder."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

OCTOKIT = "@octokit/openapi@23.0.2"
OCTOKIT_FILE = "package/generated/api.github.com.json"
NPM_SECONDS_MAX = 240


@pytest.fixture(scope="session")
def octokit(pytestconfig: pytest.Config) -> str:
    """The document's text, 13 MB; kept in HEADGATE_TEST_CACHE or pytest's cache."""
    named = os.environ.get("HEADGATE_TEST_CACHE")
    cache = pytestconfig.cache
    assert named or cache, "set HEADGATE_TEST_CACHE, or let pytest have its cache"
    folder = Path(named) if named else cache.mkdir("documents")
    kept = folder / f"{OCTOKIT.replace('/', '-')}.json"
    if not kept.is_file():
        _download(folder, kept)
    return kept.read_text(encoding="utf-8")


def _download(folder: Path, kept: Path) -> None:
    npm = shutil.which("npm")
    assert npm, (
        f"npm is needed to get {OCTOKIT}, the large document of these tests; install Node.js"
    )
    folder.mkdir(parents=True, exist_ok=True)
    packed = subprocess.run(
        [npm, "pack", "--silent", OCTOKIT],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=NPM_SECONDS_MAX,
    )
    assert packed.returncode == 0, f"npm pack {OCTOKIT} failed: {packed.stderr}"
    archive = folder / packed.stdout.split()[-1]
    with tarfile.open(archive) as tar:
        member = tar.extractfile(OCTOKIT_FILE)
        assert member is not None, f"{OCTOKIT} has no {OCTOKIT_FILE}"
        partial = kept.with_suffix(".partial")
        partial.write_bytes(member.read())
    partial.replace(kept)
    archive.unlink()
