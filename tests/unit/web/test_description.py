"""Is the OpenAPI document made of schemas that cannot be mistaken for one another?"""

import importlib
import json
import pkgutil
from collections import Counter

from pydantic import BaseModel
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

import headgate.web.api as package
from headgate.catalog.document import DocumentSource
from headgate.catalog.importer import import_document
from headgate.web.api.openapi import PROBLEM_SCHEMA, document


def test_no_two_schemas_have_the_same_name() -> None:
    """Ninja would silently let the last one win."""
    models: set[type[BaseModel]] = set()
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, BaseModel) and "[" not in str(value):
                models.add(value)
    counted = Counter(model.__name__ for model in models)
    assert [name for name, count in counted.items() if count > 1] == []


def test_the_document_is_valid_and_our_own_importer_takes_it() -> None:
    found = document(package.api)
    errors = list(OPENAPI_31_VALIDATOR.iter_errors(found))
    assert [(error.instance_path, error.message) for error in errors] == []
    source = DocumentSource({"openapi.json": json.dumps(found)}, "openapi.json")
    imported = import_document(source, allow_remote_refs=False, fetch=None)
    assert len(imported.operations) == sum(len(item) for item in found["paths"].values())
    assert imported.warnings == ()


def test_every_problem_answer_has_the_problem_schema() -> None:
    components = document(package.api)["components"]
    assert components["schemas"]["Problem"] == PROBLEM_SCHEMA
    for response in components["responses"].values():
        content = response["content"]["application/problem+json"]
        assert content["schema"] == {"$ref": "#/components/schemas/Problem"}


def test_creates_may_be_repeated_and_changes_guarded() -> None:
    for path, item in document(package.api)["paths"].items():
        for method, operation in item.items():
            references = {p.get("$ref", "").rpartition("/")[2] for p in operation["parameters"]}
            expected = {"post": "Idempotency-Key", "get": "If-None-Match"}.get(method, "If-Match")
            if path != "/api/v1/health":
                assert expected in references, f"{method} {path}"
