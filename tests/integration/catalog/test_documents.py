"""Are the documents that others wrote imported?"""

import orjson
import pytest
import yaml

from headgate.catalog.changes import changes
from headgate.catalog.contracts import Wanted, make_contract
from headgate.catalog.document import Format, ImportedDocument
from headgate.core.problems import Problem
from headgate.gateway.validation.judge import OperationJudge
from tests.support.documents import SHARED, import_text, shared_document

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("name", "document_format", "operations", "base_path"),
    [
        ("crapi.openapi.json", Format.OPENAPI_3_0, 44, ""),
        ("juice-shop.openapi.yml", Format.OPENAPI_3_0, 1, "/b2b/v2"),
        ("payment-service.openapi.yaml", Format.OPENAPI_3_0, 1, ""),
        ("petstore-expanded.openapi.yaml", Format.OPENAPI_3_0, 4, "/v2"),
        ("petstore.swagger2.yaml", Format.SWAGGER_2_0, 20, "/v2"),
        ("vampi.openapi.yml", Format.OPENAPI_3_0, 14, ""),
    ],
)
def test_a_document_of_others_is_imported(
    name: str, document_format: Format, operations: int, base_path: str
) -> None:
    found = import_text(shared_document(name), name)
    assert found.description.format is document_format
    assert len(found.operations) == operations
    assert found.description.base_path == base_path
    assert changes(found.bundled, import_text(shared_document(name), name).bundled) == ()


def test_every_shared_document_is_in_the_list() -> None:
    assert SHARED.is_dir(), f"the shared documents are missing: {SHARED}"
    assert len(list(SHARED.iterdir())) == 6


def test_a_document_without_an_info_object_is_imported_with_a_warning() -> None:
    name = "payment-service.openapi.yaml"
    (warning,) = import_text(shared_document(name), name).warnings
    assert (warning.message, warning.line) == ("An OpenAPI document needs 'info'", 1)


def test_a_document_of_thirteen_megabytes_is_imported(octokit: str) -> None:
    found = import_text(octokit, "github.json")
    assert len(found.operations) > 1_000
    assert len({item.id for item in found.operations}) == len(found.operations)
    assert found.bundled == orjson.loads(octokit)
    assert changes(found.bundled, orjson.loads(octokit)) == ()


def test_as_yaml_it_is_imported_too(octokit: str) -> None:
    text = yaml.dump(orjson.loads(octokit), Dumper=yaml.CSafeDumper, sort_keys=False)
    assert len(text) > 9_000_000
    found = import_text(text, "github.yaml")
    assert len(found.operations) == len(import_text(octokit, "github.json").operations)


def test_its_mistakes_are_found_with_their_lines(octokit: str) -> None:
    wrong = octokit.replace('"#/components/schemas/simple-user"', '"#/components/schemas/nobody"')
    with pytest.raises(Problem) as caught:
        import_text(wrong, "github.json")
    rows = wrong.split("\n")
    assert len(caught.value.errors) == 100
    assert all(error.line and "nobody" in rows[error.line - 1] for error in caught.value.errors)


@pytest.mark.parametrize(
    "name",
    [
        "crapi.openapi.json",
        "juice-shop.openapi.yml",
        "payment-service.openapi.yaml",
        "petstore-expanded.openapi.yaml",
        "petstore.swagger2.yaml",
        "vampi.openapi.yml",
    ],
)
def test_calls_of_a_document_of_others_can_be_validated(name: str) -> None:
    found = import_text(shared_document(name), name)
    judges = _judges(found)
    assert len(judges) == len(found.operations)


def test_every_call_of_a_document_of_thirteen_megabytes_can_be_validated(octokit: str) -> None:
    found = import_text(octokit, "github.json")
    judges = _judges(found)
    assert len(judges) == len(found.operations)
    issue = judges["POST /repos/{owner}/{repo}/issues"]
    kind = {"content-type": "application/json"}
    assert issue.request("/repos/a/b/issues", kind, b'{"title":"x","labels":["bug"]}') is None
    assert issue.request("/repos/a/b/issues", kind, b'{"title":[]}') is not None


def _judges(found: ImportedDocument) -> dict[str, OperationJudge]:
    wanted = [Wanted(row, one.method, one.path) for row, one in enumerate(found.operations, 1)]
    made = make_contract("c", found.bundled, "", wanted)
    return {
        f"{one.method} {one.path}": OperationJudge(one, made.schemas) for one in made.operations
    }
