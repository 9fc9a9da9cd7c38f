"""Only one module says which organization's and which team's things an actor may know of."""

import re
from pathlib import Path

SERVICES = Path(__file__).parents[2] / "src" / "headgate" / "store" / "services"
OWN_RULE = re.compile(r"organization__name\"?\s*[:=]\s*actor\.organization|team__in=actor")
PEOPLE = "memberships__organization__name=actor.organization"  # who belongs there, not what


def test_no_service_has_a_rule_of_its_own() -> None:
    found = {
        path.name
        for path in SERVICES.rglob("*.py")
        if OWN_RULE.search(path.read_text().replace(PEOPLE, ""))
    }
    assert found <= {"reach.py"}, "ask `reach.within` or `reach.of_organization` instead"
