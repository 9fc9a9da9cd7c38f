"""One web process for all tests of this folder; each test names its own things."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.support.web_process import WebProcess, running_web


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here starts a real process."""
    for item in items:
        if "integration/web" in item.path.as_posix():
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    with running_web(tmp_path_factory.mktemp("web") / "data") as process:
        yield process


@pytest.fixture
def api(web: WebProcess) -> Iterator[httpx2.Client]:
    """The administrator at /api/v1."""
    with web.client() as client:
        yield client
