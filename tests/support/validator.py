"""The real validator's process, and contracts for it, without an agent."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headgate.catalog.contracts import Wanted, make_contract
from headgate.catalog.document import DocumentSource
from headgate.catalog.importer import import_document
from headgate.core.problems import TYPE_PREFIX
from headgate.model.contract import Contract, contract_bytes
from headgate.model.snapshot import SnapshotAPI
from tests.support.companion import CompanionProcess


def contract_of(document: dict[str, Any], api: SnapshotAPI, name: str = "c1") -> Contract:
    """The contract of all operations of an API, by a document with the same paths."""
    imported = import_document(DocumentSource({"x.json": json.dumps(document)}, "x.json"))
    wanted = [Wanted(one.row, one.method, one.path) for one in api.operations]
    return make_contract(name, imported.bundled, api.base_path, wanted)


@dataclass
class Validator(CompanionProcess):
    """A validator on `socket`."""

    contracts: Path
    module = "headgate.node.validator"

    @property
    def arguments(self) -> list[str]:
        return ["--contracts", str(self.contracts)]

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
