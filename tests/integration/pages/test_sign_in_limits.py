"""Who guesses is slowed down, in every process; and no answer tells whether an address is known."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.counted_hashing import counted
from tests.support.person import TOKEN, Person, words
from tests.support.web_process import WebProcess, running_web

pytestmark = pytest.mark.integration
PASSWORD = "correct horse 9"
KNOWN, UNKNOWN, OTHER = "ada@example.com", "nobody@example.com", "bob@example.com"
COUNTED = {"DJANGO_SETTINGS_MODULE": "tests.support.counted_hashing"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def two(data: Path) -> Iterator[tuple[WebProcess, WebProcess]]:
    """Two web processes over one store, with two people in it."""
    with ExitStack() as stack:
        one, other = (stack.enter_context(running_web(data)) for _ in "ab")
        _make_people(one)
        yield one, other


def status(web: WebProcess, page: str, **fields: str) -> tuple[int, str, str]:
    """How a form is answered: its status, Retry-After, and where it leads to."""
    with Person(web.url) as person:
        answer = person.send_once(page, **fields)
    return (
        answer.status_code,
        answer.headers.get("retry-after", ""),
        answer.headers.get("location", ""),
    )


def sign_in(web: WebProcess, email: str, password: str) -> tuple[int, str]:
    return status(web, "/account/login/", login=email, password=password)[:2]


def test_wrong_passwords_are_counted_in_all_processes_and_over_a_restart(
    two: tuple[WebProcess, WebProcess], data: Path
) -> None:
    one, other = two
    tries = [sign_in(web, KNOWN, "wrong horse 9") for web in (one, other, one, other, one)]
    assert [code for code, _ in tries] == [200] * 5
    assert sign_in(other, KNOWN, PASSWORD) == (429, "300")
    one.stop()
    with running_web(data) as again:
        assert sign_in(again, KNOWN, PASSWORD) == (429, "300")
        assert sign_in(again, OTHER, PASSWORD) == (302, "")  # another's account is as it was


def test_codes_by_mail_are_asked_for_a_few_times_in_all_processes_together(
    two: tuple[WebProcess, WebProcess],
) -> None:
    one, other = two
    for email in (KNOWN, UNKNOWN):
        asked = [
            status(web, "/account/password/reset/", email=email)
            for web in (one, other, one, other, one, other)
        ]
        assert [code for code, _, _ in asked] == [302] * 5 + [429], email
        assert asked[-1][1] == "60"
    assert sign_in(one, KNOWN, PASSWORD) == (302, "")  # who knows the password needs no code
    with Person(other.url) as person, Person(one.url, language="de") as german:
        for here, said in ((person, "Wait a minute"), (german, "Warten Sie eine Minute")):
            assert said in words(here.send("/account/password/reset/", email=UNKNOWN))


@pytest.mark.parametrize(
    ("page", "fields"),
    [
        ("/account/first", {"token": "wrong", "email": KNOWN, "password": PASSWORD}),
        ("/oauth/device", {"token": "wrong", "user_code": "BCDF-GHJK"}),
    ],
)
def test_pages_that_ask_for_a_token_are_tried_twenty_times_in_all_processes_together(
    two: tuple[WebProcess, WebProcess], page: str, fields: dict[str, str]
) -> None:
    codes: list[int] = []
    with Person(two[0].url) as one, Person(two[1].url) as other:
        while codes[-1:] != [429]:
            person = (one, other)[len(codes) % 2]
            token = TOKEN.search(person.get(page).text)
            sent = fields | ({"csrfmiddlewaretoken": token.group(1)} if token else {})
            codes.append(person.client.post(page, data=sent).status_code)
            assert len(codes) < 40  # each for itself would let so many pass
    assert codes[:20] == [403] * 20


def test_codes_of_devices_are_tried_twenty_times_by_a_person_in_all_processes_together(
    two: tuple[WebProcess, WebProcess],
) -> None:
    codes: list[int] = []
    with Person(two[0].url) as one, Person(two[1].url) as other:
        for person in (one, other):
            person.sign_in(KNOWN, PASSWORD)
        one.send("/organization/new", title="Acme", name="acme")
        while codes[-1:] != [429]:
            tried = (one, other)[len(codes) % 2].get("/device?user_code=BCDF-GHJK")
            codes.append(tried.status_code)
            assert len(codes) < 40
        assert codes[:20] == [422] * 20
        assert tried.headers["retry-after"] == "60"
        assert one.get("/device").status_code == 200  # without a code nothing is tried


def test_a_known_and_an_unknown_address_cost_the_same_work_and_get_the_same_answer(
    data: Path,
) -> None:
    with running_web(data, environment=COUNTED) as web:
        _make_people(web)
        for page, name, more, hashes in (
            ("/account/login/", "login", {"password": "wrong horse 9"}, 1),
            ("/account/signup/", "email", {"password1": PASSWORD}, 1),
            ("/account/password/reset/", "email", {}, 0),
        ):
            found = []
            for email in (KNOWN, UNKNOWN):
                before = _hashed(data)
                answer = status(web, page, **{name: email, **more})
                found.append((answer, _hashed(data) - before))
            assert found[0] == found[1], page
            assert found[0][1] == hashes, page


def test_an_invitation_is_answered_alike_whether_or_not_the_address_is_known(data: Path) -> None:
    """Also the pages after it: who has no account reads and shows the same until it is accepted."""
    with running_web(data) as web, Person(web.url) as owner:
        _make_people(web)
        with web.client() as api:
            assert api.post("/organizations", json={"name": "acme"}).status_code == 201
            api.put(f"/organizations/acme/members/{OTHER}", json={"role": "owner"})
        owner.sign_in(OTHER, PASSWORD)
        found = []
        for email in (KNOWN, UNKNOWN):
            answer = owner.send_once("/organization/invite", email=email, role="viewer")
            page = owner.get(answer.headers["location"])
            assert f"{email} is invited" in words(page)
            said = re.sub(r"\d+", "", words(page).replace(email, ""))
            found.append((answer.status_code, answer.headers["location"], said))
            invited = re.search(r'action="(/organization/invitations/[^"]+)"', page.text)
            assert invited
            owner.send("/organization", to=invited[1])
        assert found[0] == found[1]


def _make_people(web: WebProcess) -> None:
    with web.client() as api:
        for email in (KNOWN, OTHER):
            body = {"email": email, "password": PASSWORD}
            assert api.post("/people", json=body).status_code == 201


def _hashed(data: Path) -> int:
    path = counted(data)
    return len(path.read_text()) if path.exists() else 0
