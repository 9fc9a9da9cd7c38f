"""What is exported can be applied, and a second apply makes no change."""

from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from headgate.catalog.document import DocumentSource, Fetched
from headgate.core.problems import Problem, ProblemType
from headgate.model.snapshot import PolicyUse
from headgate.store.models import AuditEntry, Organization, Product, Revision
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import apis, imports, plans, products
from headgate.store.services.configuration import desired_state
from headgate.store.services.configuration.desired_state import Change, ChangeAction
from headgate.store.services.consumers import applications, credentials, subscriptions
from headgate.store.services.gateway import gateways, policies, publishing
from tests.support.store import DOCUMENT, UPSTREAM, subscribed_key

LIMIT = PolicyUse("request_size", {"body_max": "1kB"})
API = {
    "kind": "api",
    "name": "pets",
    "base_path": "/pets",
    "upstream": "http://127.0.0.1:9000/v1",
    "document": {"entry": "openapi.yaml", "files": {"openapi.yaml": DOCUMENT}},
    "gateways": ["default"],
}


def filled(admin: Actor) -> list[dict[str, Any]]:
    """The export of a store that has one of everything."""
    subscribed_key(admin)
    policies.set_api(admin, "pets", [LIMIT])
    policies.set_operation(admin, "pets", "getPet", [LIMIT])
    policies.set_gateway(admin, "default", [LIMIT])
    gateways.create(admin, name="staging", title="Staging")
    publishing.publish(admin, "pets")
    return desired_state.export(admin)


def empty(admin: Actor) -> None:
    """Take everything away again, but for the gateways."""
    applications.delete(admin, "acme/demo")
    publishing.unpublish(admin, "pets")
    products.update(admin, "basic", apis=[])
    apis.delete(admin, "pets")
    products.delete(admin, "basic")
    desired_state.apply(admin, [], prune=True)


def test_what_was_exported_is_applied_without_a_change(admin: Actor) -> None:
    documents = filled(admin)
    entries, revisions = AuditEntry.objects.count(), Revision.objects.count()
    assert desired_state.apply(admin, documents) == []
    assert desired_state.apply(admin, documents, prune=True) == []
    assert (AuditEntry.objects.count(), Revision.objects.count()) == (entries, revisions)


def test_an_export_brings_everything_back_but_keys(admin: Actor) -> None:
    documents = filled(admin)
    empty(admin)
    changes = desired_state.apply(admin, documents)
    assert [(change.action, change.kind) for change in changes] == [
        (ChangeAction.CREATE, kind)
        for kind in ("api", "product", "plan", "organization", "application", "subscription")
    ]
    assert desired_state.export(admin) == documents
    assert credentials.page(admin, application="acme/demo").items == ()
    assert gateways.published_on(apis.version(apis.find("pets"))) == ["default"]


def test_an_export_survives_yaml(admin: Actor) -> None:
    documents = filled(admin)
    text = desired_state.write_yaml(documents)
    assert desired_state.parse_yaml(text) == documents
    assert "\n      openapi: 3.0.3\n" in text.replace("        ", "      ")  # readable, not escaped


def test_no_secret_is_exported(admin: Actor) -> None:
    issued = subscribed_key(admin)
    text = desired_state.write_yaml(desired_state.export(admin))
    assert issued.secret.sha256 not in text
    assert issued.credential.id not in text


def test_a_document_that_was_fetched_comes_back_without_the_network(admin: Actor) -> None:
    text = DOCUMENT.replace("{description: One pet}", "{$ref: 'answers.yaml#/One'}")
    pages = {"https://specs.example/answers.yaml": "One: {description: One pet}"}
    imports.import_document(
        admin,
        name="pets",
        source=DocumentSource({"pets.yaml": text}, "pets.yaml", "https://specs.example/pets.yaml"),
        upstream=UPSTREAM,
        base_path="/pets",
        allow_remote_refs=True,
        fetch=lambda url: Fetched(url, pages[url]),
    )
    documents = desired_state.export(admin)
    bundled = apis.document(admin, "pets").bundled
    apis.delete(admin, "pets")
    assert len(desired_state.apply(admin, documents)) == 1
    assert desired_state.export(admin) == documents
    assert apis.document(admin, "pets").bundled == bundled


