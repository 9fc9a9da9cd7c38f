"""The real validator's process, and contracts for it, without an agent."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from headgate.catalog.contracts import Wanted, make_contract
from headgate.catalog.document import DocumentSource
from headgate.catalog.importer import import_document
from headgate.core.problems import TYPE_PREFIX
from headgate.model.contract import Contract, contract_bytes
from headgate.model.snapshot import SnapshotAPI
from headgate.node.local_http import control_name

START_SECONDS_MAX = 20.0


def contract_of(document: dict[str, Any], api: SnapshotAPI, name: str = "c1") -> Contract:
    """The contract of all operations of an API, by a document with the same paths."""
    imported = import_document(DocumentSource({"x.json": json.dumps(document)}, "x.json"))
    wanted = [Wanted(one.row, one.method, one.path) for one in api.operations]
    return make_contract(name, imported.bundled, api.base_path, wanted)


@dataclass
class Validator:
    """A validator on `socket`. `start` returns once it answers."""

    socket: Path
    contracts: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "headgate.node.validator"),
                *("--socket", str(self.socket), "--contracts", str(self.contracts)),
            ]
        )
        end = time.monotonic() + START_SECONDS_MAX
        while not self.answers():
            assert time.monotonic() < end, "the validator does not answer"
            assert self.process.poll() is None, "the validator has ended"
            time.sleep(0.02)

    def answers(self) -> bool:
        try:
            self.ask("GET", "/readings")
        except OSError:
            return False
        return True

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def serve(self, document: dict[str, Any], api: SnapshotAPI) -> SnapshotAPI:
        """The API with a contract that the validator knows."""
        contract = contract_of(document, api)
        (self.contracts / f"{contract.id}.json").write_bytes(contract_bytes(contract))
        for known in ([], [contract.id]):
            order = {"contracts": known, "problem_types": TYPE_PREFIX}
            assert self.ask("PUT", "/contracts", order) == ""
        return replace(api, contract=contract.id)

    def readings(self) -> dict[int, dict[str, Any]]:
        """The counters by operation row."""
        return {one["row"]: one for one in json.loads(self.ask("GET", "/readings"))}

    def ask(self, method: str, target: str, body: Any = None) -> str:
        """One order of the agent's, and the body of its answer."""
        data = b"" if body is None else json.dumps(body).encode()
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(self.socket.with_name(control_name(self.socket.name))))
            head = f"{method} {target} HTTP/1.1\r\nhost: v\r\ncontent-length: {len(data)}\r\n\r\n"
            connection.sendall(head.encode() + data)
            text = b""
            while b"\r\n\r\n" not in text:
                text += connection.recv(1 << 20)
            head_text, _, rest = text.partition(b"\r\n\r\n")
            length = 0
            for line in head_text.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            while len(rest) < length:
                rest += connection.recv(1 << 20)
            return rest.decode()


@contextmanager
def validator(folder: Path) -> Iterator[Validator]:
    """A running validator in `folder`."""
    contracts = folder / "contracts"
    contracts.mkdir(parents=True, exist_ok=True)
    made = Validator(folder / "v.sock", contracts)
    made.start()
    try:
        yield made
    finally:
        made.kill()
