"""Are a client and its tokens found under the names that the gateway computes?"""

import hashlib

from headgate.model.tokens import client_sha256, token_block_key


def test_a_client_is_found_by_its_issuer_and_its_id() -> None:
    text = b"jwt\nhttps://apis.example.com\ncli_000000000001"
    assert (
        client_sha256("https://apis.example.com", "cli_000000000001")
        == hashlib.sha256(text).hexdigest()
    )


def test_the_same_client_id_of_another_issuer_is_another_client() -> None:
    assert client_sha256("https://a.example", "cli") != client_sha256("https://b.example", "cli")


def test_a_token_is_blocked_by_sixteen_bytes_of_its_id() -> None:
    assert token_block_key("a") == hashlib.sha256(b"a").digest()[:16]
    assert token_block_key("a") != token_block_key("b")
