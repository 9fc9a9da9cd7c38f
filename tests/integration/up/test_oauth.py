"""Does what the authorization server decides reach a gateway's own files at once?

Everything in processes, as at a user's: a client by command, a token by HTTP; then the node's
snapshot and its access table, which is what the gateway decides by.
"""

import json
import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest

from headgate.gateway import table_layout as layout
from headgate.gateway.table_blocks import block_hash
from headgate.model.tokens import client_sha256, token_block_key
from tests.support.tree import Tree, eventually, tree
from tests.support.upstream import upstream
from tests.support.web_world import DOCUMENT

pytestmark = pytest.mark.integration
ACTIVE = 1


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    folder = tmp_path_factory.mktemp("oauth")
    (folder / "pets.yaml").write_text(DOCUMENT)
    with upstream() as server, tree(folder / "data") as running:
        running.do(
            "import",
            str(folder / "pets.yaml"),
            "--name",
            "pets",
            "--upstream",
            server.url,
            "--base-path",
            "/pets",
        )
        running.do("publish", "pets")
        running.do("app", "create", "demo", "--organization", "acme")
        yield running


@pytest.fixture(scope="module")
def client(up: Tree) -> dict[str, str]:
    printed = up.do("client", "create", "acme/demo", "--scope", "pets:read").out
    return dict(line.split("=", 1) for line in printed.splitlines())


def _web(up: Tree) -> str:
    return f"http://127.0.0.1:{up.web_port}"


def _token(up: Tree, client: dict[str, str]) -> str:
    answer = _post(up, "token", client, grant_type="client_credentials")
    return str(answer.json()["access_token"])


def _post(up: Tree, endpoint: str, client: dict[str, str], **data: str) -> httpx2.Response:
    answer = httpx2.post(
        f"{_web(up)}/oauth/{endpoint}",
        auth=(client["client_id"], client["client_secret"]),
        data=data,
        trust_env=False,
        timeout=20,
    )
    assert answer.status_code == 200, answer.text
    return answer


def _issuer(up: Tree) -> dict[str, Any]:
    """As the node has it on its disk."""
    found = json.loads((up.data / "node" / "snapshot.json").read_text())
    issuer: dict[str, Any] = found.get("issuer") or {}
    return issuer


def _keys(up: Tree) -> list[str]:
    return [key["kid"] for key in json.loads(_issuer(up).get("jwks", '{"keys": []}'))["keys"]]


