"""Does everybody get the mails that they want, and can any be ended from within the mail?"""

from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest

from headgate.core.problems import Problem
from headgate.jobs.smtp import SMTPSender
from headgate.model.events import EventKind
from headgate.store.environment import MailServer
from headgate.store.models import Mail, User
from headgate.store.services.actor import Actor
from headgate.store.services.alerts import ending_mails, mail, mail_choices, notices
from headgate.store.services.alerts.mail_choices import MailKind
from headgate.store.services.consumers import applications, people
from headgate.store.services.consumers.members import add_member
from headgate.store.services.consumers.organizations import create
from headgate.store.services.consumers.roles import MemberRole, Role
from tests.support.mail_sink import MailSink, mail_sink

PASSWORD = "correct horse 9"
SITE = "https://apis.example.com"


@pytest.fixture
def ada(admin: Actor) -> User:
    return people.create(admin, email="ada@example.com", password=PASSWORD)


def sent(actor: Actor, sink: MailSink) -> EmailMessage:
    """What a real server gets of the mails that wait; the last one."""
    url = urlsplit(sink.url)
    server = MailServer(url.hostname or "", url.port or 0, "", "", False, "gate@example.com")
    mail.send_due(actor, SMTPSender(server))
    return sink.mails[-1]


def tell(actor: Actor, user: User, kind: MailKind = MailKind.KEYS_ENDING) -> bool:
    return notices.tell(actor, user, kind, "Keys end", ["In a week."])


def test_a_mail_says_to_people_and_to_programs_how_to_get_no_more(
    admin: Actor, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_PUBLIC_URL", SITE)
    assert tell(admin, ada)
    with mail_sink() as sink:
        message = sent(admin, sink)
    less = message["List-Unsubscribe"].strip("<>")
    assert less.startswith(f"{SITE}/mails/less/")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert less in message.get_content()
    user, kind = mail_choices.end(less.rpartition("/")[2])
    assert (user, kind) == (ada, MailKind.KEYS_ENDING)
    assert not tell(admin, User.objects.get(pk=ada.pk))
    assert tell(admin, User.objects.get(pk=ada.pk), MailKind.SUBSCRIPTIONS)


def test_without_tls_no_one_click_is_promised(
    admin: Actor, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_PUBLIC_URL", "http://localhost:8000")
    tell(admin, ada)
    with mail_sink() as sink:
        message = sent(admin, sink)
    assert message["List-Unsubscribe"]
    assert message["List-Unsubscribe-Post"] is None


def test_a_mail_of_no_kind_has_no_way_to_end_it(admin: Actor, ada: User) -> None:
    mail.queue(admin, to=ada.email, subject="Your code", text="ABCDEF")
    with mail_sink() as sink:
        message = sent(admin, sink)
    assert message["List-Unsubscribe"] is None
    assert message.get_content().strip() == "ABCDEF"


def test_a_token_that_is_not_ours_ends_nothing(admin: Actor, ada: User) -> None:
    good = mail_choices.token_of(ada, MailKind.KEYS_ENDING)
    for token in ("", "x", good[:-1], f"{good}x", good.replace(":", ".", 1)):
        with pytest.raises(Problem, match="no such mail of ours"):
            mail_choices.end(token)
    assert mail_choices.wants(User.objects.get(pk=ada.pk), MailKind.KEYS_ENDING)


def test_requests_that_wait_are_offered_to_people_of_the_console_alone(
    admin: Actor, ada: User
) -> None:
    operator = people.create(admin, email="op@example.com", password=PASSWORD, role=Role.OPERATOR)
    assert MailKind.APPROVALS in mail_choices.offered(operator)
    assert MailKind.APPROVALS not in mail_choices.offered(ada)
    mail_choices.choose(ada, [])
    assert MailKind.APPROVALS not in ada.mails_off  # not chosen: it comes with the role
    mail_choices.choose(ada, [MailKind.KEYS_ENDING])
    off = [MailKind.API_ENDINGS, MailKind.DATA_ACCESS, MailKind.SUBSCRIPTIONS]
    assert sorted(ada.mails_off) == off


def test_of_an_end_are_told_who_can_act_and_wants_it(admin: Actor, ada: User) -> None:
    acme = create(admin, name="acme")
    bob = people.create(admin, email="bob@example.com", password=PASSWORD)
    eve = people.create(admin, email="eve@example.com", password=PASSWORD)
    for user, role in (
        (ada, MemberRole.OWNER),
        (bob, MemberRole.DEVELOPER),
        (eve, MemberRole.VIEWER),
    ):
        add_member(admin, acme, user, role)
    mail_choices.choose(bob, [])
    data = {
        "version": "pets@v1",
        "deprecated_at": None,
        "sunset_at": "2027-01-31T12:00:00+00:00",
        "successor": "pets@v2",
        "link": "https://example.com/moving",
    }
    applications.create(admin, name="demo", organization="acme")
    ending_mails.tell(admin, EventKind.API_DEPRECATED, acme, ["acme/demo"], data)
    row = Mail.objects.get()
    assert (row.to, row.subject) == ("ada@example.com", "pets@v1 is deprecated")
    text = mail.letter_of(row).text
    for said in ("acme/demo", "2027-01-31 12:00", "pets@v2", "https://example.com/moving"):
        assert said in text
