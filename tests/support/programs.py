"""Which programs of other people do the tests run, and what does one say that is not there?"""

import shutil
import subprocess
from collections.abc import Sequence

RUN_SECONDS_MAX = 120.0
PACKAGES = {"curl": "curl", "h2load": "nghttp2-client", "nginx": "nginx"}
"""Programs, and the Debian packages that bring them (the Makefile's DEBIAN_TEST)."""


def program(name: str) -> str:
    """Where the program is.

    Raises:
        AssertionError: it is not installed; with the package's name.
    """
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    assert found, f"{name} is not installed: it comes with the Debian package {PACKAGES[name]}"
    return found


def run(name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """One run to its end, without the settings of whoever runs the tests."""
    command: Sequence[str] = (program(name), *arguments)
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS_MAX,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C"},
    )
