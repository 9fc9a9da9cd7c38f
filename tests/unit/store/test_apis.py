"""An API is imported whole or not at all, and keeps its rows through re-imports."""

import pytest

from headgate.catalog.changes import ChangeKind
from headgate.catalog.document import DocumentSource
from headgate.core.problems import Problem, ProblemType
from headgate.model.snapshot import KeyLocation, KeySource, PolicyUse, Upstream, UpstreamHost
from headgate.store.models import API, APIVersion, AuditEntry, Document, Operation
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import apis, imports, products
from headgate.store.services.consumers import applications, subscriptions
from headgate.store.services.gateway import policies, publishing
from tests.support.store import DOCUMENT, UPSTREAM, import_api, source, subscribed_key

LIMIT = PolicyUse("request_size", {"body_max": "1kB"})


def rows(name: str = "pets") -> dict[str, int]:
    version = APIVersion.objects.get(api__name=name, removed_at=None)
    found = version.operations.filter(removed_at=None)
    return {operation.id: operation.pk for operation in found}


def test_an_imported_api_has_its_operations_and_both_documents(admin: Actor) -> None:
    imported = import_api(admin)
    assert imported.is_new
    assert set(rows()) == {"listPets", "addPet", "getPet"}
    document = apis.document(admin, "pets")
    assert document.original == {"entry": "openapi.yaml", "files": {"openapi.yaml": DOCUMENT}}
    assert document.bundled["info"]["title"] == "Pets"
    assert apis.get(admin, "pets").title == "Pets"


def test_a_document_with_mistakes_leaves_nothing_behind(admin: Actor) -> None:
    broken = DOCUMENT.replace("{description: One pet}", "{$ref: '#/nothing'}")
    with pytest.raises(Problem) as caught:
        imports.import_document(
            admin, name="pets", source=source(broken), upstream=UPSTREAM, base_path="/pets"
        )
    assert caught.value.type is ProblemType.INVALID_DOCUMENT
    assert caught.value.errors[0].line is not None
    for model in (API, APIVersion, Document, Operation, AuditEntry):
        assert not model.objects.exists()


def test_a_taken_name_or_base_path_is_refused_before_anything_changes(admin: Actor) -> None:
    import_api(admin)
    with pytest.raises(Problem, match="already an API 'pets'"):
        import_api(admin, base_path="/other")
    with pytest.raises(Problem, match="'pets' has the base path '/pets' already"):
        import_api(admin, "dogs", base_path="/pets/")
    assert API.objects.count() == 1


def test_an_upstream_that_does_not_resolve_is_refused(admin: Actor) -> None:
    asked = []

    def resolve(host: str) -> bool:
        asked.append(host)
        return host != "nowhere.example"

    upstream = Upstream(hosts=(UpstreamHost("a.example", 80), UpstreamHost("nowhere.example", 80)))
    with pytest.raises(Problem) as caught:
        imports.import_document(
            admin,
            name="pets",
            source=source(),
            upstream=upstream,
            base_path="/pets",
            resolve=resolve,
        )
    assert caught.value.type is ProblemType.UNREACHABLE
    assert caught.value.errors[0].pointer == "/upstream/hosts/1/host"
    assert asked == ["a.example", "nowhere.example"]
    assert not API.objects.exists()


@pytest.mark.parametrize(
    "host", [UpstreamHost("", 80), UpstreamHost("a/b", 80), UpstreamHost("a", 0)]
)
def test_an_upstream_that_is_none_is_refused(admin: Actor, host: UpstreamHost) -> None:
    import_api(admin)
    with pytest.raises(Problem) as caught:
        apis.update(admin, "pets", upstream=Upstream(hosts=(host,)))
    assert caught.value.type is ProblemType.INVALID_INPUT


def test_operations_keep_their_row_through_re_imports(admin: Actor) -> None:
    import_api(admin)
    before = rows()
    changed = DOCUMENT.replace("addPet", "createPet").replace(
        "  /pets/{id}:\n    get:", "  /animals/{id}:\n    get:"
    )
    imported = imports.reimport(admin, "pets", source=source(changed))
    after = rows()
    assert not imported.is_new
    assert after["listPets"] == before["listPets"]
    assert after["getPet"] == before["getPet"]  # another path, the same id
    assert after["createPet"] == before["addPet"]  # another id, the same method and path
    assert {change.kind for change in imported.changes} == {ChangeKind.CHANGED}


