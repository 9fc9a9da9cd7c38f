"""Does `make bench` say of every policy what it costs, and of every budget whether it is kept?"""

from bench.__main__ import SUITES
from bench.policy_cases import NOT_MEASURED, cases
from headgate.gateway.policy import parse, policies
from tests.project.tree import tracked


def test_every_policy_is_measured_or_named_with_the_reason_why_not() -> None:
    measured = {case.kind for case in cases()}
    assert measured.isdisjoint(NOT_MEASURED)
    assert measured | set(NOT_MEASURED) == set(policies)
    assert all(NOT_MEASURED.values())


def test_every_measured_policy_has_settings_that_it_takes_and_a_name_of_its_own() -> None:
    listed = cases()
    assert all(parse(case.use()) for case in listed)
    assert len({case.name for case in listed}) == len(listed)


def test_every_suite_is_run_by_default() -> None:
    suites = {path.stem for path in tracked("bench/*.py") if "\ndef run(*" in path.read_text()}
    assert suites == set(SUITES)
