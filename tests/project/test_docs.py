"""Do the documents agree with the code?"""

import re

from headgate.core.problems import ProblemType
from headgate.gateway.envoy.answers import FILTER_ANSWERS
from headgate.gateway.envoy.envoy_answers import ENVOY_ANSWERS
from headgate.model.record import Verdict
from tests.project.tree import ROOT, tracked


def _sections(document: str) -> set[str]:
    return set(re.findall(r"^### ([a-z-]+)$", (ROOT / document).read_text(), re.MULTILINE))


def test_every_problem_and_every_verdict_is_explained() -> None:
    explained = _sections("docs/problems.md")
    kinds = {str(kind) for kind in ProblemType}
    verdicts = {verdict.replace("_", "-") for verdict in Verdict}
    assert kinds | verdicts <= explained


def test_every_answer_of_the_gateway_is_explained_with_its_status() -> None:
    text = (ROOT / "docs/problems.md").read_text()
    parts = re.split(r"^### ([a-z-]+)$", text, flags=re.MULTILINE)
    explained = dict(zip(parts[1::2][::-1], parts[2::2][::-1], strict=True))  # the gateway's first
    wrong = [
        f"{answer.type}: {answer.status}"
        for answer in (*FILTER_ANSWERS, *ENVOY_ANSWERS)
        if str(answer.status or "") not in explained.get(answer.type, "")
    ]
    assert wrong == []


def test_no_problem_is_explained_that_does_not_exist() -> None:
    kinds = {str(kind) for kind in ProblemType} | {v.replace("_", "-") for v in Verdict}
    assert _sections("docs/problems.md") <= kinds


def test_every_link_between_documents_leads_somewhere() -> None:
    dead = []
    for path in tracked("*.md"):
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text()):
            if not (path.parent / target).exists():
                dead.append(f"{path.relative_to(ROOT)} → {target}")
    assert dead == []


def test_every_decision_is_in_the_list() -> None:
    listed = (ROOT / "docs" / "decisions" / "README.md").read_text()
    pages = [p.name for p in tracked("docs/decisions/0*.md")]
    assert [page for page in pages if page not in listed] == []


def test_every_kind_of_extension_has_a_recipe_of_at_most_six_lines() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text().split("## Recipes")[1]
    recipes = {
        title: re.findall(r"^\d\. ", steps, re.MULTILINE)
        for title, steps in re.findall(
            r"^\*\*(.+?)\*\*(.*?)(?=^\*\*|\Z)", text, re.MULTILINE | re.DOTALL
        )
    }
    assert {"A policy", "A command", "A REST resource"} <= set(recipes)
    assert all(0 < len(steps) <= 6 for steps in recipes.values())
    registries = {
        package
        for path in tracked("src/*.py")
        for package in re.findall(r"= Registry\(\"headgate\.([a-z.]+)\"\)", path.read_text())
    }
    assert registries
    for package in registries:
        assert f"src/headgate/{package.replace('.', '/')}/" in text


def test_every_setting_of_the_environment_is_documented() -> None:
    named = set()
    for path in tracked("src/*.py"):
        named |= set(re.findall(r"\"(HEADGATE_[A-Z_]+)\"", path.read_text()))
    documented = (ROOT / "docs" / "settings.md").read_text()
    assert {name for name in named if name not in documented} == set()
