"""How do people get in, and who does not? Sign-up by mail, sign-in, second thoughts, attacks."""

import base64
import hmac
import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.mail_sink import MailSink, mail_sink
from tests.support.person import Person, words
from tests.support.tree import Tree, eventually, tree

pytestmark = pytest.mark.integration
PASSWORD = "correct horse 9"
ADMIN = "ada@example.com"


@pytest.fixture(scope="module")
def sink() -> Iterator[MailSink]:
    with mail_sink() as running:
        yield running


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, sink: MailSink) -> Iterator[Tree]:
    more = {"HEADGATE_SMTP_URL": sink.url, "HEADGATE_MAIL_FROM": "headgate@example.com"}
    with tree(tmp_path_factory.mktemp("accounts") / "data", more=more) as running:
        yield running


@pytest.fixture(scope="module")
def admin(up: Tree) -> Iterator[Person]:
    """The first administrator, signed in."""
    with Person(up.web) as person:
        token = (up.data / "admin.token").read_text().strip()
        page = person.send("/account/first", token=token, email=ADMIN, password=PASSWORD)
        assert "Home" in words(page)
        yield person


def code_of(sink: MailSink, address: str, *, after: int = 0) -> str:
    found = re.search(
        r"^\s*([A-Z0-9-]{6,12})\s*$",
        sink.wait_for(address, after=after).get_content(),
        re.MULTILINE,
    )
    assert found, "the mail has no code"
    return found.group(1)


def sign_up(up: Tree, sink: MailSink, address: str) -> Person:
    person = Person(up.web)
    page = person.send("/account/signup/", email=address, password1=PASSWORD)
    assert "code" in words(page)
    person.send("/account/confirm-email/", code=code_of(sink, address))
    return person


def test_only_the_owner_of_the_data_folder_becomes_the_first_administrator(
    up: Tree, admin: Person
) -> None:
    with Person(up.web) as other:
        assert other.get("/account/first").status_code == 404  # there is one now
    assert admin.get("/console").status_code == 200


def test_a_wrong_token_makes_no_administrator(tmp_path: Path) -> None:
    with tree(tmp_path / "data") as up, Person(up.web) as person:
        page = person.send(
            "/account/first", token="hgt_x", email="eve@example.com", password=PASSWORD
        )
        assert page.status_code == 403
        assert "not an administrator's token" in words(page)
        assert person.get("/console").status_code in {200, 404}
        assert "/account/first" in str(person.get("/console").url)


def test_a_stranger_signs_up_proves_the_address_and_is_signed_in(
    up: Tree, sink: MailSink, admin: Person
) -> None:
    with sign_up(up, sink, "dev@example.com") as person:
        assert "dev@example.com" in words(person.get("/"))
        assert person.get("/console").status_code == 404


def test_without_the_code_nobody_is_signed_in(up: Tree, sink: MailSink) -> None:
    with Person(up.web) as person:
        person.send("/account/signup/", email="late@example.com", password1=PASSWORD)
        sink.wait_for("late@example.com")
        page = person.send("/account/confirm-email/", code="AAAAAA")
        assert "late@example.com" not in words(person.get("/")).replace(
            "sent to late@example.com", ""
        )
        assert "Incorrect" in words(page)


def test_signing_up_twice_tells_the_stranger_nothing_and_the_owner_everything(
    up: Tree, sink: MailSink, admin: Person
) -> None:
    with Person(up.web) as stranger, Person(up.web) as newcomer:
        page = words(stranger.send("/account/signup/", email=ADMIN, password1=PASSWORD))
        new = words(newcomer.send("/account/signup/", email="x@example.com", password1=PASSWORD))
    assert page.replace(ADMIN, "") == new.replace("x@example.com", "")
    assert "already" in sink.wait_for(ADMIN).get_content()


