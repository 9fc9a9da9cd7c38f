"""Do people get the mails that they want, and no others, whoever ends them?"""

import re
from collections.abc import Iterator

import httpx2
import pytest

from tests.support.person import Person, words
from tests.support.portal_world import PASSWORD, PortalWorld, code_of, portal_world

pytestmark = pytest.mark.integration
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalWorld]:
    with portal_world(tmp_path_factory.mktemp("mails")) as running:
        yield running


@pytest.fixture(scope="module")
def owner(world: PortalWorld) -> Iterator[Person]:
    with world.owner("owner@example.com", "acme", "demo") as person:
        yield person


def subjects(world: PortalWorld, address: str) -> list[str]:
    return [str(mail["Subject"]) for mail in list(world.sink.mails) if mail["To"] == address]


def test_one_click_in_a_mail_ends_its_kind_without_signing_in(
    world: PortalWorld, owner: Person
) -> None:
    with world.operator("op@example.com", "operator"):
        _ask(owner)
        mail = world.sink.wait_for("owner@example.com", after=1)
        address = mail["List-Unsubscribe"].strip("<>")
        assert address in mail.get_content()
        assert "List-Unsubscribe" not in world.sink.wait_for("owner@example.com")  # the code
        for _ in range(2):
            with httpx2.Client(trust_env=False) as program:
                looked = program.get(address)
                assert looked.status_code == 200
                assert "will end" in words(looked)
                assert looked.headers["referrer-policy"] == "no-referrer"
                assert program.get(f"{address}x").status_code == 404
                assert program.post(f"{address}x", data=ONE_CLICK).status_code == 404
        assert _is_wanted(owner, "subscriptions")  # looking at it has changed nothing
        with httpx2.Client(trust_env=False) as program:
            done = program.post(address, data=ONE_CLICK)
            assert done.status_code == 200
            assert "gets no more mails" in words(done)
            assert "headgate_session" not in program.cookies
        assert not _is_wanted(owner, "subscriptions")
        assert _is_wanted(owner, "keys-ending")
        _withdraw(owner)
        world.sink.wait_for("op@example.com", after=1)  # of the withdrawal, as the owner would be
    assert len(subjects(world, "owner@example.com")) == 2


def test_a_person_chooses_and_the_safety_of_the_account_is_no_choice(
    world: PortalWorld, owner: Person
) -> None:
    page = owner.get("/mails")
    assert "safety of your account" in words(page)
    assert "wait for a decision" not in words(page)  # a developer decides about nothing
    assert "It is saved" in words(owner.send("/mails"))
    assert not _is_wanted(owner, "keys-ending")
    with Person(world.up.web) as forgetful:
        forgetful.send("/account/password/reset/", email="owner@example.com")
        assert code_of(world.sink, "owner@example.com", after=1)
    assert "It is saved" in words(owner.send("/mails", kinds=["keys-ending", "subscriptions"]))
    assert _is_wanted(owner, "subscriptions")
    assert not _is_wanted(owner, "api-endings")


def test_whoever_decides_chooses_about_requests_as_well(world: PortalWorld) -> None:
    with Person(world.up.web) as operator:
        operator.sign_in("op@example.com", PASSWORD)
        assert _is_wanted(operator, "approvals")
        operator.send("/mails", kinds=[])
        assert not _is_wanted(operator, "approvals")


def _ask(person: Person) -> None:
    found = re.search(r"app_[0-9a-z]{12}", person.get("/applications/acme/demo").text)
    assert found
    person.send("/products/shop/subscribe", application=found.group(0), plan="partner")


def _withdraw(person: Person) -> None:
    found = re.search(
        r"/applications/acme/demo/requests/srq_\w+/withdraw",
        person.get("/applications/acme/demo").text,
    )
    assert found
    person.send("/applications/acme/demo", to=found.group(0))


def _is_wanted(person: Person, kind: str) -> bool:
    found = re.search(rf'<input[^>]*value="{kind}"[^>]*>', person.get("/mails").text)
    assert found, f"{kind} is not offered"
    return "checked" in found.group(0)
