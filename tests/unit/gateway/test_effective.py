"""Where does each policy of an operation come from, and are two that exclude each other named?"""

from typing import Any, ClassVar

import pytest

from headgate.gateway.compile import check
from headgate.gateway.effective import Place, effective
from headgate.gateway.policy import Policy, Stage, policies
from headgate.model.snapshot import PolicyUse, Snapshot
from tests.support.proxy import api

SIZE = PolicyUse("request_size", {"body_max": "1kB"})
OTHER_SIZE = PolicyUse("request_size", {"body_max": "2kB"})
LIMIT = PolicyUse("rate_limit", {"rates": ["5/s"]})
CORS = PolicyUse("cors", {"allow_origins": ["https://a.example"]})


def test_the_most_specific_place_replaces_and_is_named_as_the_one_that_does() -> None:
    found = effective([Place("gateway g", "", (SIZE, CORS)), Place("API a", "", (OTHER_SIZE,))])
    assert [(one.use.kind, one.place, one.replaced_by) for one in found] == [
        ("cors", "gateway g", ""),
        ("request_size", "API a", ""),
        ("request_size", "gateway g", "API a"),
    ]


def test_a_kind_that_adds_up_holds_from_every_place() -> None:
    found = effective([Place("API a", "", (LIMIT,)), Place("operation o", "", (LIMIT,))])
    assert [(one.place, one.replaced_by) for one in found] == [("API a", ""), ("operation o", "")]


@pytest.fixture
def excluding(monkeypatch: pytest.MonkeyPatch) -> None:
    class Alone(Policy):
        """Stands beside no `cors`."""

        stage: ClassVar[Stage] = Stage.TRAFFIC
        example: ClassVar[dict[str, Any]] = {}
        excludes: ClassVar[frozenset[str]] = frozenset({"cors"})

    list(policies)  # found before one more is put beside them
    monkeypatch.setitem(policies._found, "alone", Alone)


@pytest.mark.usefixtures("excluding")
def test_kinds_that_exclude_each_other_are_refused_with_both_places() -> None:
    served = api("GET /x", policies=[CORS], of_operation={"GET /x": (PolicyUse("alone"),)})
    (found,) = check(Snapshot(1, "default", (served,)))
    assert found.pointer == "/apis/0/operations/0/policies/0"
    assert "'alone' cannot stand beside 'cors'" in found.message
    assert "/apis/0/policies/0" in found.message


@pytest.mark.usefixtures("excluding")
def test_kinds_that_exclude_each_other_may_stand_at_different_operations() -> None:
    attached = {"GET /x": (PolicyUse("alone"),), "GET /y": (CORS,)}
    assert check(Snapshot(1, "default", (api("GET /x", "GET /y", of_operation=attached),))) == []