def test_a_stranger_sees_401_and_the_way_in(up: Tree, admin: Person) -> None:
    with Person(up.web) as stranger:
        page = stranger.get("/console")
        assert page.status_code == 401
        assert "Sign in to see this page" in words(page)


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(
    up: Tree, admin: Person
) -> None:
    with Person(up.web) as one, Person(up.web) as other:
        wrong = words(one.sign_in(ADMIN, "wrong horse 9")).replace(ADMIN, "")
        unknown = words(other.sign_in("nobody@example.com", "wrong horse 9"))
    assert wrong == unknown.replace("nobody@example.com", "")


def test_guessing_is_slowed_down(up: Tree, sink: MailSink) -> None:
    sign_up(up, sink, "guessed@example.com").client.close()
    with Person(up.web) as person:
        pages = [person.sign_in("guessed@example.com", f"wrong {n}") for n in range(7)]
        right = person.sign_in("guessed@example.com", PASSWORD)
    assert [page.status_code for page in pages] == [200] * 5 + [429] * 2
    assert right.status_code == 429  # also for the right one
    assert "Too many failed tries" in words(right)
    assert right.headers["retry-after"] == "300"


def test_a_forgotten_password_is_replaced_by_a_code_in_a_mail(up: Tree, sink: MailSink) -> None:
    sign_up(up, sink, "forgot@example.com").client.close()
    before = len([mail for mail in sink.mails if mail["To"] == "forgot@example.com"])
    with Person(up.web) as person:
        person.send("/account/password/reset/", email="forgot@example.com")
        code = code_of(sink, "forgot@example.com", after=before)
        person.send("/account/password/reset/confirm/", code=code)
        done = person.send(
            "/account/password/reset/complete/",
            password1="another horse 9",
            password2="another horse 9",
        )
        assert done.status_code == 200
    with Person(up.web) as again:
        assert "forgot@example.com" in words(again.sign_in("forgot@example.com", "another horse 9"))


def _before_it_changes() -> None:
    """Wait until an authenticator shows the same code for the rest of its half minute."""
    eventually(lambda: time.time() % 30 < 10, 30)


def _code(secret: str) -> str:
    """What an authenticator shows now. Source: RFC 6238 and 4226."""
    counter = int(time.time()) // 30
    made = hmac.digest(base64.b32decode(secret), counter.to_bytes(8, "big"), "sha1")
    start = made[-1] & 15
    return f"{(int.from_bytes(made[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def _secret(page: httpx2.Response) -> str:
    found = re.search(r"\b[A-Z2-7]{32}\b", page.text)
    assert found, "the page shows no secret"
    return found.group()


def _form(person: Person, code: str) -> dict[str, str]:
    """As `Person.send` fills it in, without opening the page: each opening makes a new secret."""
    return {"csrfmiddlewaretoken": person.client.cookies["headgate_csrf"], "code": code}


def test_a_second_factor_is_asked_for_and_a_recovery_code_works_once(
    up: Tree, sink: MailSink
) -> None:
    with sign_up(up, sink, "two@example.com") as person:
        person.send("/account/reauthenticate/", password=PASSWORD)
        secret = _secret(person.get("/account/2fa/totp/activate/"))
        refused = person.client.post("/account/2fa/totp/activate/", data=_form(person, "000000"))
        assert "Incorrect" in words(refused)
        _before_it_changes()
        person.client.post("/account/2fa/totp/activate/", data=_form(person, _code(secret)))
        text = person.get("/account/2fa/recovery-codes/").text
        recovery = re.findall(r"\b[0-9a-f]{8}\b", text)
        assert recovery
    with Person(up.web) as person:
        asked = person.sign_in("two@example.com", PASSWORD)
        assert asked.url.path == "/account/2fa/authenticate/"
        assert "two@example.com" not in words(person.get("/"))  # the password alone opens nothing
        assert "Incorrect" in words(person.send("/account/2fa/authenticate/", code="000000"))
        _before_it_changes()
        code = _code(secret)
        person.send("/account/2fa/authenticate/", code=code)
        assert "two@example.com" in words(person.get("/"))
    with Person(up.web) as person:
        person.sign_in("two@example.com", PASSWORD)
        again = words(person.send("/account/2fa/authenticate/", code=code))
        assert "Incorrect" in again  # who has seen it typed gets nothing by it
        person.send("/account/2fa/authenticate/", code=recovery[0])
        assert "two@example.com" in words(person.get("/"))
    with Person(up.web) as person:
        person.sign_in("two@example.com", PASSWORD)
        assert "Incorrect" in words(person.send("/account/2fa/authenticate/", code=recovery[0]))


