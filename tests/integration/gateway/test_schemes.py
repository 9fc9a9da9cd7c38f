"""Which one decides where an API takes several kinds of credentials? The strongest, good or bad."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from headgate.access.certificates import NameKind, read_name
from headgate.model.access import CredentialRow
from headgate.model.logline import words
from headgate.model.snapshot import PolicyUse
from tests.integration.gateway.test_mtls import World
from tests.support.callers import ACTIVE, USER, basic, callers, issuer, token
from tests.support.certificates import Authority
from tests.support.peer import Peer

pytestmark = pytest.mark.integration

ORDER = ("certificate", "token", "password", "key")  # the strongest first
IDS = {
    "certificate": "crt_000000000001",
    "token": "cli_000000000001",
    "password": USER,
    "key": "key_000000000001",
}
Shown = tuple[str, bool]  # which kind, and whether it is good


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    folder = tmp_path_factory.mktemp("schemes")
    certificate, key = authority.issue(folder / "tls", "localhost")
    clients = folder / "clients.pem"
    clients.write_text(authority.pem)
    with callers(
        folder, tls_certificate=certificate, tls_key=key, client_authorities=clients
    ) as made:
        yield World(made, authority, folder)


def pairs() -> list[tuple[Shown, Shown]]:
    """All pairs of two kinds, good and bad; token and password share a header and cannot meet."""
    found = []
    for one, other in itertools.combinations(ORDER, 2):
        if {one, other} != {"token", "password"}:
            found += [
                ((one, is_good), (other, is_good_too))
                for is_good in (True, False)
                for is_good_too in (True, False)
            ]
    return found


def test_of_two_credentials_the_stronger_decides_whatever_the_weaker_is(
    world: World, upstream: Peer
) -> None:
    policies = (issuer(), PolicyUse("basic", {}), PolicyUse("mtls", {}))
    world.callers.publish(upstream, *policies)
    good = world.authority.signed("good.test")
    bad = world.authority.signed("bad.test")
    digest = read_name(good[0].decode(), NameKind.DNS).sha256
    world.callers.fill(CredentialRow(40, 1, IDS["certificate"], 1, digest, ACTIVE))
    fields: dict[str, Callable[[bool], dict[str, str]]] = {
        "token": lambda is_good: {
            "Authorization": f"Bearer {token()}" if is_good else f"Bearer {token(exp=1)}"
        },
        "password": lambda is_good: {
            "Authorization": basic(USER, world.callers.password.text if is_good else "wrong")
        },
        "key": lambda is_good: {
            "X_API_Key": world.callers.key.text if is_good else "hg_" + "0" * 38
        },
    }
    for shown in [*pairs(), *(((kind, is_good),) for kind in ORDER for is_good in (True, False))]:
        sent: dict[str, str] = {}
        pair = None
        for kind, is_good in shown:
            if kind == "certificate":
                pair = good if is_good else bad
            else:
                sent |= fields[kind](is_good)
        kind, is_good = shown[0]  # the pairs are in the order of their strength
        answer = world.call(pair, **sent)
        assert answer.status == (200 if is_good else 401), shown
        verdict, caller, _ = words(
            world.callers.gateway.line(answer.headers["x-request-id"])["access"]
        )
        if is_good:
            assert caller.startswith(IDS[kind]), shown
            left = {"x-api-key", "authorization"} & set(upstream.last["headers"])
            assert not left, shown
        else:
            assert (verdict, caller) == ("unknown_credential", "-"), shown