def test_an_operation_that_comes_back_has_its_old_row_and_policies(admin: Actor) -> None:
    import_api(admin)
    before = rows()
    policies.set_operation(admin, "pets", "getPet", [LIMIT])
    without = DOCUMENT[: DOCUMENT.index("  /pets/{id}:")]
    removed = imports.reimport(admin, "pets", source=source(without))
    assert [(c.kind, c.operation) for c in removed.changes] == [(ChangeKind.REMOVED, "getPet")]
    assert "getPet" not in rows()
    added = imports.reimport(admin, "pets", source=source())
    assert [(c.kind, c.operation) for c in added.changes] == [(ChangeKind.ADDED, "getPet")]
    assert rows() == before
    assert policies.of_operation(admin, "pets", "getPet") == (LIMIT,)


def test_the_same_document_again_changes_nothing(admin: Actor) -> None:
    import_api(admin)
    entries = AuditEntry.objects.count()
    imported = imports.reimport(admin, "pets", source=source())
    assert imported.changes == ()
    assert AuditEntry.objects.count() == entries


def test_update_imports_again_and_moves_the_api(admin: Actor) -> None:
    import_api(admin)
    imported = imports.import_document(
        admin,
        name="pets",
        source=DocumentSource({"api.yaml": DOCUMENT}, "api.yaml"),
        upstream=UPSTREAM,
        base_path="/animals",
        update=True,
    )
    assert not imported.is_new
    assert apis.version(apis.get(admin, "pets")).base_path == "/animals"


def test_what_is_edited_comes_back(admin: Actor) -> None:
    import_api(admin)
    sources = (KeySource(KeyLocation.BEARER), KeySource(KeyLocation.QUERY, "key"))
    apis.update(admin, "pets", title="Animals", key_sources=sources, is_open=True, base_path="/")
    served = apis.version(apis.get(admin, "pets"))
    assert (served.api.title, served.base_path) == ("Animals", "")
    assert served.key_sources == sources
    assert served.is_open


def test_a_published_or_subscribed_api_is_not_deleted(admin: Actor) -> None:
    subscribed_key(admin)
    publishing.publish(admin, "pets")
    with pytest.raises(Problem, match="published on the gateway 'default'"):
        apis.delete(admin, "pets")
    publishing.unpublish(admin, "pets")
    with pytest.raises(Problem, match="to which 'acme/demo' is subscribed"):
        apis.delete(admin, "pets")
    subscriptions.cancel(admin, subscriptions.page(admin).items[0].id)
    apis.delete(admin, "pets")
    assert apis.page(admin).items == ()
    assert products.api_names(products.get(admin, "basic")) == []


def test_an_api_of_the_same_name_after_deletion_has_new_rows(admin: Actor) -> None:
    import_api(admin)
    before = rows()
    apis.delete(admin, "pets")
    import_api(admin)
    assert min(rows().values()) > max(before.values())


def test_policies_are_replaced_whole_and_every_mistake_is_named(admin: Actor) -> None:
    import_api(admin)
    assert policies.set_api(admin, "pets", [LIMIT]) == (LIMIT,)
    with pytest.raises(Problem) as caught:
        policies.set_api(
            admin,
            "pets",
            [PolicyUse("nothing"), PolicyUse("request_size", {"body_max": "-1"}), LIMIT],
        )
    pointers = [error.pointer for error in caught.value.errors]
    assert pointers[0] == "/0/kind"
    assert pointers[1].startswith("/1/settings")
    assert "/2/kind" in pointers
    assert policies.of_api(admin, "pets") == (LIMIT,)
    assert policies.set_api(admin, "pets", []) == ()


def test_policies_of_an_unknown_operation_are_not_found(admin: Actor) -> None:
    import_api(admin)
    applications.page(admin)
    with pytest.raises(Problem) as caught:
        policies.of_operation(admin, "pets", "nothing")
    assert caught.value.type is ProblemType.NOT_FOUND
