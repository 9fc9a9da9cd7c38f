"""One web process per database for all tests of this folder; each test names its own things."""

from collections.abc import Iterator
from contextlib import ExitStack

import httpx2
import pytest

from tests.support.postgres import create_database, postgresql
from tests.support.web_process import WebProcess, running_web


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here starts a real process."""
    for item in items:
        if "integration/web" in item.path.as_posix():
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def web(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WebProcess]:
    data = tmp_path_factory.mktemp("web") / "data"
    with ExitStack() as stack:
        database = ""
        if request.param == "postgresql":
            database = create_database(stack.enter_context(postgresql()), "web")
        environment = {"HEADGATE_DATABASE_URL": database}
        yield stack.enter_context(running_web(data, environment=environment))


@pytest.fixture
def api(web: WebProcess) -> Iterator[httpx2.Client]:
    """The administrator at /api/v1."""
    with web.client() as client:
        yield client
