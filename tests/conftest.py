"""What do all tests share? The import path, and a data folder that is not the developer's."""

import signal
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))


# A shell that starts the tests in the background has them, and all that they start, ignore SIGINT;
# `nohup` does the same with SIGHUP.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session", autouse=True)
def _own_installation(tmp_path_factory: pytest.TempPathFactory) -> None:
    """In-process tests get a data folder and a secret of their own."""
    settings.HEADGATE_DATA = tmp_path_factory.mktemp("data")
    settings.SECRET_KEY = "a secret of the tests"