def test_every_kind_of_limit_comes_back_as_it_was_exported(admin: Actor) -> None:
    documents = filled(admin)
    for document in documents:
        if document["kind"] == "plan":
            document |= {
                "rates": ["10/second+20 shadow"],
                "quotas": ["1000/month@15"],
                "concurrent": 5,
            }
        if document["kind"] == "api":
            document["policies"] = [
                {"kind": "cost", "settings": {"units": 10}},
                {"kind": "rate_limit", "settings": {"concurrent": "3 shadow", "per": "credential"}},
            ]
    assert len(desired_state.apply(admin, documents)) == 2
    assert desired_state.apply(admin, documents) == []
    exported = desired_state.export(admin)
    plan = next(one for one in exported if one["kind"] == "plan")
    assert (plan["quotas"], plan["concurrent"]) == (["1000/month@15"], "5")
    assert desired_state.apply(admin, exported) == []


def test_one_changed_field_is_one_change(admin: Actor) -> None:
    documents = filled(admin)
    for document in documents:
        if document["kind"] == "plan":
            document["quotas"] = ["2000/month"]
        if document["kind"] == "api":
            document["upstream"] = "http://127.0.0.1:9100"
    assert desired_state.apply(admin, documents) == [
        Change(ChangeAction.UPDATE, "api", "pets", ("upstream",)),
        Change(ChangeAction.UPDATE, "plan", "basic/free", ("quotas",)),
    ]
    assert plans.quotas(plans.get(admin, "basic/free")) == ["2000/month"]
    assert gateways.find("default").revision == 2  # the API is live, so its change is too
    assert desired_state.apply(admin, documents) == []


def test_fields_that_are_left_out_stay_as_they_are(admin: Actor) -> None:
    filled(admin)
    assert desired_state.apply(admin, [{"kind": "product", "name": "basic", "title": "New"}]) == [
        Change(ChangeAction.UPDATE, "product", "basic", ("title",))
    ]
    assert products.api_names(products.get(admin, "basic")) == ["pets"]


def test_a_dry_run_says_the_same_and_changes_nothing(admin: Actor) -> None:
    dry = desired_state.apply(admin, [API], dry_run=True)
    assert apis.page(admin).items == ()
    assert gateways.find("default").revision == 0
    assert desired_state.apply(admin, [API]) == dry
    assert desired_state.apply(admin, [API], dry_run=True) == []


def test_pruning_deletes_what_no_document_names(admin: Actor) -> None:
    documents = filled(admin)
    kept = [document for document in documents if document["kind"] in ("organization", "gateway")]
    changes = desired_state.apply(admin, kept, prune=True)
    assert {(change.action, change.kind) for change in changes} == {
        (ChangeAction.DELETE, kind)
        for kind in ("subscription", "application", "plan", "product", "api")
    }
    assert [document["kind"] for document in desired_state.export(admin)] == [
        "gateway",
        "gateway",
        "organization",
    ]


def test_without_pruning_nothing_is_deleted(admin: Actor) -> None:
    documents = filled(admin)
    assert desired_state.apply(admin, []) == []
    assert desired_state.export(admin) == documents


def test_every_mistake_is_named_by_document_and_place_and_nothing_is_changed(
    admin: Actor,
) -> None:
    broken = DOCUMENT.replace("{description: One pet}", "{$ref: '#/nothing'}")
    files = {"entry": "openapi.yaml", "files": {"openapi.yaml": broken}}
    with pytest.raises(Problem) as caught:
        desired_state.apply(
            admin,
            [
                {"kind": "organization", "name": "acme"},
                {"kind": "plan", "name": "basic/free", "rates": ["5/second", "ten"]},
                {"kind": "nothing", "name": "x"},
                API | {"upstream": "nowhere"},
                API | {"name": "dogs", "document": files},
                {"kind": "organization", "name": "acme"},
                {"kind": "product", "name": "basic", "colour": "red"},
                "text",
            ],
        )
    assert caught.value.type is ProblemType.INVALID_INPUT
    pointers = [error.pointer for error in caught.value.errors]
    assert "/1/rates/1" in pointers
    assert "/2" in pointers
    assert "/3/upstream" in pointers
    assert any(pointer.startswith("/4/document") for pointer in pointers)
    assert "/5" in pointers
    assert "/6/colour" in pointers
    assert "/7" in pointers
    assert not Organization.objects.exists()


