"""Does docs/policies.md say what the policies say of themselves?"""

from headgate.gateway.policies.jwt import Issuer
from headgate.gateway.policy import policies
from headgate.gateway.reference import page
from tests.project.tree import ROOT


def test_the_page_of_the_policies_is_the_one_that_the_registry_makes() -> None:
    written = (ROOT / "docs" / "policies.md").read_text()
    assert written == page(), (
        "run: .venv/bin/python -m headgate.gateway.reference > docs/policies.md"
    )


def test_every_setting_of_every_policy_is_on_the_page() -> None:
    written = (ROOT / "docs" / "policies.md").read_text()
    for name, kind in policies.items():
        section = written.split(f"## {name}\n")[1].split("\n## ")[0]
        assert [f for f in kind.model_fields if f"| `{f}` |" not in section] == []


def test_so_are_the_settings_of_each_item_of_a_list() -> None:
    written = (ROOT / "docs" / "policies.md").read_text()
    section = written.split("## jwt\n")[1].split("\n## ")[0]
    assert [f for f in Issuer.model_fields if f"| `issuers[].{f}` |" not in section] == []
