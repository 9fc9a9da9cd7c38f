"""What do the tests of the store start from? A store after its first start, and actors."""

from pathlib import Path

import pytest

from headgate.store import setup
from headgate.store.services.actor import Actor, Scope, implied
from headgate.store.services.oauth import signing_keys
from tests.support.store import AT


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A prepared data folder."""
    folder = tmp_path / "data"
    setup.prepare(folder)
    return folder


@pytest.fixture
def store(db: None, data: Path) -> Path:
    """A store after its first start; its data folder."""
    setup.bootstrap(data, AT)
    return data


@pytest.fixture
def admin(store: Path) -> Actor:
    """The administrator."""
    return Actor(
        "administrator", implied([Scope.ADMIN]), AT, address="127.0.0.1", request_id="req_1"
    )


@pytest.fixture
def node(store: Path) -> Actor:
    """The agent of the local node."""
    return Actor("node local", frozenset({Scope.NODE}), AT, node="local", gateway="default")


@pytest.fixture
def issuer(admin: Actor) -> str:
    """The URL under which the store's tokens are issued."""
    signing_keys.settle_url(admin, "https://apis.example.com")
    return "https://apis.example.com"
