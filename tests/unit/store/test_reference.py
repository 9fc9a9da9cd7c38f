"""Does a reference read what was imported, anew after each import, and only its own?"""

import json

import pytest

from headgate.catalog.reference.operation import OperationView
from headgate.core.problems import Problem, ProblemType
from headgate.model.snapshot import KeyLocation, KeySource
from headgate.store.models import DocumentPart
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import apis, imports, reference, reference_parts
from headgate.store.services.catalog.reference import File, Reference
from tests.support.store import DOCUMENT, import_api, source


def _of(name: str = "pets") -> Reference:
    return reference.of(apis.served(name))


def _operation(slug: str) -> OperationView:
    return reference.operation(_of(), slug)


def test_an_import_makes_the_reference_and_an_operation_is_found_by_its_slug(admin: Actor) -> None:
    import_api(admin)
    found = _of()
    assert [entry.slug for entry in found.index.entries][:1] == ["listPets"]
    assert _operation("getPet").entry.path == "/pets/{id}"
    with pytest.raises(Problem) as wrong:
        _operation("nothing")
    assert wrong.value.type is ProblemType.NOT_FOUND


def test_another_document_has_another_reference(admin: Actor) -> None:
    import_api(admin)
    before = DocumentPart.objects.count()
    changed = DOCUMENT.replace("One pet", "A single pet")
    imports.import_document(admin, name="pets", source=source(changed), update=True)
    assert _operation("getPet").responses[0].description == "A single pet"
    assert DocumentPart.objects.count() == before


def test_parts_that_another_form_made_are_made_again(
    admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_api(admin)
    monkeypatch.setattr(reference_parts, "FORM", reference_parts.FORM + 1)
    monkeypatch.setattr(reference_parts, "_kept", reference_parts._Kept())
    assert _operation("getPet").entry.id == "getPet"


def test_only_so_many_indexes_are_kept() -> None:
    kept = reference_parts._Kept()
    for number in range(reference_parts.INDEXES_KEPT_MAX + 5):
        kept.get((str(number), "index"), object)
    assert len(kept._found) == reference_parts.INDEXES_KEPT_MAX


def test_the_server_is_the_gateways_and_the_key_stands_where_it_looks(
    admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_api(admin)
    monkeypatch.setenv("HEADGATE_GATEWAY_URL", "https://api.example.com")
    apis.update(admin, "pets", key_sources=[KeySource(KeyLocation.BEARER)])
    found = _of()
    assert found.server == "https://api.example.com/pets"
    call = reference.call(found, reference.operation(found, "getPet"))
    assert call.key is not None
    assert call.key.prefix == "Bearer "
    apis.update(admin, "pets", is_open=True)
    assert reference.call(_of(), _operation("getPet")).key is None


def test_a_search_finds_operations(admin: Actor) -> None:
    import_api(admin)
    assert reference.search(_of(), "pet get")[0].id == "getPet"
    assert reference.search(_of(), "unicorn") == ()


@pytest.mark.parametrize("file", list(File))
def test_every_file_is_made_and_the_same_twice(admin: Actor, file: File) -> None:
    import_api(admin)
    first, second = (reference.download(admin, "pets", file) for _ in range(2))
    assert first == second
    assert first.body
    assert first.name == f"pets-{file}"


def test_a_download_names_the_gateway_and_nothing_of_the_upstream(admin: Actor) -> None:
    import_api(admin)
    found = json.loads(reference.download(admin, "pets", File.OPENAPI_JSON).body)
    assert found["servers"] == [{"url": "http://localhost:8080/pets"}]
    assert list(found["components"]["securitySchemes"]) == ["gateway_header_x_api_key"]


def test_a_download_of_what_is_not_there_is_not_found(admin: Actor) -> None:
    with pytest.raises(Problem) as wrong:
        reference.download(admin, "nothing", File.POSTMAN)
    assert wrong.value.type is ProblemType.NOT_FOUND
