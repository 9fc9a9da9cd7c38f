"""Is what calls are checked against made when an API is published, kept, and given to its nodes?"""

import pytest

from headgate.core.problems import Problem, ProblemType
from headgate.model.contract import contract_from
from headgate.model.snapshot import PolicyUse, SnapshotAPI
from headgate.store.models import Contract
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import imports
from headgate.store.services.gateway import contracts, policies, publishing
from tests.support.store import DOCUMENT, UPSTREAM, import_api, source

VALIDATE = PolicyUse("validate", {"request": "enforce"})
OFF = PolicyUse("validate", {"request": "off"})


def published(node: Actor) -> SnapshotAPI:
    delta = publishing.snapshot_delta(node, after=0)
    assert delta is not None
    return delta.changed[0]


def test_an_api_that_validates_nothing_has_no_contract(admin: Actor, node: Actor) -> None:
    import_api(admin)
    policies.set_api(admin, "pets", [OFF])
    publishing.publish(admin, "pets")
    assert published(node).contract == ""
    assert not Contract.objects.exists()


def test_a_contract_holds_the_operations_that_are_validated(admin: Actor, node: Actor) -> None:
    import_api(admin)
    policies.set_operation(admin, "pets", "getPet", [VALIDATE])
    publishing.publish(admin, "pets")
    api = published(node)
    found = contract_from(contracts.body(node, api.contract))
    assert found.id == api.contract
    assert [(one.method, one.path) for one in found.operations] == [("GET", "/pets/pets/{id}")]
    row = next(operation.row for operation in api.operations if operation.id == "getPet")
    assert found.operations[0].row == row


def test_the_same_document_has_the_same_contract_and_another_has_another(
    admin: Actor, node: Actor
) -> None:
    import_api(admin)
    policies.set_api(admin, "pets", [VALIDATE])
    publishing.publish(admin, "pets")
    first = published(node).contract
    publishing.publish(admin, "pets")
    assert published(node).contract == first
    changed = DOCUMENT.replace("One pet", "A single pet")
    imports.import_document(admin, name="pets", source=source(changed), update=True)
    publishing.publish(admin, "pets")
    assert published(node).contract != first
    assert contracts.body(node, first)  # nodes that are behind still find it


def test_contracts_that_no_kept_revision_names_are_deleted(admin: Actor) -> None:
    import_api(admin)
    policies.set_api(admin, "pets", [VALIDATE])
    publishing.publish(admin, "pets")
    for number in range(publishing.REVISIONS_KEPT_MAX + 1):
        limit = PolicyUse("request_size", {"body_max": str(1000 + number)})
        policies.set_api(admin, "pets", [limit])
        publishing.publish(admin, "pets")
    assert not Contract.objects.exists()


def test_a_document_with_a_schema_that_is_none_cannot_be_validated(
    admin: Actor, node: Actor
) -> None:
    broken = '{name: q, in: query, schema: {type: string, pattern: "("}}'
    document = DOCUMENT.replace("parameters: [", f"parameters: [{broken}, ")
    imports.import_document(
        admin, name="pets", source=source(document), upstream=UPSTREAM, base_path="/pets"
    )
    publishing.publish(admin, "pets")
    policies.set_api(admin, "pets", [VALIDATE])
    with pytest.raises(Problem, match=r"GET /pets/pets/\{id\}") as raised:
        publishing.publish(admin, "pets")
    assert raised.value.type is ProblemType.CONFLICT
    assert published(node).contract == ""


def test_a_node_gets_no_contract_of_another_gateway_or_of_none(admin: Actor, node: Actor) -> None:
    import_api(admin)
    policies.set_api(admin, "pets", [VALIDATE])
    publishing.publish(admin, "pets")
    contract = published(node).contract
    assert contracts.body(node, contract)
    for name in ("", "x", contract[:-1], "../" + contract):
        with pytest.raises(Problem) as raised:
            contracts.body(node, name)
        assert raised.value.type is ProblemType.NOT_FOUND
    with pytest.raises(Problem) as raised:
        contracts.body(admin, contract)
    assert raised.value.type is ProblemType.FORBIDDEN