def test_mistakes_that_only_the_store_can_see_are_named_together(admin: Actor) -> None:
    with pytest.raises(Problem) as caught:
        desired_state.apply(
            admin,
            [
                {"kind": "product", "name": "basic", "apis": ["nothing"]},
                {"kind": "application", "name": "nobody/demo"},
                {"kind": "organization", "name": "Not a name"},
                {"kind": "api", "name": "pets", "base_path": "/pets"},
            ],
        )
    pointers = {error.pointer for error in caught.value.errors}
    assert pointers == {"/0/apis/0", "/1", "/2/name", "/3/upstream"}
    assert not Product.objects.exists()


def test_mistakes_in_policies_are_named_where_they_stand(admin: Actor) -> None:
    filled(admin)
    wrong = [{"kind": "nothing"}]
    documents = [
        {"kind": "gateway", "name": "default", "policies": wrong},
        {"kind": "api", "name": "pets", "operations": {"getPet": {"policies": wrong}}},
        API | {"name": "dogs", "base_path": "/dogs", "policies": wrong},
    ]
    with pytest.raises(Problem) as caught:
        desired_state.apply(admin, documents)
    assert [error.pointer for error in caught.value.errors] == [
        "/0/policies/0/kind",
        "/1/operations/getPet/policies/0/kind",
        "/2/policies/0/kind",
    ]


def test_all_apis_are_published_in_one_revision(admin: Actor) -> None:
    many = [API | {"name": f"api-{n}", "base_path": f"/api-{n}"} for n in range(5)]
    desired_state.apply(admin, many)
    assert gateways.find("default").revision == 1
    assert gateways.published_on(apis.version(apis.find("api-3"))) == ["default"]
    moved = [many[0] | {"gateways": []}, many[1] | {"upstream": "http://127.0.0.1:9100"}]
    assert len(desired_state.apply(admin, moved)) == 2
    assert gateways.find("default").revision == 2
    assert gateways.published_on(apis.version(apis.find("api-0"))) == []


def test_an_unknown_gateway_takes_everything_back(admin: Actor) -> None:
    with pytest.raises(Problem, match="There is no gateway 'moon'"):
        desired_state.apply(admin, [API | {"gateways": ["moon"]}])
    assert apis.page(admin).items == ()


def test_subscriptions_follow_their_plan(admin: Actor) -> None:
    documents = filled(admin)
    plans.create(admin, product="basic", name="gold")
    documents[-1]["plan"] = "basic/gold"
    changes = desired_state.apply(admin, documents)
    assert changes == [Change(ChangeAction.UPDATE, "subscription", "acme/demo basic", ("plan",))]
    assert subscriptions.page(admin).items[0].plan.name == "gold"


def test_only_administrators_see_or_apply_the_configuration(admin: Actor) -> None:
    for actor in (replace(admin, scopes=frozenset()), replace(admin, organization="acme")):
        with pytest.raises(Problem):
            desired_state.export(actor)
        with pytest.raises(Problem):
            desired_state.apply(actor, [])


@pytest.mark.parametrize("text", ["a: [", "a: &x 1\nb: *x", "\x00", "!!python/object:os.system {}"])
def test_a_text_that_is_no_yaml_or_a_trick_is_refused(text: str) -> None:
    with pytest.raises(Problem) as caught:
        desired_state.parse_yaml(text)
    assert caught.value.type is ProblemType.INVALID_INPUT


@given(st.text())
def test_any_text_comes_back_from_yaml_as_it_was(text: str) -> None:
    try:
        written = desired_state.write_yaml([{"text": text}])
    except UnicodeEncodeError:
        return
    assert yaml.safe_load(written) == {"text": text}
