"""What do nodes check the calls of a published API against? Contracts, made when it is published.

A contract's id names its content (the document, the place, the operations), so it is known
without being made: comparing an API with what is live costs no reading of documents.
"""

from dataclasses import replace

import jsonschema_rs
from pydantic import ValidationError

from headgate.catalog.contracts import Wanted, contract_id, make_contract
from headgate.core.phrases import phrase
from headgate.core.problems import Detail, Problem, ProblemType
from headgate.gateway.policy import in_force, parse
from headgate.gateway.validation.judge import OperationJudge
from headgate.model.contract import CONTRACT_BYTES_MAX, contract_bytes
from headgate.model.contract import Contract as ContractValue
from headgate.model.snapshot import PolicyUse, SnapshotAPI
from headgate.store.models import APIRevision, APIVersion, Contract, Document
from headgate.store.models.catalog import pack_bytes, unpack_bytes
from headgate.store.services.actor import Actor, Scope, not_found
from headgate.store.services.gateway import gateways

SHOWN_MAX = 20  # operations whose schemas are no schemas


def with_contract(api: SnapshotAPI, version: APIVersion) -> SnapshotAPI:
    """The API with the id of its contract; as it is when none of its operations needs one."""
    wanted = _wanted(api)
    if not wanted:
        return api
    digest = Document.objects.filter(version=version).values_list("sha256", flat=True).first()
    return replace(api, contract=contract_id(digest or "", api.base_path, wanted))


def ensure(actor: Actor, api: SnapshotAPI, version: APIVersion) -> None:
    """Make the contract that the API names, unless it is there.

    Raises:
        Problem: CONFLICT: the document has a schema or reference that says nothing, with the
            operations that use it.
    """
    if not api.contract or Contract.objects.filter(id=api.contract).exists():
        return
    document = Document.objects.filter(version=version).first()
    if document is None:
        raise _refused(
            [
                Detail(
                    phrase(
                        "API {name}: there is no document to validate calls against", name=api.name
                    )
                )
            ]
        )
    made = make_contract(api.contract, document.bundled, api.base_path, _wanted(api))
    _check(made)
    body = contract_bytes(made)
    if len(body) > CONTRACT_BYTES_MAX:
        raise _refused(
            [
                Detail(
                    phrase(
                        "API {name}: its schemas take {body:,} bytes", name=api.name, body=len(body)
                    )
                )
            ]
        )
    Contract.objects.create(id=api.contract, body_packed=pack_bytes(body), created_at=actor.at)


def body(actor: Actor, name: str) -> bytes:
    """A contract, for a node of a gateway with a kept revision that names it.

    Raises:
        Problem: FORBIDDEN without the scope `node`; NOT_FOUND.
    """
    actor.require(Scope.NODE)
    served = gateways.find(actor.gateway or gateways.DEFAULT_GATEWAY)
    rows = {pk for apis in served.revisions.values_list("apis", flat=True) for pk in apis.values()}
    is_theirs = set(
        APIRevision.objects.filter(contract=name).values_list("pk", flat=True)
    ).intersection(rows)
    found = Contract.objects.filter(id=name).first() if is_theirs else None
    if found is None:
        raise not_found("contract", name)
    return unpack_bytes(found.body_packed)


def forget_unused() -> None:
    """Delete the contracts that no compiled API names any more."""
    used = APIRevision.objects.exclude(contract="").values("contract")
    Contract.objects.exclude(id__in=used).delete()


def _wanted(api: SnapshotAPI) -> list[Wanted]:
    return [
        Wanted(operation.row, operation.method, operation.path)
        for operation in api.operations
        if any(map(_needs_contract, in_force(api.policies, operation.policies).values()))
    ]


def _needs_contract(use: PolicyUse) -> bool:
    try:
        return parse(use).needs_contract
    except (KeyError, ValidationError):
        return False  # publishing refuses it by name


def _check(contract: ContractValue) -> None:
    """Compile what the nodes would compile.

    Raises:
        Problem: CONFLICT, with the operations whose schemas are none.
    """
    wrong: list[Detail] = []
    for operation in contract.operations:
        try:
            OperationJudge(operation, contract.schemas)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
            message = str(error).partition("\n")[0]
            wrong.append(
                Detail(
                    phrase(
                        "{method} {path}: {message}",
                        method=operation.method,
                        path=operation.path,
                        message=message,
                    )
                )
            )
            if len(wrong) == SHOWN_MAX:
                break
    if wrong:
        raise _refused(wrong)


def _refused(wrong: list[Detail]) -> Problem:
    return Problem(
        ProblemType.CONFLICT,
        phrase("Calls cannot be validated: {message}.", message=wrong[0].message),
        "Correct the document and import it again, or take the policy `validate` off.",
        wrong,
    )
