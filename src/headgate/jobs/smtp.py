"""How does a mail get to a mail server? Python's own SMTP client; TLS wherever it is offered."""

import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from headgate.core.problems import DependencyError
from headgate.store.environment import MailServer
from headgate.store.services.alerts.mail import Letter

TIMEOUT_SECONDS = 20.0
FINAL_FROM = 500  # an answer of 5xx is the server's last word on this mail


class SMTPSender:
    """Gives mails to one server, a connection for each: mails are few.

    Raises DependencyError where a mail was not taken; it is retryable unless the server said that
    it never will. A password goes over TLS only.
    """

    def __init__(self, server: MailServer) -> None:
        self._server = server

    def __call__(self, to: str, subject: str, letter: Letter) -> None:
        try:
            with self._connected() as client:
                client.send_message(self._message(to, subject, letter))
        except smtplib.SMTPRecipientsRefused as error:
            code, words = next(iter(error.recipients.values()))
            raise _refused(code, words) from error
        except smtplib.SMTPResponseException as error:
            raise _refused(error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            raise DependencyError(
                f"The mail server {self._server.host} does not answer: {error}", is_retryable=True
            ) from error

    def _connected(self) -> smtplib.SMTP:
        server, context = self._server, ssl.create_default_context()
        if server.is_tls:
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            client = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
            client.ehlo_or_helo_if_needed()
            if client.has_extn("starttls"):
                client.starttls(context=context)
            elif server.user:
                client.close()
                raise smtplib.SMTPException("it offers no TLS, and a password needs it")
        if server.user:
            client.login(server.user, server.password)
        return client

    def _message(self, to: str, subject: str, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"] = Address("Headgate", addr_spec=self._server.sender)
        message["To"] = to
        message["Subject"] = subject
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self._server.sender.partition("@")[2])
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answering machine replies
        if letter.unsubscribe:
            message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
        if letter.unsubscribe.startswith("https://"):  # one click wants TLS: RFC 8058 §3.1
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(letter.text)
        return message


def _refused(code: int, words: bytes | str) -> DependencyError:
    said = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    is_final = code >= FINAL_FROM
    return DependencyError(f"The mail server said {code} {said}", is_retryable=not is_final)
