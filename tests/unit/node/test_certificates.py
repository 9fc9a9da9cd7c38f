"""Is a certificate put into service only when it is whole, and is the old one kept until then?"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from headgate.core.clock import SystemClock
from headgate.core.problems import Problem
from headgate.node.certificates import AuthoritiesKeeper, CertificateKeeper, Unfit, read_pair
from headgate.node.troubles import Topic, Troubles
from tests.support.certificates import Authority

PEM = tuple[bytes, bytes]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def troubles() -> Troubles:
    return Troubles()


@pytest.fixture
def keeper(tmp_path: Path, troubles: Troubles) -> CertificateKeeper:
    sources = tmp_path / "tls.crt", tmp_path / "tls.key"
    return CertificateKeeper(*sources, tmp_path / "kept.pem", troubles, SystemClock())


def put(folder: Path, pair: tuple[bytes, bytes]) -> None:
    """Written in place, as `cp` does."""
    (folder / "tls.crt").write_bytes(pair[0])
    (folder / "tls.key").write_bytes(pair[1])


def test_a_whole_pair_is_kept_as_one_file_for_its_owner_alone(
    tmp_path: Path, authority: Authority, keeper: CertificateKeeper
) -> None:
    certificate, key = authority.signed("gateway.test")
    put(tmp_path, (certificate, key))
    keeper.start()
    kept = tmp_path / "kept.pem"
    assert certificate in kept.read_bytes()
    assert key.strip() in kept.read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_pair_written_in_place_is_noticed_and_an_unchanged_one_not_written_again(
    tmp_path: Path, authority: Authority, keeper: CertificateKeeper
) -> None:
    put(tmp_path, authority.signed("gateway.test"))
    keeper.start()
    kept = tmp_path / "kept.pem"
    inode = kept.stat().st_ino
    keeper.look()
    assert kept.stat().st_ino == inode
    fresh = authority.signed("gateway.test")
    put(tmp_path, fresh)
    keeper.look()
    assert fresh[0] in kept.read_bytes()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda a, c, k: (c[: len(c) // 2], k), "no whole certificate"),
        (lambda a, c, k: (b"", k), "no whole certificate"),
        (lambda a, c, k: (c, k[:60]), "no private key"),
        (lambda a, c, k: (c, a.signed("other.test")[1]), "does not belong"),
        (lambda a, c, k: a.signed("gateway.test", begins_days=-2, ends_days=-1), "ended on"),
        (lambda a, c, k: a.signed("gateway.test", begins_days=1, ends_days=2), "not valid before"),
        (lambda a, c, k: (c, _locked(k)), "encrypted"),
    ],
)
def test_a_broken_pair_is_told_at_the_second_look_and_the_old_one_stays(
    tmp_path: Path,
    authority: Authority,
    keeper: CertificateKeeper,
    troubles: Troubles,
    spoil: Callable[[Authority, bytes, bytes], PEM],
    why: str,
) -> None:
    good = authority.signed("gateway.test")
    put(tmp_path, good)
    keeper.start()
    put(tmp_path, spoil(authority, *good))
    keeper.look()
    assert not any(why in sentence for sentence in troubles.sentences())
    keeper.look()
    assert any(why in sentence for sentence in troubles.sentences())
    assert good[0] in (tmp_path / "kept.pem").read_bytes()
    put(tmp_path, authority.signed("gateway.test"))
    keeper.look()
    assert not any(why in sentence for sentence in troubles.sentences())


def test_without_an_earlier_copy_a_broken_pair_keeps_the_node_from_starting(
    tmp_path: Path, authority: Authority, keeper: CertificateKeeper
) -> None:
    with pytest.raises(Problem, match="cannot be read"):
        keeper.start()
    certificate, _ = authority.signed("gateway.test")
    put(tmp_path, (certificate, authority.signed("gateway.test")[1]))
    with pytest.raises(Problem, match="does not belong"):
        keeper.start()


def test_with_an_earlier_copy_the_node_starts_and_says_what_is_wrong(
    tmp_path: Path, authority: Authority, keeper: CertificateKeeper, troubles: Troubles
) -> None:
    put(tmp_path, authority.signed("gateway.test"))
    keeper.start()
    (tmp_path / "tls.key").unlink()
    keeper.start()
    assert "cannot be read" in troubles.sentences()[0]
    assert (tmp_path / "kept.pem").exists()


def test_a_certificate_that_ends_soon_is_told_before(
    tmp_path: Path, authority: Authority, keeper: CertificateKeeper, troubles: Troubles
) -> None:
    put(tmp_path, authority.signed("gateway.test"))  # valid for a day
    keeper.start()
    assert Topic.CERTIFICATE in troubles
    assert "ends on" in troubles.sentences()[0]
    put(tmp_path, authority.signed("gateway.test", ends_days=30))
    keeper.look()
    assert Topic.CERTIFICATE not in troubles


def test_a_key_too_short_for_envoy_is_refused(authority: Authority) -> None:
    short, long = (rsa.generate_private_key(65537, bits) for bits in (1024, 2048))
    with pytest.raises(Unfit, match="1024 bits"):
        read_pair(*authority.signed("gateway.test", key=short), datetime.now(UTC))
    assert read_pair(*authority.signed("gateway.test", key=long), datetime.now(UTC))


def _locked(key: bytes) -> bytes:
    secret = load_pem_private_key(key, None)
    return secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pw"))


def test_client_authorities_are_kept_when_they_are_some_and_the_old_stay_otherwise(
    tmp_path: Path, authority: Authority, troubles: Troubles
) -> None:
    source, kept = tmp_path / "clients.crt", tmp_path / "clients.pem"
    keeper = AuthoritiesKeeper(source, kept, troubles, SystemClock())
    with pytest.raises(Problem):
        keeper.start()
    source.write_text(authority.pem)
    keeper.start()
    assert kept.read_text() == authority.pem
    for wrong in (b"", authority.signed("no.authority.test")[0]):
        source.write_bytes(wrong)
        keeper.look()
        keeper.look()
        assert kept.read_text() == authority.pem
        assert "is not taken into service" in troubles.sentences()[0]
    (tmp_path / "next").mkdir()
    following = Authority(tmp_path / "next")
    source.write_text(authority.pem + following.pem)
    keeper.look()
    assert kept.read_text() == authority.pem + following.pem
    assert "ends on" in troubles.sentences()[0]  # within a day
