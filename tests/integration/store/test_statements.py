"""Does any page or list ask the database more often, or offer more, when there is more to show?"""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.support.processes_of_store import ROOT, Environment
from tests.support.statements import LOOP

FEW, MANY = 5, 200
ASKED = (
    "/console/keys",
    "/console/keys?format=json",
    "/console/access",
    "/console/feedback",
    "/console/sensitive",
    "/console/webhooks",
    "/applications",
    "/apis/pets/access",
    "/apis/pets/changelog",
    "/organization/webhooks",
    "/teams/acme/payments",
)
FORMS = (  # in which one of many rows is chosen
    "/apis/pets/access",
    "/teams/acme/payments/add",
    "/console/teams/acme/payments/add",
    "/console/applications/acme/demo/subscribe",
    "/console/products/basic/edit",
)
ELEMENTS_MAX = 300  # of such a form's page, of which some fifty are choices
SECONDS_MAX = 1600  # it takes a minute of computing
pytestmark = [pytest.mark.integration, pytest.mark.timeout(SECONDS_MAX + 60)]


@pytest.fixture
def counted(environment: Environment) -> dict[str, Any]:
    """How many statements each page and list took with few and with many rows, and how many
    elements a page has with many.
    """
    ran = subprocess.run(
        [sys.executable, "-m", "tests.support.statements", str(FEW), str(MANY)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    found: dict[str, Any] = json.loads(ran.stdout.split("\n")[-2])
    return found


def test_no_page_and_no_list_asks_more_often_or_offers_more_for_more_rows(
    counted: dict[str, Any],
) -> None:
    statements = counted["statements"]
    few, many = statements.pop(LOOP)
    assert many - few == (MANY - FEW) * 2  # in other organizations, and in acme
    assert {name: counts for name, counts in statements.items() if counts[1] > counts[0]} == {}
    assert {f"GET {address}" for address in ASKED} <= set(statements)
    assert any(name.endswith("/deliveries?format=json") for name in statements)
    assert sum(name.startswith("list") for name in statements) > 20
    forms = {address: counted["elements"].get(address, 0) for address in FORMS}
    assert {address: n for address, n in forms.items() if not 0 < n <= ELEMENTS_MAX} == {}
