"""What services and rules say is read in German on German pages, with its values as they were."""

import pytest
from django.utils import translation

from headgate.catalog.dialect import Side
from headgate.catalog.document import DocumentSource
from headgate.catalog.importer import import_document
from headgate.catalog.reference.parts import from_document
from headgate.catalog.reference.tree import Tree
from headgate.core.phrases import phrase
from headgate.core.problems import Problem
from headgate.gateway.policy import mistakes
from headgate.model.limits import LimitKind, parse_limit
from headgate.model.snapshot import PolicyUse
from headgate.store.services.actor import not_found
from headgate.store.services.values import check_name, refused
from headgate.web.site.tags import prose
from headgate.web.site.words import refusal, said
from tests.support.documents import openapi


def test_a_refusal_is_said_with_its_values_and_names_stay_names() -> None:
    problem = not_found("organization", "keys")
    assert refusal(problem) == (
        "There is no organization 'keys'. Check the name, or list what there is."
    )
    with translation.override("de"):
        assert said(problem.detail) == "Nicht gefunden: Organisation „keys“."


def test_what_a_rule_says_stands_in_what_a_service_says() -> None:
    with pytest.raises(ValueError, match="not a rate limit") as caught:
        parse_limit(LimitKind.RATE, "many")
    with pytest.raises(Problem) as named:
        check_name("No Name")
    with translation.override("de"):
        assert said(phrase("{error}.", error=caught.value)) == (
            "'many' ist keine Grenze der Art rate; schreiben Sie sie wie 10/second."
        )
        assert "'No Name' ist kein Name" in said(named.value.errors[0].message)


def test_what_has_no_words_in_german_is_said_as_it_is() -> None:
    with translation.override("de"):
        assert refusal(refused("Nobody wrote this down.", "")) == "Nobody wrote this down."


def test_limits_of_a_schema_are_said_in_german() -> None:
    thing = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 5}}}
    parts = from_document(openapi("3.1.0", components={"schemas": {"Thing": thing}}))
    (name,) = Tree(parts, Side.RESPONSE).root("/components/schemas/Thing", 1).children
    assert name.limits == ("at most 5 characters",)
    with translation.override("de"):
        assert said(name.limits[0]) == "höchstens 5 Zeichen"


def test_findings_of_a_document_are_said_in_german_and_begin_as_sentences_do() -> None:
    parameter = "{name: q, in: query, schemas: {}}"
    text = "openapi: 3.0.0\ninfo: {title: 4, version: 1.0.0}\npaths:\n  /a:\n    get:\n"
    text += f"      parameters: [{parameter}]\n      responses: {{default: {{description: x}}}}\n"
    found = import_document(DocumentSource({"a.yaml": text}, "a.yaml")).warnings
    assert [one.message for one in found][:2] == [
        "'title' must be a text, not a number; put it in quotes",
        "A parameter has no field 'schemas'; is it 'schema'?",
    ]
    with translation.override("de"):
        assert [said(one.message) for one in found][:2] == [
            "'title' muss ein Text sein, nicht eine Zahl; setzen Sie es in Anführungszeichen",
            "Ein Parameter hat kein Feld 'schemas'; meinen Sie 'schema'?",
        ]


def test_a_refused_document_is_refused_in_german() -> None:
    source = DocumentSource({"a.yaml": "openapi: 3.0.0\npaths: {pets: {}}\n"}, "a.yaml")
    with pytest.raises(Problem) as caught:
        import_document(source)
    assert caught.value.detail == (
        "a.yaml has 1 mistake: The path 'pets' must start with '/' (line 2)."
    )
    with translation.override("de"):
        assert said(caught.value.detail) == (
            "a.yaml hat 1 Fehler: Der Pfad 'pets' muss mit '/' beginnen (Zeile 2)."
        )


def test_what_is_wrong_with_settings_is_said_in_german() -> None:
    settings = {"allow_origins": ["nothing"], "max_age_seconds": 90_000}
    found = mistakes(PolicyUse("cors", settings), "")
    assert found[1].message == "cors: Input should be less than or equal to 86400"
    with translation.override("de"):
        assert [said(one.message) for one in found] == [
            "cors: 'nothing' ist kein Origin; schreiben Sie ihn wie https://example.com",
            "cors: Der Wert darf höchstens 86400 sein",
        ]


def test_what_stands_in_backticks_is_code_and_nothing_is_markup() -> None:
    assert prose("The `a<b` of <i> is `") == "The <code>a&lt;b</code> of &lt;i&gt; is `"