def test_a_session_taken_before_signing_in_is_worth_nothing_after(up: Tree, admin: Person) -> None:
    with Person(up.web) as person:
        person.client.cookies.set("headgate_session", "a" * 32, domain="127.0.0.1")
        person.sign_in(ADMIN, PASSWORD)
        cookies = [c.value for c in person.client.cookies.jar if c.name == "headgate_session"]
    with Person(up.web) as thief:
        thief.client.cookies.set("headgate_session", "a" * 32, domain="127.0.0.1")
        assert thief.get("/console").status_code == 401
    assert any(value != "a" * 32 for value in cookies)


def test_signing_out_ends_the_session_also_for_who_has_copied_its_cookie(
    up: Tree, admin: Person
) -> None:
    with Person(up.web) as person, Person(up.web) as copy:
        person.sign_in(ADMIN, PASSWORD)
        copy.client.cookies.update(person.client.cookies)
        assert copy.get("/console").status_code == 200
        person.send("/", to="/account/logout/")
        assert copy.get("/console").status_code == 401


def test_a_form_from_elsewhere_changes_nothing(up: Tree, admin: Person) -> None:
    answer = admin.client.post("/account/logout/", data={})
    assert answer.status_code == 403
    assert "open for too long" in words(answer)
    assert admin.get("/console").status_code == 200


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_nobody_is_sent_to_another_site(up: Tree, admin: Person, target: str) -> None:
    with Person(up.web) as person:
        answer = person.send_once("/account/login/", login=ADMIN, password=PASSWORD, next=target)
        assert "evil" not in answer.headers.get("location", "")
        answer = person.send_once("/", to="/site/theme", theme="dark", next=target)
        assert answer.headers["location"] == "/"


def test_a_foreign_host_name_is_refused(up: Tree) -> None:
    with Person(up.web) as person:
        answer = person.client.get("/", headers={"Host": "evil.example"})
        assert answer.status_code == 421
        assert "HEADGATE_PUBLIC_URL" in answer.text


def test_neither_cookie_nor_code_nor_password_is_in_database_or_log(
    up: Tree, sink: MailSink
) -> None:
    with sign_up(up, sink, "quiet@example.com") as person:
        code = code_of(sink, "quiet@example.com")
        cookie = person.client.cookies["headgate_session"]
        stored = b"".join(path.read_bytes() for path in up.data.glob("headgate.db*"))
        logged = (up.data.parent / f"{up.data.name}.log").read_bytes()
        for secret in (cookie, PASSWORD):
            assert secret.encode() not in stored
            assert secret.encode() not in logged
        assert code.encode() not in logged


def test_mails_wait_while_the_server_is_down_and_then_arrive_once(up: Tree, sink: MailSink) -> None:
    sink.is_down = True
    with Person(up.web) as person:
        person.send("/account/signup/", email="patient@example.com", password1=PASSWORD)
        log = up.data.parent / f"{up.data.name}.log"
        eventually(lambda: "failed=1" in log.read_text() or '"failed": 1' in log.read_text(), 60.0)
        sink.is_down = False
        code = code_of(sink, "patient@example.com")
        person.send("/account/confirm-email/", code=code)
        assert "patient@example.com" in words(person.get("/"))
    assert len([mail for mail in sink.mails if mail["To"] == "patient@example.com"]) == 1


def test_the_pages_speak_german_to_those_who_do(up: Tree) -> None:
    with Person(up.web, language="de") as person:
        assert 'lang="de"' in person.get("/account/login/").text
        assert "Passwort" in words(person.get("/account/login/"))