def _table(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _is_blocked(up: Tree, jti: str) -> bool:
    """As the filter looks it up: by hash, from its place on."""
    key = token_block_key(jti)
    section, tag = layout.SECTIONS["block"], block_hash(key, layout.BLOCK_BIT_TOKEN)
    with _table(up.data / "node" / "access.tbl") as table:
        place = tag & (layout.BLOCK_SLOTS - 1)
        while (found := struct.unpack_from("Q", table, section.at(place, "tag"))[0]) != 0:
            at = section.at(place, "key")
            if found == tag | 1 << 63 and table[at : at + 16] == key:
                return True
            place = (place + 1) & (layout.BLOCK_SLOTS - 1)
    return False


def _credential(up: Tree, client_id: str, issuer: str) -> tuple[str, int] | None:
    """The id and the state word of the row that stands under the client's digest."""
    digest = bytes.fromhex(client_sha256(issuer, client_id))
    section = layout.SECTIONS["credential"]
    with _table(up.data / "node" / "access.tbl") as table:
        for row in range(1, 50):
            at = section.at(row, "sha256")
            if table[at : at + 32] == digest:
                name = table[section.at(row, "id") : section.at(row, "id") + 16]
                return name.decode(), struct.unpack_from("Q", table, section.at(row, "state"))[0]
    return None


def test_the_first_client_brings_issuer_and_keys_to_the_node(
    up: Tree, client: dict[str, str]
) -> None:
    eventually(lambda: bool(_keys(up)))
    issuer = _issuer(up)
    assert issuer["issuer"] == _web(up)
    token = _token(up, client)
    claims = jwt.decode(
        token,
        jwt.PyJWKSet.from_dict(json.loads(issuer["jwks"])).keys[0].key,
        algorithms=["RS256"],
        audience=issuer["audience"],
        issuer=issuer["issuer"],
    )
    assert claims["client_id"] == client["client_id"]
    assert claims["scope"] == "pets:read"
    eventually(lambda: _credential(up, client["client_id"], _web(up)) is not None)
    assert _credential(up, client["client_id"], _web(up)) == (client["client_id"], ACTIVE)


def test_a_revoked_token_is_blocked_in_the_table_and_others_are_not(
    up: Tree, client: dict[str, str]
) -> None:
    ended, kept = (_token(up, client) for _ in range(2))
    ids = [jwt.decode(text, options={"verify_signature": False})["jti"] for text in (ended, kept)]
    _post(up, "revoke", client, token=ended)
    eventually(lambda: _is_blocked(up, ids[0]))
    assert not _is_blocked(up, ids[1])


def test_a_new_key_reaches_the_node_by_itself(up: Tree, client: dict[str, str]) -> None:
    before = _keys(up)
    up.do("issuer", "rotate")
    eventually(lambda: len(_keys(up)) == len(before) + 1)
    assert _keys(up)[:-1] == before
    assert jwt.get_unverified_header(_token(up, client))["kid"] == _keys(up)[-1]


def test_a_revoked_client_is_revoked_in_the_table(up: Tree) -> None:
    printed = up.do("client", "create", "acme/demo", "--name", "ended").out
    client_id = printed.splitlines()[0].partition("=")[2]
    eventually(lambda: _credential(up, client_id, _web(up)) == (client_id, ACTIVE))
    up.do("client", "revoke", client_id)

    def is_revoked() -> bool:
        found = _credential(up, client_id, _web(up))
        return found is not None and found[1] != ACTIVE

    eventually(is_revoked)


def test_an_export_is_applied_again_without_a_change(up: Tree, client: dict[str, str]) -> None:
    exported = up.do("export").out
    assert "acme/demo default" in exported
    assert client["client_id"] not in exported
    file = up.data.parent / "exported.yaml"
    file.write_text(exported)
    assert up.do("apply", "-f", str(file), "--json").json["changes"] == []


@pytest.fixture(scope="module")
def tokens_open_pets(up: Tree, tmp_path_factory: pytest.TempPathFactory) -> None:
    """`pets` takes the installation's own tokens, and the application may call it."""
    policies = tmp_path_factory.mktemp("policies") / "policies.yaml"
    policies.write_text("- kind: jwt\n  settings: {own: true}\n")
    up.do("policies", "set", "pets", "-f", str(policies))
    up.do("product", "create", "basic", "--api", "pets")
    up.do("plan", "create", "basic/free")
    up.do("subscribe", "acme/demo", "basic/free")
    up.do("publish", "pets")


def _call(up: Tree, text: str) -> httpx2.Response:
    url = f"http://127.0.0.1:{up.gateway_port}/pets/pets"
    return httpx2.get(url, headers={"Authorization": f"Bearer {text}"}, trust_env=False)


@pytest.mark.usefixtures("tokens_open_pets")
def test_a_token_opens_the_api_until_it_is_revoked_and_others_go_on(
    up: Tree, client: dict[str, str]
) -> None:
    leaked, other = _token(up, client), _token(up, client)
    eventually(lambda: _call(up, leaked).status_code == 200)
    assert _call(up, leaked + "x").status_code == 401
    assert _post(up, "revoke", client, token=leaked).status_code == 200
    eventually(lambda: _call(up, leaked).status_code == 401)
    assert _call(up, leaked).json()["title"] == "Token revoked"
    assert _call(up, other).status_code == 200


@pytest.mark.usefixtures("tokens_open_pets")
def test_new_signing_keys_break_no_token_of_before(up: Tree, client: dict[str, str]) -> None:
    before = _token(up, client)
    eventually(lambda: _call(up, before).status_code == 200)
    up.do("issuer", "rotate")
    after = _token(up, client)
    for text in (before, after):
        eventually(lambda text=text: _call(up, text).status_code == 200)


@pytest.mark.usefixtures("tokens_open_pets")
def test_a_revoked_client_stops_with_all_of_its_tokens(up: Tree) -> None:
    printed = up.do("client", "create", "acme/demo", "--name", "short").out
    short = dict(line.split("=", 1) for line in printed.splitlines())
    text = _token(up, short)
    eventually(lambda: _call(up, text).status_code == 200)
    up.do("client", "revoke", short["client_id"])
    eventually(lambda: _call(up, text).status_code == 401)

    def refused() -> set[str]:
        """Whose calls the records call revoked; the newest may not be stored yet."""
        lines = up.do("logs", "--json", "-n", "50").out.splitlines()
        records = [json.loads(line) for line in lines]
        return {record["credential"] for record in records if record["verdict"] == "revoked"}

    eventually(lambda: short["client_id"] in refused())
