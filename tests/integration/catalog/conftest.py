"""Where does GitHub's description of its API come from? From npm, once per cache folder."""

import pytest

from tests.support import npm


@pytest.fixture(scope="session")
def octokit() -> str:
    """The document's text, 13 MB."""
    folder = npm.package("@octokit/openapi")
    return (folder / "generated" / "api.github.com.json").read_text(encoding="utf-8")
